{{/* What the schema cannot say: values that would make an object that the API server refuses, or takes for another. */}}
{{- define "elfgate.checks" -}}
{{- $name := include "elfgate.fullname" . -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "%s cannot be a Service's name: set fullnameOverride" $name) -}}
{{- end -}}
{{- range $label, $_ := .Values.commonLabels -}}
{{- if regexMatch "^(app\\.kubernetes\\.io|helm\\.sh)/" $label -}}
{{- fail (printf "commonLabels: %s is a label of the chart's own" $label) -}}
{{- end -}}
{{- end -}}
{{- $own := include "elfgate.selector" . | fromYaml -}}
{{- range $label, $_ := .Values.podLabels -}}
{{- if hasKey $own $label -}}
{{- fail (printf "podLabels: %s is a label by which the chart finds its pods" $label) -}}
{{- end -}}
{{- end -}}
{{- with .Values.autoscaling -}}
{{- if and .enabled $.Values.verticalPodAutoscaler.enabled -}}
{{- fail "autoscaling and verticalPodAutoscaler exclude each other: both act on the pods' CPU" -}}
{{- end -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- fail "autoscaling.minReplicas is more than autoscaling.maxReplicas" -}}
{{- end -}}
{{- end -}}
{{- end -}}
