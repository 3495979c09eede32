{{- define "store.name" -}}
{{- default .Release.Name .Values.nameOverride -}}
{{- end -}}
