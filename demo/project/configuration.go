package project

import (
	"bytes"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	facts "github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/framework"
)

// Place is where the parts of the demo are.
type Place struct {
	// Store is the file of the collector's database.
	Store string
	// Framework is the file with the criteria; empty means the default ones.
	Framework string
	// Listen is the address the collector serves on.
	Listen string
	// PagerDutyURL and PagerDutyTokenFile reach the simulated PagerDuty.
	PagerDutyURL, PagerDutyTokenFile string
	// JiraURL, JiraEmail and JiraTokenFile reach the simulated Jira; an empty
	// URL leaves it out.
	JiraURL, JiraEmail, JiraTokenFile string
	// PrometheusURL reaches the company's Prometheus; empty leaves it out.
	PrometheusURL string
}

// The configuration's keys, as far as the demo uses them. Empty ones are left
// out, so that the file reads like one that a person would write.
type (
	file struct {
		Store      store       `yaml:"store"`
		Framework  criteria    `yaml:"framework,omitempty"`
		Server     server      `yaml:"server"`
		Evaluation evaluation  `yaml:"evaluation"`
		Catalog    catalog     `yaml:"catalog"`
		Sources    sources     `yaml:"sources"`
		Targets    []target    `yaml:"targets"`
		Exemptions []exemption `yaml:"exemptions,omitempty"`
		Reviews    reviews     `yaml:"reviews"`
	}
	reviews struct {
		Week     string      `yaml:"week"`
		Month    string      `yaml:"month"`
		DueAfter []reviewDue `yaml:"due_after,omitempty"`
	}
	reviewDue struct {
		Tiers []int  `yaml:"tiers,flow"`
		After string `yaml:"after"`
	}
	store struct {
		URL string `yaml:"url"`
	}
	criteria struct {
		File string `yaml:"file,omitempty"`
	}
	server struct {
		ListenAddress string `yaml:"listen_address"`
		DashboardURL  string `yaml:"dashboard_url"`
		FeedbackURL   string `yaml:"feedback_url,omitempty"`
	}
	evaluation struct {
		Interval string `yaml:"interval"`
	}
	catalog struct {
		Teams    []team    `yaml:"teams"`
		Services []service `yaml:"services"`
	}
	team struct {
		Name  string `yaml:"name"`
		Title string `yaml:"title"`
		Org   string `yaml:"org"`
	}
	service struct {
		Name        string            `yaml:"name"`
		Title       string            `yaml:"title"`
		Team        string            `yaml:"team"`
		Tier        int               `yaml:"tier"`
		Environment string            `yaml:"environment"`
		Runtime     string            `yaml:"runtime"`
		Exposure    string            `yaml:"exposure"`
		Stateful    bool              `yaml:"stateful"`
		DataClass   string            `yaml:"data_class,omitempty"`
		DataOwner   string            `yaml:"data_owner,omitempty"`
		PagerDuty   []pagerDutyRef    `yaml:"pagerduty,omitempty"`
		Jira        []jiraRef         `yaml:"jira,omitempty"`
		Prometheus  []prometheusRef   `yaml:"prometheus,omitempty"`
		Kubernetes  *kubernetesRef    `yaml:"kubernetes,omitempty"`
		GitHub      string            `yaml:"github,omitempty"`
		ArgoCD      string            `yaml:"argocd,omitempty"`
		SonarQube   string            `yaml:"sonarqube,omitempty"`
		SLO         []string          `yaml:"slo,omitempty"`
		Backup      *backupRef        `yaml:"backup,omitempty"`
		Jobs        map[string]string `yaml:"jobs,omitempty"`
		Dashboard   string            `yaml:"dashboard,omitempty"`
		PublicURLs  []string          `yaml:"public_urls,omitempty"`
	}
	pagerDutyRef struct {
		ServiceID string `yaml:"service_id"`
	}
	jiraRef struct {
		Project   string `yaml:"project"`
		Component string `yaml:"component"`
	}
	prometheusRef struct {
		Matchers map[string]string `yaml:"matchers"`
	}
	kubernetesRef struct {
		Workload  string `yaml:"workload"`
		Namespace string `yaml:"namespace"`
	}
	backupRef struct {
		VeleroSchedule   string `yaml:"velero_schedule,omitempty"`
		PgBackRestStanza string `yaml:"pgbackrest_stanza,omitempty"`
		PostgresInstance string `yaml:"postgres_instance"`
	}
	exemption struct {
		Check       string   `yaml:"check"`
		Services    []string `yaml:"services"`
		Reason      string   `yaml:"reason"`
		RequestedBy string   `yaml:"requested_by"`
		Approver    string   `yaml:"approver"`
		Expires     string   `yaml:"expires"`
	}
	target struct {
		Badge  string   `yaml:"badge"`
		Orgs   []string `yaml:"orgs"`
		Tiers  []int    `yaml:"tiers,flow"`
		By     string   `yaml:"by"`
		Reason string   `yaml:"reason"`
	}
	sources struct {
		PagerDuty  []pagerDuty        `yaml:"pagerduty,omitempty"`
		Jira       []jiraInstance     `yaml:"jira,omitempty"`
		Prometheus []prometheusServer `yaml:"prometheus,omitempty"`
	}
	pagerDuty struct {
		Name      string `yaml:"name"`
		Endpoint  string `yaml:"endpoint"`
		TokenFile string `yaml:"token_file"`
		Expires   string `yaml:"token_expires"`
		Schedule  string `yaml:"schedule"`
		Timeout   string `yaml:"timeout"`
		History   string `yaml:"history"`
		Rate      rate   `yaml:"rate"`
	}
	jiraInstance struct {
		Name       string        `yaml:"name"`
		Deployment string        `yaml:"deployment"`
		URL        string        `yaml:"url"`
		BrowseURL  string        `yaml:"browse_url"`
		Email      string        `yaml:"email"`
		TokenFile  string        `yaml:"token_file"`
		Expires    string        `yaml:"token_expires"`
		Schedule   string        `yaml:"schedule"`
		Timeout    string        `yaml:"timeout"`
		Incidents  jiraIncidents `yaml:"incidents"`
		Reviews    jiraReviews   `yaml:"reviews"`
		Rate       rate          `yaml:"rate"`
	}
	jiraIncidents struct {
		JQL          string   `yaml:"jql"`
		History      string   `yaml:"history"`
		LinkFields   []string `yaml:"link_fields"`
		Acknowledged moment   `yaml:"acknowledged"`
		Services     linkedBy `yaml:"services"`
	}
	jiraReviews struct {
		JQL      string   `yaml:"jql"`
		Services linkedBy `yaml:"services"`
	}
	moment struct {
		Statuses []string `yaml:"statuses"`
	}
	linkedBy struct {
		By string `yaml:"by"`
	}
	prometheusServer struct {
		Name     string   `yaml:"name"`
		URL      string   `yaml:"url"`
		Presets  []string `yaml:"presets"`
		Schedule string   `yaml:"schedule"`
		Timeout  string   `yaml:"timeout"`
		Rate     rate     `yaml:"rate"`
	}
	rate struct {
		PerMinute int `yaml:"per_minute"`
		Share     int `yaml:"share"`
	}
)

const header = `# The collector's configuration for the simulated company of the demo.
# It was written by the demo and is removed with its folder.
`

// grafanaService is a service's dashboard in the Grafana that compose.yaml starts.
const grafanaService = "http://127.0.0.1:3000/d/readiness-service?var-service={service}"

// reviewEvery is after how long the services of tiers 1 and 2 are to be reviewed again.
const reviewEvery = "180d"

// tokensLast is for how long the tokens of the company are good, long enough that no alert
// says so.
const tokensLast = 60 * 24 * time.Hour

// servicesPerMinute is how many services a round reads in a minute on a slow machine.
const servicesPerMinute = 250

// Every is how often the sources of a company are asked: each minute, or less often if a
// round may take longer.
func Every(c *company.Company) time.Duration {
	return max(time.Minute, time.Duration(len(c.Services)/servicesPerMinute)*time.Minute)
}

// Timeout is how long a round of a source of a company may take: nearly until the next one.
func Timeout(c *company.Company) time.Duration { return Every(c) - 10*time.Second }

// Configuration is the collector's configuration file: the company's catalog,
// and where its sources are.
func Configuration(c *company.Company, place Place) ([]byte, error) {
	// The simulated upstreams are the demo's own, so all of them may be used,
	// and quickly.
	unlimited := rate{PerMinute: 60000, Share: 1}
	period := fmt.Sprintf("%dm", Every(c)/time.Minute)
	timeout := fmt.Sprintf("%ds", Timeout(c)/time.Second)
	f := file{
		Store:      store{URL: place.Store},
		Framework:  criteria{File: place.Framework},
		Server:     server{ListenAddress: place.Listen, DashboardURL: grafanaService},
		Evaluation: evaluation{Interval: "30s"},
		// At the end of the period, so that there is one of the last week and month at any
		// time of the day.
		Reviews: reviews{Week: "0 0 * * 1", Month: "0 0 1 * *"},
		Sources: sources{PagerDuty: []pagerDuty{{
			Name: "main", Endpoint: place.PagerDutyURL, TokenFile: place.PagerDutyTokenFile,
			Expires:  c.Now.Add(tokensLast).Format(time.DateOnly),
			Schedule: "@every " + period, Timeout: timeout, History: fmt.Sprintf("%dd", company.History/(24*time.Hour)),
			Rate: unlimited,
		}}},
	}
	if place.JiraURL != "" {
		f.Server.FeedbackURL = feedbackForm
		f.Reviews.DueAfter = []reviewDue{{Tiers: []int{1, 2}, After: reviewEvery}}
		component := linkedBy{By: "component"}
		f.Sources.Jira = []jiraInstance{{
			Name: "main", Deployment: "cloud", URL: place.JiraURL, BrowseURL: jiraSite,
			Email: place.JiraEmail, TokenFile: place.JiraTokenFile, Expires: c.Now.Add(tokensLast).Format(time.DateOnly),
			Schedule: "@every " + period, Timeout: timeout,
			Incidents: jiraIncidents{
				JQL: incidentTickets(), History: f.Sources.PagerDuty[0].History,
				LinkFields: []string{pagerField}, Services: component, Acknowledged: moment{Statuses: []string{"In Progress"}},
			},
			Reviews: jiraReviews{JQL: fmt.Sprintf("issuetype = %q", reviewType), Services: component},
			Rate:    unlimited,
		}}
	}
	if place.PrometheusURL != "" {
		presets, err := facts.Presets()
		if err != nil {
			return nil, fmt.Errorf("writing the demo's configuration: %w", err)
		}
		f.Sources.Prometheus = []prometheusServer{{
			Name: prometheusName, URL: place.PrometheusURL, Presets: presets,
			Schedule: "@every " + period, Timeout: timeout, Rate: unlimited,
		}}
	}
	for _, t := range c.Teams {
		f.Catalog.Teams = append(f.Catalog.Teams, team{Name: t.Name, Title: t.Title, Org: t.Org})
	}
	for _, s := range c.Services {
		f.Catalog.Services = append(f.Catalog.Services, entry(c.Seed, s))
	}
	f.Targets = targets(c)
	if e, ok := exempt(c); ok {
		f.Exemptions = append(f.Exemptions, e)
	}
	var out bytes.Buffer
	out.WriteString(header)
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(f); err != nil {
		return nil, fmt.Errorf("writing the demo's configuration: %w", err)
	}
	return out.Bytes(), nil
}

// entry is a service's entry in the catalog. What a service does not practise
// is missing from it, as it would be in life.
func entry(seed uint64, s *company.Service) service {
	e := service{
		Name: s.Name, Title: s.Title, Team: s.TeamName, Tier: s.Tier, Environment: "production",
		Runtime: s.Runtime, Exposure: s.Exposure, Stateful: s.Stateful,
		Jira:       []jiraRef{{Project: s.Team.Project, Component: s.Name}},
		Prometheus: []prometheusRef{{Matchers: map[string]string{"job": s.Name}}},
		GitHub:     repository(s), SonarQube: quality(s),
	}
	if s.Odd == company.Orphaned {
		e.Team = ""
	}
	if s.PagerID != "" {
		e.PagerDuty = []pagerDutyRef{{ServiceID: s.PagerID}}
	}
	if s.Does("obs.dashboard-linked") {
		e.Dashboard = "https://grafana.example.com/d/" + s.Name
	}
	if s.Does("data.classified") {
		e.DataClass = s.DataClass
	}
	if s.Does("data.owned") {
		e.DataOwner = s.TeamName
	}
	if s.Does("obs.slo-defined") {
		e.SLO = []string{s.Name}
	}
	if s.Runtime == "kubernetes" {
		e.Kubernetes = &kubernetesRef{Workload: s.Name, Namespace: namespace(s)}
		e.Prometheus[0].Matchers["namespace"] = namespace(s)
		e.ArgoCD = s.Name
	}
	if s.Stateful {
		e.Backup = &backupRef{VeleroSchedule: schedule(seed, s), PostgresInstance: database(s)}
		if e.Backup.VeleroSchedule == "" {
			e.Backup.PgBackRestStanza = s.Name
		}
	}
	for _, job := range cronJobs(seed, s) {
		if e.Jobs == nil {
			e.Jobs = map[string]string{}
		}
		e.Jobs[job.role] = job.name
	}
	if s.Exposure == "external" {
		e.PublicURLs = []string{address(s)}
	}
	return e
}

// targets are those with a date: the day of the organisation that lags is over, and that of
// the others is yet to come. Services of tiers 3 and 4 have the aims of the framework.
func targets(c *company.Company) []target {
	var others []string
	for _, org := range c.Orgs() {
		if org != company.LaggingOrg {
			others = append(others, org)
		}
	}
	day := func(days int) string { return c.Now.AddDate(0, 0, days).Format(time.DateOnly) }
	return []target{
		{Badge: "silver", Orgs: []string{company.LaggingOrg}, Tiers: []int{1, 2}, By: day(-40),
			Reason: "The auditors look at everything that moves money"},
		{Badge: "gold", Orgs: others, Tiers: []int{1, 2}, By: day(20), Reason: "Sales"},
	}
}

// incidentTickets is the JQL of the company's incidents. It is part of what its criteria mean.
func incidentTickets() string { return fmt.Sprintf("issuetype = %q", incidentType) }

// exempt finds a service that lacks several checks of its next badge and takes
// one of them off it for two months, so that the demo has an exemption and no
// badge hangs on it.
func exempt(c *company.Company) (exemption, bool) {
	checks, err := company.Checks()
	if err != nil {
		return exemption{}, false
	}
	for _, s := range c.Services {
		if s.Goal != framework.Silver && s.Goal != framework.Gold {
			continue
		}
		var lacking []string
		for _, check := range checks {
			if check.Level == int(s.Goal)+1 && check.Unconditional(s.Tier) && !s.Does(check.ID) {
				lacking = append(lacking, check.ID)
			}
		}
		if len(lacking) < 2 {
			continue
		}
		return exemption{
			Check: lacking[0], Services: []string{s.Name},
			Reason:      "Is replaced next quarter; not worth the effort before",
			RequestedBy: "team " + s.TeamName,
			Approver:    "head of " + s.Team.Org, Expires: c.Now.AddDate(0, 2, 0).Format(time.DateOnly),
		}, true
	}
	return exemption{}, false
}
