{{/* The settings of `elfgate serve`, as a mapping in YAML. */}}
{{- define "elfgate.settings" -}}
{{- $v := .Values -}}
{{- $settings := dict
  "listen" (dict "host" $v.listenHost "port" 8443 "probe_port" 8081)
  "tls" (include "elfgate.settings.tls" . | fromYaml)
  "nodes" (include "elfgate.settings.nodes" . | fromYaml)
  "registries" (include "elfgate.settings.registries" . | fromYaml)
  "policies" (include "elfgate.settings.policies" . | fromYaml)
  "admission" (dict "bindings" $v.bindings "steer" $v.steer "events" $v.events "namespace_labels" (include "elfgate.namespaceLabels" . | eq "true") "exempt_namespaces" $v.exemptNamespaces)
-}}
{{- if $v.notifications.secret }}{{- $_ := set $settings "notifications" (dict "tokens" "/run/elfgate/notifications/tokens") }}{{- end }}
{{- with $v.nodes.snapshotter }}{{- $_ := set $settings.nodes "snapshotter" . }}{{- end }}
{{- if eq $v.store.kind "valkey" -}}
{{- $_ := set $settings "store" (dict "url" (required "store.valkey.url must be set with store.kind valkey" $v.store.valkey.url)) -}}
{{- else -}}
{{- $_ := set $settings "store" (dict "path" "/var/lib/elfgate/facts.db" "size_cap" $v.store.sizeCap) -}}
{{- end -}}
{{- mergeOverwrite $settings ($v.settings | default dict | deepCopy) | toYaml -}}
{{- end -}}

{{/* Whether the webhook reads the labels of namespaces: rules of your own look at them, or settings go by them. */}}
{{- define "elfgate.namespaceLabels" -}}
{{- $asked := .Values.namespaceLabels -}}
{{- range $key, $_ := ((.Values.policies | default dict).namespaces) }}{{- if contains "=" $key }}{{- $asked = true }}{{- end }}{{- end -}}
{{- $asked -}}
{{- end -}}

{{- define "elfgate.settings.tls" -}}
{{- if eq .Values.certificates.mode "self" -}}
self_made:
  names: [{{ include "elfgate.fullname" . }}.{{ .Release.Namespace }}.svc]
  webhooks: [{{ include "elfgate.fullname" . }}]
  secret: {{ include "elfgate.tlsSecret" . }}
  lease: {{ include "elfgate.tlsSecret" . }}
  namespace: {{ .Release.Namespace }}
{{- else -}}
certificate: /run/elfgate/tls/tls.crt
key: /run/elfgate/tls/tls.key
{{- end }}
{{- if .Values.certificates.clientCA }}
client_ca: /etc/elfgate/client-ca.crt
client_names: {{ toJson .Values.certificates.clientNames }}
{{- end }}
{{- end -}}

{{- define "elfgate.settings.registries" -}}
{{- with .Values.registries -}}
insecure: {{ toJson .insecure }}
pull_secrets: {{ .pullSecrets.enabled }}
{{- if .hosts }}
config_path: [/run/elfgate/certs.d]
{{- end }}
{{- if .attested }}
attested: {{ toJson .attested }}
{{- end }}
{{- if .credentialsSecret }}
docker_config: /run/elfgate/credentials/config.json
{{- end }}
{{- end }}
{{- end -}}

{{- define "elfgate.settings.policies" -}}
{{- if and .Values.bundle.location (eq (include "elfgate.engine" .) "opa") -}}
{{- fail "bundle.location is followed by the embedded engine: leave engine at auto" -}}
{{- end -}}
{{- if and .Values.bundle.location (not .Values.bundle.publicKeys) -}}
{{- fail "bundle.publicKeys must be set with bundle.location" -}}
{{- end -}}
{{- if and .Values.bundle.location (include "elfgate.hasOwnRules" .) -}}
{{- fail "bundle.location and your own rules exclude each other: put the rules into the bundle" -}}
{{- end -}}
{{- if and .Values.ownRules .Values.ownRulesConfigMap -}}
{{- fail "ownRules and ownRulesConfigMap exclude each other" -}}
{{- end -}}
folder: /run/elfgate/policies
engine: {{ include "elfgate.engine" . }}
{{- if eq (include "elfgate.engine" .) "opa" }}
opa_socket: /run/opa/opa.sock
{{- end }}
{{- if include "elfgate.hasOwnRules" . }}
own_rules: /run/elfgate/own-rules
{{- end }}
{{- with .Values.bundle }}
{{- if .location }}
bundle:
  location: {{ .location | quote }}
  keys:
    {{- range $id, $_ := .publicKeys }}
    - {key: {{ printf "/etc/elfgate/bundle-%s.pub" $id | quote }}, key_id: {{ $id | quote }}}
    {{- end }}
  poll_seconds: {{ .pollSeconds | int64 }}
  keep: {{ ternary "/tmp/bundle" "/var/lib/elfgate/bundle" (eq $.Values.store.kind "valkey") }}
  required: {{ .required }}
  allow_rollback: {{ .allowRollback }}
{{- end }}
{{- end }}
{{- with .Values.policies }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "elfgate.settings.nodes" -}}
{{- $nodes := .Values.nodes -}}
{{- dict
  "watch" true
  "injected_libraries" $nodes.injectedLibraries
  "extra_architectures" $nodes.extraArchitectures
  "passing_taints" $nodes.passingTaints
  "ordinary_runtimes" $nodes.ordinaryRuntimes
| toYaml -}}
{{- end -}}
