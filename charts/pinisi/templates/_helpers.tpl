{{- define "pinisi.selector" -}}
app.kubernetes.io/name: pinisi
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "pinisi.labels" -}}
{{ include "pinisi.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}
