{{/* What the pods mount, and how files get their places. */}}

{{- define "elfgate.policyKey" -}}
{{- trimPrefix "policies/" . | replace "/" "." | trimPrefix "." -}}
{{- end -}}

{{- define "elfgate.hostKey" -}}
hosts-{{ . | replace ":" "_" }}.toml
{{- end -}}

{{/* What judges mounts these: the webhook, and the audit. */}}
{{- define "elfgate.policyVolumes" -}}
- name: settings
  configMap: {name: {{ include "elfgate.fullname" . }}}
- name: policies
  configMap:
    name: {{ include "elfgate.fullname" . }}-policies
    items:
      {{- range $path, $_ := .Files.Glob "policies/**" }}
      - {key: {{ include "elfgate.policyKey" $path }}, path: {{ trimPrefix "policies/" $path }}}
      {{- end }}
{{- if include "elfgate.hasOwnRules" . }}
- name: own-rules
  configMap: {name: {{ include "elfgate.ownRules" . }}}
{{- end }}
{{- end -}}

{{- define "elfgate.policyMounts" -}}
- {name: settings, mountPath: /etc/elfgate, readOnly: true}
- {name: policies, mountPath: /run/elfgate/policies, readOnly: true}
{{- if include "elfgate.hasOwnRules" . }}
- {name: own-rules, mountPath: /run/elfgate/own-rules, readOnly: true}
{{- end }}
{{- end -}}

{{- define "elfgate.volumes" -}}
{{- include "elfgate.policyVolumes" . }}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- if eq (include "elfgate.engine" .) "opa" }}
- name: opa
  emptyDir: {medium: Memory, sizeLimit: 16Mi}
{{- end }}
{{- if ne .Values.certificates.mode "self" }}
- name: tls
  secret: {secretName: {{ include "elfgate.tlsSecret" . }}}
{{- end }}
{{- with .Values.notifications.secret }}
- name: notifications
  secret:
    secretName: {{ . }}
    items: [{key: tokens, path: tokens}]
{{- end }}
{{- if eq .Values.store.kind "emptyDir" }}
- name: facts
  emptyDir: {sizeLimit: {{ .Values.store.volumeSize }}}
{{- end }}
{{- include "elfgate.registryVolumes" . }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "elfgate.mounts" -}}
{{- include "elfgate.policyMounts" . }}
- {name: tmp, mountPath: /tmp}
{{- if eq (include "elfgate.engine" .) "opa" }}
- {name: opa, mountPath: /run/opa}
{{- end }}
{{- if ne .Values.certificates.mode "self" }}
- {name: tls, mountPath: /run/elfgate/tls, readOnly: true}
{{- end }}
{{- if .Values.notifications.secret }}
- {name: notifications, mountPath: /run/elfgate/notifications, readOnly: true}
{{- end }}
{{- if ne .Values.store.kind "valkey" }}
- {name: facts, mountPath: /var/lib/elfgate}
{{- end }}
{{- include "elfgate.registryMounts" . }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What reads registries mounts these: the webhook, and what warms the store. */}}
{{- define "elfgate.registryVolumes" -}}
{{- with .Values.registries }}
{{- if .hosts }}
- name: hosts
  configMap:
    name: {{ include "elfgate.fullname" $ }}-registries
    items:
      {{- range $host, $_ := .hosts }}
      - {key: {{ include "elfgate.hostKey" $host }}, path: {{ printf "%s/hosts.toml" $host | quote }}}
      {{- end }}
{{- end }}
{{- if .authorities }}
- name: authorities
  configMap:
    name: {{ include "elfgate.fullname" $ }}-registries
    items:
      {{- range $name, $_ := .authorities }}
      - {key: {{ $name }}, path: {{ $name }}}
      {{- end }}
{{- end }}
{{- if .credentialsSecret }}
- name: credentials
  secret:
    secretName: {{ .credentialsSecret }}
    items: [{key: .dockerconfigjson, path: config.json}]
{{- end }}
{{- end }}
{{- if and (eq .Values.store.kind "valkey") .Values.store.valkey.authority }}
- name: store
  configMap: {name: {{ include "elfgate.fullname" . }}-store}
{{- end }}
{{- end -}}

{{- define "elfgate.registryMounts" -}}
{{- with .Values.registries }}
{{- if .hosts }}
- {name: hosts, mountPath: /run/elfgate/certs.d, readOnly: true}
{{- end }}
{{- if .authorities }}
- {name: authorities, mountPath: /run/elfgate/authorities, readOnly: true}
{{- end }}
{{- if .credentialsSecret }}
- {name: credentials, mountPath: /run/elfgate/credentials, readOnly: true}
{{- end }}
{{- end }}
{{- if and (eq .Values.store.kind "valkey") .Values.store.valkey.authority }}
- {name: store, mountPath: /run/elfgate/store, readOnly: true}
{{- end }}
{{- end -}}

{{/* The options of a verb that reads registries as the webhook does. */}}
{{- define "elfgate.registryArgs" -}}
{{- with .Values.registries -}}
{{- if .hosts }}
- --hosts-dir=/run/elfgate/certs.d
{{- end }}
{{- if .credentialsSecret }}
- --docker-config=/run/elfgate/credentials/config.json
{{- end }}
{{- range .insecure }}
- --insecure-registry={{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The environment of what reads into the store. */}}
{{- define "elfgate.storeEnv" -}}
{{- with .Values.store.valkey }}
{{- if and (eq $.Values.store.kind "valkey") .passwordSecret }}
- name: ELFGATE_STORE_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ .passwordSecret }}, key: {{ .passwordKey }}}}
{{- end }}
{{- if and (eq $.Values.store.kind "valkey") .keysSecret }}
- name: ELFGATE_STORE_KEYS
  valueFrom: {secretKeyRef: {name: {{ .keysSecret }}, key: keys}}
{{- end }}
{{- if and (eq $.Values.store.kind "valkey") .authority }}
- {name: SSL_CERT_FILE, value: /run/elfgate/store/ca.crt}
{{- end }}
{{- end }}
{{- end -}}
