{{/*
What the operator does in a namespace with stores, and nothing else. It reads the Secrets that stores name, one by one, and
makes those that they leave to it; it can neither list nor change one. It grants nobody anything.
*/}}
{{- define "tollgate.rules" -}}
- apiGroups: [tollgate.dev]
  resources: [apikeystores]
  verbs: [get, list, watch]
- apiGroups: [tollgate.dev]
  resources: [apikeystores/status]
  verbs: [patch]
- apiGroups: [tollgate.dev] # to be named as the owner who waits for its children
  resources: [apikeystores/finalizers]
  verbs: [update]
- apiGroups: [apps] # it goes with its store
  resources: [deployments]
  verbs: [get, list, watch, create, patch]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: ['']
  resources: [services, serviceaccounts]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [''] # data: who wants it gone, deletes it
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, create, patch]
- apiGroups: ['']
  resources: [secrets]
  verbs: [get, create]
- apiGroups: ['']
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [monitoring.coreos.com]
  resources: [servicemonitors, prometheusrules]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end -}}
