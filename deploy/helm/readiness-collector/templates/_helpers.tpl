{{/* The name of the objects: that of the release, which has 53 characters at most, and the chart's. */}}
{{- define "readiness-collector.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "readiness-collector.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" | toYaml }}
app.kubernetes.io/instance: {{ .Release.Name | toYaml }}
{{- end -}}

{{- define "readiness-collector.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "readiness-collector.selectorLabels" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "readiness-collector.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else if or $image.tag (ne .Chart.AppVersion "0.0.0") -}}
{{- printf "%s:%s" $image.repository (default .Chart.AppVersion $image.tag) -}}
{{- else -}}
{{- fail "image.tag: this chart is from the repository and not from a release, so no image has its version: set image.tag or image.digest" -}}
{{- end -}}
{{- end -}}

{{- define "readiness-collector.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "readiness-collector.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "readiness-collector.configMap" -}}
{{- default (include "readiness-collector.fullname" .) .Values.existingConfigMap -}}
{{- end -}}

{{/* Where people reach the pages, without a slash at its end. Empty if that is not known. */}}
{{- define "readiness-collector.pages" -}}
{{- if .Values.addresses.pages -}}
{{- .Values.addresses.pages | trimSuffix "/" -}}
{{- else if .Values.ingress.enabled -}}
{{- printf "%s://%s" (ternary "https" "http" (gt (len .Values.ingress.tls) 0)) (first .Values.ingress.hosts) -}}
{{- end -}}
{{- end -}}

{{/* The configuration as YAML: what values say, with what the chart decides. */}}
{{- define "readiness-collector.config" -}}
{{- $values := .Values -}}
{{- $config := $values.config -}}
{{- if kindIs "string" $config -}}
{{- $config = fromYaml $config -}}
{{- with $config.Error -}}{{- fail (printf "config: the text is not a map of YAML: %s" .) -}}{{- end -}}
{{- end -}}
{{- $config = deepCopy $config -}}
{{- range $key := list "server" "store" -}}
{{- if not (kindIs "map" (get $config $key | default dict)) -}}
{{- fail (printf "config.%s: it is one value, and has to be keys with values" $key) -}}
{{- end -}}
{{- end -}}
{{- $server := $config.server | default dict -}}
{{- $store := $config.store | default dict -}}
{{- if $server.listen_address -}}
{{- fail "config.server.listen_address: the chart sets it, because the ports of its objects have to fit; remove it" -}}
{{- end -}}
{{- if $server.web_config_file -}}
{{- fail "config.server.web_config_file: the chart sets it; put the file into a Secret and set webConfig.existingSecret" -}}
{{- end -}}
{{- if eq $values.store.type "sqlite" -}}
{{- if or $store.url $store.url_file -}}
{{- fail "config.store.url: with store.type sqlite the chart sets it to a file in the volume; remove it, or set store.type to postgresql" -}}
{{- end -}}
{{- $store = set $store "url" "/data/readiness.db" -}}
{{- else if regexMatch "://[^/@]*:[^/@]*@|password *=" (toString $store.url) -}}
{{- fail "config.store.url: a ConfigMap is no place for a password; put the address into the Secret as store.postgresql.urlKey and remove it here" -}}
{{- else if not (or $store.url $store.url_file) -}}
{{- $store = set $store "url_file" (printf "/etc/readiness/secrets/%s" $values.store.postgresql.urlKey) -}}
{{- end -}}
{{- $server = set $server "listen_address" ":9847" -}}
{{- if $values.webConfig.existingSecret -}}
{{- $server = set $server "web_config_file" "/etc/readiness/web/web-config.yml" -}}
{{- end -}}
{{- if and $values.addresses.grafana (not $server.dashboard_url) -}}
{{- $server = set $server "dashboard_url" (printf "%s/d/readiness-service?var-service={service}" (trimSuffix "/" $values.addresses.grafana)) -}}
{{- end -}}
{{- if not (hasKey $config "log") -}}
{{- $config = set $config "log" (dict "format" "json") -}}
{{- end -}}
{{- set (set $config "server" $server) "store" $store | toYaml -}}
{{- end -}}

{{/* Refuses values that do not go together. What one value alone may be is in values.schema.json. */}}
{{- define "readiness-collector.check" -}}
{{- $values := .Values -}}
{{- $postgresql := eq $values.store.type "postgresql" -}}
{{- if and (not $values.config) (not $values.existingConfigMap) -}}
{{- fail "config: it is empty, and the collector needs sources and a catalog; write them into config, give a file with --set-file config=collector.yaml, or name a ConfigMap in existingConfigMap" -}}
{{- end -}}
{{- if and $values.existingConfigMap (or $values.config $values.files) -}}
{{- fail "existingConfigMap: config and files are not used with it; remove them, or existingConfigMap" -}}
{{- end -}}
{{- if and (gt (int $values.replicas) 1) (not $postgresql) -}}
{{- fail (printf "replicas: %d cannot share one SQLite file; set replicas to 1, or store.type to postgresql" (int $values.replicas)) -}}
{{- end -}}
{{- if and $postgresql (not $values.secret.name) (not $values.existingConfigMap) -}}
{{- $config := include "readiness-collector.config" . | fromYaml -}}
{{- if not $config.store.url -}}
{{- fail "secret.name: it is empty, and the address of PostgreSQL is in no other place; name a Secret that has the key of store.postgresql.urlKey" -}}
{{- end -}}
{{- end -}}
{{- if and (gt (int $values.replicas) 1) $values.podDisruptionBudget.enabled (ge (int $values.podDisruptionBudget.minAvailable) (int $values.replicas)) -}}
{{- fail (printf "podDisruptionBudget.minAvailable: %d of %d replicas would keep every node from being drained; set it below replicas" (int $values.podDisruptionBudget.minAvailable) (int $values.replicas)) -}}
{{- end -}}
{{- if and $values.webConfig.tls (not $values.webConfig.existingSecret) -}}
{{- fail "webConfig.tls: without webConfig.existingSecret the collector has no certificate; name the Secret, or set tls to false" -}}
{{- end -}}
{{- if and $values.ingress.enabled (not $values.ingress.hosts) -}}
{{- fail "ingress.hosts: it is empty; name the host under which people reach the pages" -}}
{{- end -}}
{{- range $name, $text := $values.files -}}
{{- if has $name (list "collector.yaml" "secrets" "web") -}}
{{- fail (printf "files: %s is a name that the chart uses itself; choose another" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
