package config

import (
	"time"

	promconfig "github.com/prometheus/common/config"
)

// HTTPClient says how to reach a server: credentials, TLS, proxy. Its keys are
// those of Prometheus.
type HTTPClient = promconfig.HTTPClientConfig

// DefaultHTTPClientConfig is the HTTP client of a source without http_client.
func DefaultHTTPClientConfig() HTTPClient { return promconfig.DefaultHTTPClientConfig }

// Sources are the upstreams that evidence comes from.
type Sources struct {
	PagerDuty  []PagerDuty  `yaml:"pagerduty"`
	Jira       []Jira       `yaml:"jira"`
	Prometheus []Prometheus `yaml:"prometheus"`
	File       []File       `yaml:"file"`
}

// Rate bounds the requests to an upstream.
type Rate struct {
	// PerMinute is the whole budget of the account in requests a minute.
	PerMinute float64 `yaml:"per_minute"`
	// Share is the part of the budget this program may use, above 0 to 1.
	Share float64 `yaml:"share"`
}

// DefaultMaxResponseBytes bounds one answer of an upstream.
const DefaultMaxResponseBytes = 32 << 20

// PagerDuty is one PagerDuty account.
type PagerDuty struct {
	// Name is unique among the accounts; records call the source pagerduty/Name.
	Name string `yaml:"name"`
	// Endpoint is the API's address, without a slash at its end.
	Endpoint string `yaml:"endpoint"`
	// TokenFile is a file that holds a REST API key, TokenEnv an environment
	// variable that does. HTTPClient may carry the credential of an OAuth app
	// instead.
	TokenFile string `yaml:"token_file"`
	TokenEnv  string `yaml:"token_env"`
	// OAuth is an OAuth app that is used in place of the key.
	OAuth PagerDutyOAuth `yaml:"oauth"`
	// TokenExpires is the day on which the credential ends; zero means that it
	// is not known.
	TokenExpires Date `yaml:"token_expires,omitempty"`
	// Schedule says when a round starts; see ParseSchedule.
	Schedule string `yaml:"schedule"`
	// Timeout bounds one round.
	Timeout Duration `yaml:"timeout"`
	// History is how far back incidents are collected, 90 days at least.
	History Duration `yaml:"history"`
	// Severities are the severities, 1 (worst) to 5, of priorities by name. Others have
	// that of their place among the account's priorities.
	Severities map[string]int `yaml:"severities,omitempty"`
	// IncidentTypes are the names of the types of incidents that count; empty means
	// all.
	IncidentTypes []string `yaml:"incident_types,omitempty"`
	// FalseAlarms say how people mark incidents in which nothing was wrong.
	FalseAlarms PagerDutyFalseAlarms `yaml:"false_alarms"`
	// Rate bounds the requests, MaxResponseBytes one answer.
	Rate             Rate       `yaml:"rate"`
	MaxResponseBytes int64      `yaml:"max_response_bytes"`
	HTTPClient       HTTPClient `yaml:"http_client"`

	credential Credential
	place      string
}

// PagerDutyFalseAlarms say how people mark incidents in which nothing was wrong.
type PagerDutyFalseAlarms struct {
	// Notes are the words with which a line of such a note begins, or, with a #, that
	// stand anywhere in it.
	Notes []string `yaml:"notes"`
	// Fields are the values of the account's own fields that say so, by the name of the
	// field.
	Fields map[string][]string `yaml:"fields,omitempty"`
}

// falseAlarmWords are what people write.
func falseAlarmWords() []string {
	return []string{"False alarm", "False positive", "#false-alarm", "#false-positive"}
}

// DefaultPagerDuty is an account without any key.
func DefaultPagerDuty() PagerDuty {
	return PagerDuty{
		Endpoint:         pagerDutyUS,
		OAuth:            defaultPagerDutyOAuth(),
		Schedule:         "@every 5m",
		Timeout:          Duration(4 * time.Minute),
		History:          Duration(760 * 24 * time.Hour),
		FalseAlarms:      PagerDutyFalseAlarms{Notes: falseAlarmWords()},
		Rate:             Rate{PerMinute: 960, Share: 0.5},
		MaxResponseBytes: DefaultMaxResponseBytes,
		HTTPClient:       DefaultHTTPClientConfig(),
	}
}

// SetDefaults is how an account begins that is decoded.
func (p *PagerDuty) SetDefaults() { *p = DefaultPagerDuty() }

// Credential is the REST API key, or the secret of the OAuth app; its IsZero is
// true when HTTPClient carries the credential.
func (p PagerDuty) Credential() Credential { return p.credential }

// CredentialPlace says where the credential is configured, never what it is: it comes from
// KEY (the secret file "NAME").
func (p PagerDuty) CredentialPlace() string { return p.place }

// Authorize returns a function that makes the Authorization header of a request
// from the key as it is then, so that its file can be rotated. It is nil when
// the credential is not a key.
func (p PagerDuty) Authorize() func() (string, error) {
	if p.credential.IsZero() || !p.OAuth.IsZero() {
		return nil
	}
	return func() (string, error) {
		key, err := p.credential.Read()
		// PagerDuty writes "Authorization: Token token=KEY".
		return "Token token=" + key.Reveal(), err
	}
}

// Client is HTTPClient with the credential in it: the app's, or the key as it is
// now, which Authorize follows. The result holds the key in clear: it must not
// be logged.
func (p PagerDuty) Client() (HTTPClient, error) {
	if p.credential.IsZero() {
		return p.HTTPClient, nil
	}
	if !p.OAuth.IsZero() {
		oauth, err := p.OAuth.client(p.credential, p.HTTPClient)
		client := p.HTTPClient
		client.OAuth2 = oauth
		return client, err
	}
	key, err := p.credential.Read()
	if err != nil {
		return HTTPClient{}, err
	}
	client := p.HTTPClient
	token := promconfig.Secret("token=" + key.Reveal())
	client.Authorization = &promconfig.Authorization{Type: "Token", Credentials: token}
	return client, nil
}

// Deployment is the kind of a Jira site.
type Deployment string

// The kinds of Jira sites.
const (
	Cloud      Deployment = "cloud"
	DataCenter Deployment = "datacenter"
)

// Auth is how this program authenticates at a Jira site.
type Auth string

// The ways to authenticate at a Jira site.
const (
	// AuthBasic sends Email and the token; the way of Jira Cloud.
	AuthBasic Auth = "basic"
	// AuthPAT sends a personal access token; the way of Jira Data Center.
	AuthPAT Auth = "pat"
	// AuthBearer sends an OAuth access token.
	AuthBearer Auth = "bearer"
)

// Jira is one Jira site.
type Jira struct {
	// Name is unique among the sites; records call the source jira/Name.
	Name string `yaml:"name"`
	// Deployment is cloud or datacenter: their search calls differ.
	Deployment Deployment `yaml:"deployment"`
	// URL is the site's address. APIURL is where its API is and BrowseURL the
	// address that people open, both URL when empty.
	URL       string `yaml:"url"`
	APIURL    string `yaml:"api_url"`
	BrowseURL string `yaml:"browse_url"`
	// Email belongs to the token with AuthBasic.
	Email string `yaml:"email"`
	// TokenFile is a file that holds the token, TokenEnv an environment
	// variable that does.
	TokenFile string `yaml:"token_file"`
	TokenEnv  string `yaml:"token_env"`
	// TokenExpires is the day on which the token ends; zero means that it is not
	// known.
	TokenExpires Date `yaml:"token_expires,omitempty"`
	// Auth is basic, pat or bearer; empty means basic on Cloud, else pat.
	Auth Auth `yaml:"auth"`
	// Incidents and Reviews say which tickets are incidents and readiness
	// reviews.
	Incidents JiraIncidents `yaml:"incidents"`
	Reviews   JiraReviews   `yaml:"reviews"`
	// Exemptions says which tickets ask for exemptions.
	Exemptions JiraExemptions `yaml:"exemptions"`
	// NotDone are the names or ids of the resolutions and statuses with which an issue
	// is closed although its work was not done: such a review, attestation or game day
	// proves nothing. Letter case and outer blanks do not matter.
	NotDone []string `yaml:"not_done"`
	// AutomationUsers are accounts, by id, key or name, that are programs and no people
	// although Jira does not say so. Letter case does not matter.
	AutomationUsers []string `yaml:"automation_users"`
	// FactsFile declares JQL facts; empty means the embedded ones.
	FactsFile string `yaml:"facts_file"`
	// Schedule says when a round starts; see ParseSchedule.
	Schedule string `yaml:"schedule"`
	// Timeout bounds one round.
	Timeout Duration `yaml:"timeout"`
	// Rate bounds the requests, MaxResponseBytes one answer.
	Rate             Rate       `yaml:"rate"`
	MaxResponseBytes int64      `yaml:"max_response_bytes"`
	HTTPClient       HTTPClient `yaml:"http_client"`

	credential Credential
	place      string
}

// JiraReviews says which tickets are production readiness reviews.
type JiraReviews struct {
	// JQL selects the tickets; empty means that the site has none.
	JQL string `yaml:"jql"`
	// Services says how a ticket names its service.
	Services ServiceLink `yaml:"services"`
}

// JiraExemptions says which tickets ask for an exemption of a check.
type JiraExemptions struct {
	// JQL selects the tickets; empty means that the site has none.
	JQL string `yaml:"jql"`
	// Services says how a ticket names the services that the exemption is for.
	Services ServiceLink `yaml:"services"`
}

// LinkBy is how a ticket names the services it is about.
type LinkBy string

// The ways a ticket names services.
const (
	// ByComponent compares project and component with the catalog's jira
	// entries.
	ByComponent LinkBy = "component"
	// ByProject compares project and label with the catalog's jira entries, whatever the
	// component.
	ByProject LinkBy = "project"
	// ByLabel reads labels that are Prefix and a service's name or alias.
	ByLabel LinkBy = "label"
	// ByField reads Field, which holds names or aliases of services.
	ByField LinkBy = "field"
)

// ServiceLink says how a ticket names the services it is about.
type ServiceLink struct {
	// By is component, project, label or field.
	By LinkBy `yaml:"by"`
	// Prefix is what labels begin with; only with ByLabel.
	Prefix string `yaml:"prefix"`
	// Field is a field's id; required with ByField.
	Field string `yaml:"field"`
}

// DefaultJira is a site without any key.
func DefaultJira() Jira {
	return Jira{
		Deployment:       Cloud,
		Incidents:        defaultJiraIncidents(),
		Reviews:          JiraReviews{Services: ServiceLink{By: ByComponent}},
		Exemptions:       JiraExemptions{Services: ServiceLink{By: ByComponent}},
		NotDone:          JiraNotDone(),
		Schedule:         "@every 10m",
		Timeout:          Duration(8 * time.Minute),
		Rate:             Rate{PerMinute: 600, Share: 0.5},
		MaxResponseBytes: DefaultMaxResponseBytes,
		HTTPClient:       DefaultHTTPClientConfig(),
	}
}

// JiraNotDone are the resolutions and statuses that Jira and its usual workflows have
// for work that was not done.
func JiraNotDone() []string {
	return []string{
		"Won't Do", "Won't Fix", "Duplicate", "Declined", "Cannot Reproduce", "Cancelled", "Canceled", "Invalid",
		"Not a Bug", "Incomplete", "Rejected", "Abandoned", "Obsolete", "Withdrawn", "Works as Designed", "Not Done",
	}
}

// SetDefaults is how a site begins that is decoded.
func (j *Jira) SetDefaults() { *j = DefaultJira() }

// Credential is the token; its IsZero is true when HTTPClient carries the
// credential or the site needs none.
func (j Jira) Credential() Credential { return j.credential }

// CredentialPlace is as that of a PagerDuty account.
func (j Jira) CredentialPlace() string { return j.place }

// Client is HTTPClient with the credential in it. A token file is read again
// for every request, so it can be rotated. The result may hold a token in
// clear: it must not be logged.
func (j Jira) Client() (HTTPClient, error) {
	client := j.HTTPClient
	if j.credential.IsZero() {
		return client, nil
	}
	token, err := j.credential.Read()
	if err != nil {
		return HTTPClient{}, err
	}
	// The name of a file is preferred to its content, so that it can rotate.
	plain := promconfig.Secret(token.Reveal())
	if j.TokenFile != "" {
		plain = ""
	}
	if j.Auth == AuthBasic {
		client.BasicAuth = &promconfig.BasicAuth{Username: j.Email, Password: plain, PasswordFile: j.TokenFile}
	} else {
		client.Authorization = &promconfig.Authorization{Type: "Bearer", Credentials: plain, CredentialsFile: j.TokenFile}
	}
	return client, nil
}

// Prometheus is one Prometheus-compatible server.
type Prometheus struct {
	// Name is unique among the servers; records call the source
	// prometheus/Name.
	Name string `yaml:"name"`
	// ReplicaOf is the name of a group of servers that watch the same; empty for a
	// server without replicas. Catalog entries may name the group as their server.
	ReplicaOf string `yaml:"replica_of"`
	// URL is the address below which /api/v1 is.
	URL string `yaml:"url"`
	// TokenExpires is the day on which the credential ends; zero means that it
	// is not known.
	TokenExpires Date `yaml:"token_expires,omitempty"`
	// RulesURL is the address below which /api/v1/rules is, where another program
	// evaluates the rules; empty means URL.
	RulesURL string `yaml:"rules_url"`
	// QueryParams are sent with every request.
	QueryParams map[string]string `yaml:"query_params"`
	// Memory is how far back the data goes; 0 means that the server is asked.
	Memory Duration `yaml:"memory"`
	// Relabel changes labels before series are joined to services.
	Relabel []Relabel `yaml:"relabel"`
	// Presets are the names of embedded fact sets to ask for.
	Presets []string `yaml:"presets"`
	// FactsFiles declare more PromQL facts.
	FactsFiles []string `yaml:"facts_files"`
	// PagingSeverities are the values of the severity label of alerts that
	// wake somebody.
	PagingSeverities []string `yaml:"paging_severities"`
	// RunbookAnnotations are the annotations of which a rule with a runbook has one,
	// SummaryAnnotations those of which one with a text for people has one.
	RunbookAnnotations []string `yaml:"runbook_annotations"`
	SummaryAnnotations []string `yaml:"summary_annotations"`
	// AlertLabels are the labels that, beside its name and the services that it is
	// about, tell one alert from another.
	AlertLabels []string `yaml:"alert_labels"`
	// ReplicaLabels are the labels that say which replica of the server has a series,
	// rule or alert; copies that differ in them alone are one.
	ReplicaLabels []string `yaml:"replica_labels"`
	// AlertHistory is how far back the first round reads when alerts fired; 0
	// reads nothing, then or later.
	AlertHistory Duration `yaml:"alert_history"`
	// Schedule says when a round starts; see ParseSchedule.
	Schedule string `yaml:"schedule"`
	// Timeout bounds one round.
	Timeout Duration `yaml:"timeout"`
	// Rate bounds the requests, MaxResponseBytes one answer.
	Rate             Rate       `yaml:"rate"`
	MaxResponseBytes int64      `yaml:"max_response_bytes"`
	HTTPClient       HTTPClient `yaml:"http_client"`

	place string
}

// CredentialPlace is as that of a PagerDuty account.
func (p Prometheus) CredentialPlace() string { return p.place }

// Relabel changes the labels of series, with the meaning and the defaults that
// relabelling has in Prometheus.
type Relabel struct {
	// SourceLabels are joined with Separator and matched with Regex.
	SourceLabels []string `yaml:"source_labels"`
	Separator    string   `yaml:"separator"`
	Regex        string   `yaml:"regex"`
	// TargetLabel gets Replacement.
	TargetLabel string `yaml:"target_label"`
	Replacement string `yaml:"replacement"`
	// Action is one of RelabelActions. labeldrop and labelkeep match Regex with the
	// names of all labels and read nothing else.
	Action string `yaml:"action"`
}

// DefaultRelabel is a rule without any key.
func DefaultRelabel() Relabel {
	return Relabel{Separator: ";", Regex: "(.*)", Replacement: "$1", Action: "replace"}
}

// RelabelActions are the words for Relabel.Action.
func RelabelActions() []string {
	return []string{"replace", "keep", "drop", "lowercase", "uppercase", "labeldrop", "labelkeep"}
}

// SetDefaults is how a rule begins that is decoded.
func (r *Relabel) SetDefaults() { *r = DefaultRelabel() }

// DefaultPrometheus is a server without any key.
func DefaultPrometheus() Prometheus {
	return Prometheus{
		PagingSeverities:   []string{"critical", "page"},
		RunbookAnnotations: []string{"runbook_url", "runbook"},
		SummaryAnnotations: []string{"summary", "description", "message"},
		AlertLabels:        []string{"cluster", "severity", "sloth_severity", "sloth_id", "slo"},
		ReplicaLabels: []string{"replica", "prometheus_replica", "cluster_replica", "__replica__", "rule_replica",
			"ruler_replica", "thanos_ruler_replica", "receive_replica"},
		AlertHistory:     Duration(31 * 24 * time.Hour),
		Schedule:         "@every 5m",
		Timeout:          Duration(4 * time.Minute),
		Rate:             Rate{PerMinute: 600, Share: 1},
		MaxResponseBytes: DefaultMaxResponseBytes,
		HTTPClient:       DefaultHTTPClientConfig(),
	}
}

// SetDefaults is how a server begins that is decoded.
func (p *Prometheus) SetDefaults() { *p = DefaultPrometheus() }
