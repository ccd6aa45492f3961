{{/* Names, labels and images. */}}

{{- define "elfgate.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 40 characters, so that there is room for what is appended. */}}
{{- define "elfgate.fullname" -}}
{{- $name := include "elfgate.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "elfgate.selector" -}}
app.kubernetes.io/name: {{ include "elfgate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: webhook
{{- end -}}

{{- define "elfgate.labels" -}}
app.kubernetes.io/name: {{ include "elfgate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: elfgate
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "elfgate.image" -}}
{{- with .Values.image -}}
{{- .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end -}}

{{- define "elfgate.opaImage" -}}
{{- with .Values.opa.image -}}
{{- .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end -}}
{{- end -}}
{{- end -}}

{{- define "elfgate.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "elfgate.fullname" .) -}}
{{- end -}}

{{/* The Secret that holds the webhook's certificate. */}}
{{- define "elfgate.tlsSecret" -}}
{{- if eq .Values.certificates.mode "secret" -}}
{{- required "certificates.secret.name must be set with certificates.mode secret" .Values.certificates.secret.name -}}
{{- else -}}
{{- include "elfgate.fullname" . }}-tls
{{- end -}}
{{- end -}}

{{/* opa or embedded. */}}
{{- define "elfgate.engine" -}}
{{- if eq .Values.engine "auto" -}}
{{- ternary "embedded" "opa" (ne .Values.bundle.location "") -}}
{{- else -}}
{{- .Values.engine -}}
{{- end -}}
{{- end -}}

{{- define "elfgate.ownRules" -}}
{{- .Values.ownRulesConfigMap | default (printf "%s-own-rules" (include "elfgate.fullname" .)) -}}
{{- end -}}

{{- define "elfgate.hasOwnRules" -}}
{{- if or .Values.ownRules .Values.ownRulesConfigMap }}true{{ end -}}
{{- end -}}

{{/* OpenShift gives users, groups and the seccomp profile by itself, and refuses any that lie outside a namespace's range. */}}
{{- define "elfgate.podSecurityContext" -}}
{{- $context := .Values.podSecurityContext -}}
{{- if eq .Values.platform "openshift" -}}
{{- $context = omit $context "runAsUser" "runAsGroup" "fsGroup" "seccompProfile" -}}
{{- end -}}
{{- toYaml $context -}}
{{- end -}}
