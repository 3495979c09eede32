{{/* Not the release's alone: a store of that name in the same namespace has a Deployment and a Service called so. */}}
{{- define "tollgate.name" -}}
{{- $name := ternary .Release.Name (printf "%s-operator" .Release.Name) (hasSuffix "operator" .Release.Name) -}}
{{- $name = default $name .Values.nameOverride -}}
{{- $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* Of what has no namespace: two releases of one name in two namespaces each have their own. */}}
{{- define "tollgate.clusterName" -}}
{{- printf "%s.%s" (include "tollgate.name" .) .Release.Namespace -}}
{{- end -}}

{{- define "tollgate.serviceAccount" -}}
{{- default (ternary (include "tollgate.name" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "tollgate.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What tells the operator's pods from all others; it can never change. */}}
{{- define "tollgate.selector" -}}
app.kubernetes.io/name: tollgate-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "tollgate.labels" -}}
{{ include "tollgate.selector" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: tollgate
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* What a namespace with enforce=restricted asks of a pod, and more. */}}
{{- define "tollgate.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "tollgate.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}
