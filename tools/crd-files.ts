import { stringify } from 'yaml'
import { customResourceDefinitions } from '../operator/api/crd.ts'

const HEADER = 'Written by `npm run generate` from operator/api.'

/** The documents of the kinds, by their paths: for `kubectl apply`, and once more as templates of the chart. */
export function crdFiles(): ReadonlyMap<string, string> {
  return new Map(
    [...customResourceDefinitions()].flatMap(([name, { spec, ...head }]) => {
      const [before, after] = [yaml(head), yaml({ spec })]
      return [
        [`crds/${name}`, `# ${HEADER}\n${before}${after}`],
        [`charts/tollgate/templates/crds/${name}`, templateOf(before, after)],
      ]
    }),
  )
}

/** Helm's own folder for such documents is never upgraded, so they are templates; `before` ends in the metadata. */
function templateOf(before: string, after: string): string {
  return [
    `{{- /* ${HEADER} */ -}}\n`,
    '{{- if .Values.crds.enabled }}\n',
    before,
    '  {{- if .Values.crds.keep }}\n',
    '  annotations:\n    helm.sh/resource-policy: keep\n',
    '  {{- end }}\n',
    after,
    '{{- end }}\n',
  ].join('')
}

function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, singleQuote: true })
}
