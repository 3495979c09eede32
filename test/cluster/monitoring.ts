import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const MODULE = 'github.com/prometheus-operator/prometheus-operator@v0.85.0'

/** The files of the Prometheus operator's CRDs that Tollgate makes objects of, from its Go module. */
export async function monitoringDefinitions(): Promise<readonly string[]> {
  const download = 'for attempt in 1 2 3; do go mod download "$0" && break; done && go mod download -json "$0"'
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', download, MODULE], { cwd: '/' })
  const { Dir } = JSON.parse(stdout) as { Dir: string } // safe: what `go help mod download` documents
  return ['servicemonitors', 'prometheusrules'].map((plural) =>
    join(Dir, 'example/prometheus-operator-crd', `monitoring.coreos.com_${plural}.yaml`),
  )
}
