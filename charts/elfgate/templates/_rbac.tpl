{{- define "elfgate.pullRights" -}}
- apiGroups: [""]
  resources: [secrets]
  {{- if not (has "*" .names) }}
  resourceNames: {{ toJson .names }}
  {{- end }}
  verbs: [get]
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [get]
{{- end -}}

{{/* A binding of a role to one of the chart's service accounts: in a namespace, or of a ClusterRole in all of them. */}}
{{- define "elfgate.bound" }}
{{- $kind := ternary "Role" "ClusterRole" (hasKey . "namespace") }}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels: {{- include "elfgate.labels" .root | nindent 4 }}
  {{- with .annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: {{ $kind }}, name: {{ .name }}}
subjects:
  - {kind: ServiceAccount, name: {{ .account }}, namespace: {{ .root.Release.Namespace }}}
{{- end -}}

{{/* A Job of our own image at a point of a release's life; nothing of it stays. It has an account of its own, with rights in
     every namespace (rules) and in the release's (ownRules). */}}
{{- define "elfgate.hook" -}}
{{- $root := .root -}}
{{- $name := printf "%s-%s" (include "elfgate.fullname" $root) .name -}}
{{- $annotations := dict "helm.sh/hook" .when "helm.sh/hook-delete-policy" "before-hook-creation,hook-succeeded" "helm.sh/hook-weight" "-5" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "elfgate.labels" $root | nindent 4 }}
  annotations: {{- toYaml $annotations | nindent 4 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ $name }}
  labels: {{- include "elfgate.labels" $root | nindent 4 }}
  annotations: {{- toYaml $annotations | nindent 4 }}
rules: {{- toYaml .rules | nindent 2 }}
---
{{- include "elfgate.bound" (dict "root" $root "name" $name "account" $name "annotations" $annotations) }}
{{- with .ownRules }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "elfgate.labels" $root | nindent 4 }}
  annotations: {{- toYaml $annotations | nindent 4 }}
rules: {{- toYaml . | nindent 2 }}
---
{{- include "elfgate.bound" (dict "root" $root "name" $name "account" $name "annotations" $annotations "namespace" $root.Release.Namespace) }}
{{- end }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "elfgate.labels" $root | nindent 4 }}
  annotations: {{- toYaml (merge (dict "helm.sh/hook-weight" "0") $annotations) | nindent 4 }}
spec:
  backoffLimit: 2
  activeDeadlineSeconds: 120
  template: {{- include "elfgate.jobPod" (dict "root" $root "account" $name "args" .args) | nindent 4 }}
{{- end -}}

{{/* The pod of a Job that asks the API server. */}}
{{- define "elfgate.jobPod" -}}
{{- $root := .root -}}
metadata:
  labels: {{- include "elfgate.labels" $root | nindent 4 }}
spec:
  restartPolicy: Never
  serviceAccountName: {{ .account }}
  enableServiceLinks: false
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext: {{- include "elfgate.podSecurityContext" $root | nindent 4 }}
  nodeSelector:
    kubernetes.io/os: linux
    {{- with $root.Values.nodeSelector }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $root.Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: elfgate
      image: {{ include "elfgate.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args: {{- toYaml .args | nindent 8 }}
      {{- with .env }}
      env: {{- toYaml . | nindent 8 }}
      {{- end }}
      resources: {{- toYaml (.resources | default (dict "requests" (dict "cpu" "50m" "memory" "64Mi") "limits" (dict "memory" "256Mi"))) | nindent 8 }}
      securityContext: {{- toYaml $root.Values.securityContext | nindent 8 }}
      volumeMounts:
        - {name: tmp, mountPath: /tmp}
        {{- with .mounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: {sizeLimit: 64Mi}
    {{- with .volumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
