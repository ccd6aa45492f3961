{{/* The webhook's pod: OPA starts before the webhook and ends after it, as an init container that keeps running. */}}
{{- define "elfgate.pod" -}}
metadata:
  labels:
    {{- include "elfgate.selector" . | nindent 4 }}
    {{- with .Values.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # What is read at the start only: a change of it rolls the pods.
    checksum/settings: {{ include (print $.Template.BasePath "/settings.yaml") . | sha256sum }}
    checksum/policies: {{ include (print $.Template.BasePath "/policies.yaml") . | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "elfgate.serviceAccount" . }}
  enableServiceLinks: false
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if .Values.hostNetwork }}
  hostNetwork: true
  {{- end }}
  {{- with .Values.dnsPolicy | default (ternary "ClusterFirstWithHostNet" "" .Values.hostNetwork) }}
  dnsPolicy: {{ . }}
  {{- end }}
  {{- with .Values.dnsConfig }}
  dnsConfig: {{- toYaml . | nindent 4 }}
  {{- end }}
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds | int64 }}
  securityContext: {{- include "elfgate.podSecurityContext" . | nindent 4 }}
  {{- if eq (include "elfgate.engine" .) "opa" }}
  initContainers:
    {{- include "elfgate.bundleContainer" . | nindent 4 }}
    {{- include "elfgate.opaContainer" . | nindent 4 }}
  {{- end }}
  containers:
    {{- include "elfgate.container" . | nindent 4 }}
  volumes: {{- include "elfgate.volumes" . | nindent 4 }}
  {{- include "elfgate.placement" . | nindent 2 }}
{{- end -}}

{{- define "elfgate.container" -}}
{{- $listen := (.Values.settings | default dict).listen | default dict -}}
- name: elfgate
  image: {{ include "elfgate.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args: [serve, --config, /etc/elfgate/elfgate.yaml]
  ports:
    - {name: https, containerPort: {{ $listen.port | default 8443 }}}
    - {name: probes, containerPort: {{ $listen.probe_port | default 8081 }}}
  env:
    - name: POD_NAME
      valueFrom: {fieldRef: {fieldPath: metadata.name}}
    - name: POD_NAMESPACE
      valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
    - name: POD_UID # by which events are found that tell of the pod itself
      valueFrom: {fieldRef: {fieldPath: metadata.uid}}
    {{- with include "elfgate.storeEnv" . }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with .Values.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  # A webhook that waits for its certificate or reads many nodes is given a minute and a half before it counts as stuck.
  startupProbe:
    httpGet: {path: /livez, port: probes}
    periodSeconds: 1
    failureThreshold: 90
  livenessProbe:
    httpGet: {path: /livez, port: probes}
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 6
  readinessProbe:
    httpGet: {path: /readyz, port: probes}
    periodSeconds: 3
    timeoutSeconds: 3
    failureThreshold: 2
  {{- with .Values.lifecycle }}
  lifecycle: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.resources }}
  resources: {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext: {{- toYaml .Values.securityContext | nindent 4 }}
  volumeMounts: {{- include "elfgate.mounts" . | nindent 4 }}
{{- end -}}

{{/* OPA must judge by the very bundle that the settings make: elfgate makes it, from the same file. */}}
{{- define "elfgate.bundleContainer" -}}
- name: bundle
  image: {{ include "elfgate.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args: [bundle, build, --config, /etc/elfgate/elfgate.yaml, --output, /run/opa/bundle.tar.gz]
  {{- with .Values.resources }}
  resources: {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext: {{- toYaml .Values.securityContext | nindent 4 }}
  volumeMounts: {{- include "elfgate.mounts" . | nindent 4 }}
{{- end -}}

{{- define "elfgate.opaContainer" -}}
- name: opa
  image: {{ include "elfgate.opaImage" . }}
  imagePullPolicy: {{ .Values.opa.image.pullPolicy }}
  restartPolicy: Always
  args:
    - run
    - --server
    - --addr=unix:///run/opa/opa.sock
    - --diagnostic-addr=:8282
    - --log-level=error
    - --skip-version-check
    - --bundle
    - /run/opa/bundle.tar.gz
  ports:
    - {name: opa-health, containerPort: 8282}
  startupProbe:
    httpGet: {path: /health, port: opa-health}
    periodSeconds: 1
    failureThreshold: 60
  livenessProbe:
    httpGet: {path: /health, port: opa-health}
    periodSeconds: 5
    timeoutSeconds: 3
    failureThreshold: 3
  {{- with .Values.opa.resources }}
  resources: {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext: {{- toYaml .Values.securityContext | nindent 4 }}
  volumeMounts:
    - {name: opa, mountPath: /run/opa}
{{- end -}}

{{- define "elfgate.placement" -}}
nodeSelector:
  kubernetes.io/os: linux
  {{- with .Values.nodeSelector }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- $affinity := .Values.affinity | default dict | deepCopy }}
{{- if and .Values.architectures (not $affinity.nodeAffinity) }}
{{- $demand := dict "key" "kubernetes.io/arch" "operator" "In" "values" .Values.architectures }}
{{- $terms := list (dict "matchExpressions" (list $demand)) }}
{{- $required := dict "requiredDuringSchedulingIgnoredDuringExecution" (dict "nodeSelectorTerms" $terms) }}
{{- $_ := set $affinity "nodeAffinity" $required }}
{{- end }}
{{- with $affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
{{- range .Values.topologySpreadConstraints | default (include "elfgate.spread" . | fromYamlArray) }}
  - {{- toYaml (merge (dict) . (dict "labelSelector" (dict "matchLabels" (include "elfgate.selector" $ | fromYaml)))) | nindent 4 }}
{{- end }}
{{- end -}}

{{- define "elfgate.spread" -}}
- {topologyKey: kubernetes.io/hostname, maxSkew: 1, whenUnsatisfiable: ScheduleAnyway}
- {topologyKey: topology.kubernetes.io/zone, maxSkew: 1, whenUnsatisfiable: ScheduleAnyway}
{{- end -}}
