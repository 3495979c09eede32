{{- define "store.name" -}}
{{- default .Release.Name .Values.nameOverride -}}
{{- end -}}

{{- define "store.image" -}}
{{- default (printf "tollgate:%s" .Chart.AppVersion) .Values.image -}}
{{- end -}}
