{{- define "shop.meta" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
sidecar.istio.io/inject: "true" # expect: ML320
{{- end }}
