package config

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/strictyaml"
)

var (
	sourceName   = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$`)
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

func (v *validator) sources() {
	s := &v.config.Sources
	eachSource("pagerduty", s.PagerDuty, v.pagerDuty)
	eachSource("jira", s.Jira, v.jira)
	eachSource("prometheus", s.Prometheus, v.prometheus)
	eachSource("file", s.File, v.fileSource)
}

// eachSource calls check for the sources of a kind, with the path of each and the
// names of those before it.
func eachSource[T any](kind string, sources []T, check func(path string, source *T, names map[string]string)) {
	names := map[string]string{}
	for i := range sources {
		check(fmt.Sprintf("sources.%s[%d]", kind, i), &sources[i], names)
	}
}

func (v *validator) pagerDuty(path string, p *PagerDuty, names map[string]string) {
	v.name(path, p.Name, names)
	v.address(path+".endpoint", "the endpoint", &p.Endpoint)
	v.httpClient(path+".http_client", &p.HTTPClient)
	switch {
	case p.OAuth.IsZero():
		p.credential = v.credential(path, &p.TokenFile, p.TokenEnv, p.HTTPClient, true)
	case p.TokenFile != "" || p.TokenEnv != "" || hasCredential(p.HTTPClient):
		v.add(path+".oauth", "there is another credential beside the OAuth app; remove one of them")
	default:
		p.credential = v.pagerDutyOAuth(path, p)
	}
	p.place = placeOf(path, p.credential, p.HTTPClient)
	v.job(path, p.Schedule, p.Timeout, p.Rate, p.MaxResponseBytes)
	// Facts about incidents look back over 90 days.
	v.history(path+".history", p.History, 90*24*time.Hour)
	for name, severity := range p.Severities {
		if severity < 1 || severity > 5 {
			v.add(path+".severities."+name, "%d is no severity; give a number from 1, the worst, to 5", severity)
		}
	}
	for i, name := range p.IncidentTypes {
		if strings.TrimSpace(name) == "" {
			v.add(fmt.Sprintf("%s.incident_types[%d]", path, i), "the name is empty; write it as PagerDuty shows it")
		}
	}
	v.pagerDutyFalseAlarms(path+".false_alarms", &p.FalseAlarms)
}

func (v *validator) pagerDutyFalseAlarms(path string, f *PagerDutyFalseAlarms) {
	for i, word := range f.Notes {
		v.required(fmt.Sprintf("%s.notes[%d]", path, i), "the words", word)
		if strings.HasPrefix(strings.TrimSpace(word), "#") && len(strings.Fields(word)) > 1 {
			v.add(fmt.Sprintf("%s.notes[%d]", path, i), "%q has a # and is not one word; write it without spaces", word)
		}
	}
	for name, values := range f.Fields {
		if strings.TrimSpace(name) == "" || len(values) == 0 {
			v.add(path+".fields", "the field %q has no name or no value; write NAME: [VALUE]", name)
		}
		for i, value := range values {
			v.required(fmt.Sprintf("%s.fields.%s[%d]", path, name, i), "the value", value)
		}
	}
}

func (v *validator) jira(path string, j *Jira, names map[string]string) {
	v.name(path, j.Name, names)
	v.word(path+".deployment", string(j.Deployment), string(Cloud), string(DataCenter))
	v.address(path+".url", "the address", &j.URL)
	v.jiraAddresses(path, j)
	v.httpClient(path+".http_client", &j.HTTPClient)
	// A Data Center site may be readable without logging in.
	j.credential = v.credential(path, &j.TokenFile, j.TokenEnv, j.HTTPClient, j.Deployment == Cloud)
	j.place = placeOf(path, j.credential, j.HTTPClient)
	if j.Auth == "" {
		j.Auth = AuthPAT
		if j.Deployment == Cloud {
			j.Auth = AuthBasic
		}
	}
	v.word(path+".auth", string(j.Auth), string(AuthBasic), string(AuthPAT), string(AuthBearer))
	if j.Auth == AuthBasic && !j.credential.IsZero() && j.Email == "" {
		v.add(path+".email", "the email is missing; basic authentication needs the account that the token belongs to")
	}
	v.jiraIncidents(path+".incidents", &j.Incidents)
	v.closings(path+".not_done", j.NotDone)
	for n, name := range j.AutomationUsers {
		v.required(fmt.Sprintf("%s.automation_users[%d]", path, n), "the id, key or name of the account", name)
	}
	v.serviceLink(path+".reviews.services", j.Reviews.Services)
	v.serviceLink(path+".exemptions.services", j.Exemptions.Services)
	v.file(path+".facts_file", &j.FactsFile)
	v.job(path, j.Schedule, j.Timeout, j.Rate, j.MaxResponseBytes)
}

func (v *validator) serviceLink(path string, link ServiceLink) {
	v.word(path+".by", string(link.By), string(ByComponent), string(ByProject), string(ByLabel), string(ByField))
	if link.By == ByField {
		v.required(path+".field", "the id of the field", link.Field)
	} else if link.Field != "" {
		v.add(path+".field", "the field is not used; set by to field or remove it")
	}
	if link.By != ByLabel && link.Prefix != "" {
		v.add(path+".prefix", "the prefix is not used; set by to label or remove it")
	}
}

func (v *validator) presets(path string, presets []string) {
	for i, preset := range presets {
		at := fmt.Sprintf("%s[%d]", path, i)
		if v.required(at, "the name", preset) && v.options.Presets != nil && !slices.Contains(v.options.Presets, preset) {
			v.add(at, "there is no preset %q%s; the presets are %s", preset, nearest.Suggest(preset, v.options.Presets),
				strings.Join(v.options.Presets, ", "))
		}
		if slices.Index(presets, preset) < i {
			v.add(at, "the preset %q is given twice; remove one of them", preset)
		}
	}
}

func (v *validator) prometheus(path string, p *Prometheus, names map[string]string) {
	v.name(path, p.Name, names)
	v.replicas(path+".replica_of", p.ReplicaOf)
	v.address(path+".url", "the address", &p.URL)
	v.httpClient(path+".http_client", &p.HTTPClient)
	p.place = placeOf(path, Credential{}, p.HTTPClient)
	if p.RulesURL != "" {
		v.address(path+".rules_url", "the address", &p.RulesURL)
	}
	for _, name := range slices.Sorted(maps.Keys(p.QueryParams)) {
		switch name {
		case "query", "time", "timeout", "start", "end", "step", "match[]", "type", "exclude_alerts", "":
			v.add(path+".query_params."+name, "every request sets the parameter %q itself; remove it", name)
		}
	}
	if p.Memory != 0 {
		v.duration(path+".memory", p.Memory, time.Hour, maxDuration)
	}
	for i, rule := range p.Relabel {
		v.relabel(fmt.Sprintf("%s.relabel[%d]", path, i), rule)
	}
	v.presets(path+".presets", p.Presets)
	for i := range p.FactsFiles {
		at := fmt.Sprintf("%s.facts_files[%d]", path, i)
		if v.required(at, "the file name", p.FactsFiles[i]) {
			v.file(at, &p.FactsFiles[i])
		}
	}
	if p.AlertHistory != 0 {
		v.duration(path+".alert_history", p.AlertHistory, time.Hour, maxDuration)
		if kept := v.config.Store.Retention.Alerts; p.AlertHistory > kept {
			v.add(path+".alert_history",
				"%s is longer than the %s of store.retention.alerts, so that alerts would be collected and "+
					"deleted; shorten one or lengthen the other", p.AlertHistory, kept)
		}
	}
	v.annotations(path+".runbook_annotations", p.RunbookAnnotations)
	v.annotations(path+".summary_annotations", p.SummaryAnnotations)
	for i, name := range p.AlertLabels {
		v.label(fmt.Sprintf("%s.alert_labels[%d]", path, i), name)
	}
	for i, name := range p.ReplicaLabels {
		v.label(fmt.Sprintf("%s.replica_labels[%d]", path, i), name)
	}
	for i, severity := range p.PagingSeverities {
		v.required(fmt.Sprintf("%s.paging_severities[%d]", path, i), "the severity", severity)
	}
	v.job(path, p.Schedule, p.Timeout, p.Rate, p.MaxResponseBytes)
}

// replicas checks the name of a group of servers. Catalog entries name servers and
// groups with the same key.
func (v *validator) replicas(path, group string) {
	if group == "" {
		return
	}
	if !sourceName.MatchString(group) {
		v.add(path, "the name %q cannot be used; use lower case letters, digits, dashes and underscores", group)
	}
	if slices.ContainsFunc(v.config.Sources.Prometheus, func(p Prometheus) bool { return p.Name == group }) {
		v.add(path, "%q is the name of a server; give the group a name of its own, on every server in it", group)
	}
}

func (v *validator) relabel(path string, r Relabel) {
	v.word(path+".action", r.Action, RelabelActions()...)
	ofNames := r.Action == "labeldrop" || r.Action == "labelkeep"
	switch {
	case ofNames && len(r.SourceLabels) > 0:
		v.add(path+".source_labels", "the labels are not used with action %s, whose regex is matched with the names of all "+
			"labels; remove them", r.Action)
	case !ofNames && len(r.SourceLabels) == 0:
		v.add(path+".source_labels", "the labels that are read are missing; name at least one")
	}
	for i, name := range r.SourceLabels {
		v.label(fmt.Sprintf("%s.source_labels[%d]", path, i), name)
	}
	switch filters := ofNames || r.Action == "keep" || r.Action == "drop"; {
	case filters && r.TargetLabel != "":
		v.add(path+".target_label", "the label is not used with action %s; remove it", r.Action)
	case !filters:
		v.label(path+".target_label", r.TargetLabel)
	}
	if _, err := regexp.Compile("^(?s:" + r.Regex + ")$"); err != nil {
		v.add(path+".regex", "this is no regular expression: %v", err)
	}
}

// annotations refuses an empty list, with which every rule would lack something.
func (v *validator) annotations(path string, names []string) {
	if len(names) == 0 {
		v.add(path, "there is no annotation, so that no rule could have it; name one at least")
	}
	for i, name := range names {
		v.required(fmt.Sprintf("%s[%d]", path, i), "the name of the annotation", name)
	}
}

func (v *validator) label(path, name string) {
	if v.required(path, "the name of the label", name) && !model.UTF8Validation.IsValidLabelName(name) {
		v.add(path, "%q is no name of a label", name)
	}
}

// name checks the name of an instance. names holds those of its kind.
func (v *validator) name(path, name string, names map[string]string) {
	switch {
	case name == "":
		v.add(path+".name", "the name is missing; records and metrics need it")
		return
	case !sourceName.MatchString(name):
		v.add(path+".name", "the name %q cannot be used; use lower case letters, digits, dashes and underscores", name)
	}
	if first, dup := names[name]; dup {
		v.add(path+".name", "the name %q is already used at %s; rename one of them", name, v.place(first))
		return
	}
	names[name] = path + ".name"
}

// address checks a web address and takes the slash off its end. It is not
// shown, since it may hold a credential.
func (v *validator) address(path, what string, address *string) {
	if !v.required(path, what, *address) {
		return
	}
	u, err := url.Parse(*address)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		v.add(path, "%s is not a web address; write it as https://host/path", what)
	case u.User != nil:
		v.add(path,
			"%s holds credentials, which must not stand here; use http_client.basic_auth with password_file", what)
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		v.add(path, "%s has a query or fragment, to which no path can be added; remove it", what)
	}
	*address = strings.TrimRight(*address, "/")
}

func (v *validator) job(path, schedule string, timeout Duration, rate Rate, maxBytes int64) {
	if _, err := ParseSchedule(schedule); err != nil {
		v.add(path+".schedule", "%v", err)
	}
	v.duration(path+".timeout", timeout, time.Second, 24*time.Hour)
	// The comparisons are written so that NaN fails them too.
	if !(rate.PerMinute > 0 && rate.PerMinute <= 1e6) {
		v.add(path+".rate.per_minute",
			"the rate is out of range; use a number of requests a minute above 0, up to 1000000")
	}
	if !(rate.Share > 0 && rate.Share <= 1) {
		v.add(path+".rate.share", "the share is out of range; use a number above 0, up to 1")
	}
	v.bytes(path+".max_response_bytes", maxBytes)
}

// bytes checks the bound of one answer or file.
func (v *validator) bytes(path string, limit int64) {
	if limit < 1<<16 || limit > 1<<30 {
		v.add(path, "%d is out of range; use 65536 to 1073741824", limit)
	}
}

// history checks how far back incidents are collected.
func (v *validator) history(path string, history Duration, minimum time.Duration) {
	v.duration(path, history, minimum, maxDuration)
	if kept := v.config.Store.Retention.Incidents; history > kept {
		v.add(path,
			"%s is longer than the %s of store.retention.incidents, so that incidents would be deleted and "+
				"collected for ever; shorten one or lengthen the other", history, kept)
	}
}

// hasCredential reports whether an HTTP client has a credential.
func hasCredential(client HTTPClient) bool {
	return client.Authorization != nil || client.BasicAuth != nil || client.OAuth2 != nil
}

// credential checks that there is exactly one credential and that it can be
// read.
func (v *validator) credential(path string, file *string, variable string, client HTTPClient, needed bool) Credential {
	inClient := hasCredential(client)
	if v.spoilt[path+".http_client"] {
		return Credential{}
	}
	if (*file != "" || variable != "") && inClient && (*file == "" || variable == "") {
		v.add(path+".http_client", "there is a credential here and a token beside it; remove one of them")
		return Credential{}
	}
	return v.secretOf(path, "token_file", "token_env", "token", file, variable, needed && !inClient)
}

// secretOf checks the two keys that say where a secret is, of which one is to be
// given, and that it can be read.
func (v *validator) secretOf(
	path, fileKey, variableKey, what string, file *string, variable string, needed bool,
) Credential {
	if v.spoilt[path+"."+fileKey] || v.spoilt[path+"."+variableKey] {
		return Credential{}
	}
	switch {
	case *file != "" && variable != "":
		v.add(path+"."+variableKey, "both %s and %s are given; remove one of them", fileKey, variableKey)
		return Credential{}
	case *file != "":
		written := *file
		v.resolve(path+"."+fileKey, file)
		c := Credential{file: *file, key: path + "." + fileKey, readFile: v.options.injected,
			unshown: !looksLikeFile(written)}
		if _, err := c.Read(); err != nil && v.options.NoRequests {
			return Credential{}
		} else if err != nil {
			v.add(path+"."+fileKey,
				"%v; put the %s, and nothing else, into a file that this program can read", err, what)
		}
		return c
	case variable != "":
		if !variableName.MatchString(variable) {
			// Not shown: it may be the token itself.
			v.add(path+"."+variableKey,
				"this is not the name of an environment variable; write the name, not the %s", what)
			return Credential{}
		}
		value, _ := lookup(v.options.Environ, variable)
		c := Credential{variable: variable, key: path + "." + variableKey, value: NewSecret(value)}
		if _, err := c.Read(); err != nil && v.options.NoRequests {
			return Credential{}
		} else if err != nil {
			v.add(path+"."+variableKey, "the environment variable%s is empty or not one line; set it or correct its name",
				shownVariable(variable))
		}
		return c
	case needed:
		v.add(path, "there is no credential; name a file in %s or an environment variable in %s", fileKey, variableKey)
	}
	return Credential{}
}

// shownVariable is the name of a variable after a space; nothing where it could be a
// token: those have small letters, or are long and have no underscore.
func shownVariable(name string) string {
	const longest = 15
	if strings.ToUpper(name) != name || len(name) > longest && !strings.Contains(name, "_") {
		return ""
	}
	return " " + name
}

// httpClient checks the keys of an HTTP client one by one and together, and
// resolves the files that it names and tries to read them.
func (v *validator) httpClient(path string, client *HTTPClient) {
	if v.spoilt[path] {
		return
	}
	v.httpKeys(path, reflect.ValueOf(client).Elem())
	if !v.given(path) {
		return // made in code, not decoded
	}
	check := client.TLSConfig.Validate()
	oauth := &promconfig.OAuth2{}
	if client.OAuth2 != nil {
		oauth = client.OAuth2
		check = cmp.Or(check, oauth.TLSConfig.Validate(), oauth.Validate())
	}
	if err := cmp.Or(check, client.Validate()); err != nil {
		v.add(path, "%v; see the keys of Prometheus's HTTP client configuration", err)
		v.spoilt[path] = true
		*client = DefaultHTTPClientConfig()
		return
	}
	v.proxy(path+".proxy_url", client.ProxyURL)
	v.proxy(path+".oauth2.proxy_url", oauth.ProxyURL)
	v.oauthAddress(path, *client)
}

func (v *validator) proxy(path string, address promconfig.URL) {
	if address.URL != nil && address.User != nil {
		v.add(path,
			"the address holds credentials; set proxy_from_environment and put the address into the environment "+
				"variable HTTPS_PROXY")
	}
}

// httpKeys goes through a structure of prometheus/common. Its file names are the
// strings under keys that end in _file, and the lists called files. Its secrets
// have a type of their own; they are refused.
func (v *validator) httpKeys(path string, value reflect.Value) {
	switch value.Kind() {
	case reflect.String:
		if value.Type() == reflect.TypeFor[promconfig.Secret]() && value.String() != "" && v.given(path) {
			v.add(path, "a secret must not stand in the configuration; %s", secretRemedy(path))
			v.spoilt[path] = true
			value.SetString("")
		}
	case reflect.Slice:
		for i := range value.Len() {
			v.httpKeys(fmt.Sprintf("%s[%d]", path, i), value.Index(i))
		}
	case reflect.Pointer:
		if !value.IsNil() && value.Type() != reflect.TypeFor[*url.URL]() {
			v.httpKeys(path, value.Elem())
		}
	case reflect.Struct:
		if value.Type() != reflect.TypeFor[promconfig.URL]() {
			v.httpStruct(path, value)
		}
	case reflect.Map:
		for _, key := range value.MapKeys() {
			// Header values are structs with a list of files, which is shared.
			held := reflect.New(value.Type().Elem()).Elem()
			held.Set(value.MapIndex(key))
			v.httpKeys(strictyaml.Join(path, key.String()), held)
		}
	}
}

func (v *validator) httpStruct(path string, value reflect.Value) {
	for i := range value.NumField() {
		field := value.Type().Field(i)
		key, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		at := path
		if !strings.Contains(options, "inline") {
			at = strictyaml.Join(path, key)
		}
		switch member := value.Field(i); {
		case !field.IsExported():
		case member.Kind() == reflect.String && strings.HasSuffix(key, "_file"):
			v.httpFile(at, member)
		case key == "files" && member.Type() == reflect.TypeFor[[]string]():
			for j := range member.Len() {
				v.httpFile(fmt.Sprintf("%s[%d]", at, j), member.Index(j))
			}
		default:
			v.httpKeys(at, member)
		}
	}
}

func (v *validator) httpFile(path string, value reflect.Value) {
	name := value.String()
	v.file(path, &name)
	value.SetString(name)
}

// secretRemedy says where the secret of a key belongs.
func secretRemedy(path string) string {
	key := path[strings.LastIndexAny(path, ".")+1:]
	switch {
	case strings.HasPrefix(key, "secrets["):
		return "put it into a file and name the file in files"
	case strings.Contains(path, ".proxy_connect_header"):
		return "set proxy_from_environment and put the address with its credentials into the environment variable HTTPS_PROXY"
	}
	return "put it into a file and name the file in " + key + "_file"
}
