package project

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/framework"
)

// Place is where the parts of the demo are.
type Place struct {
	// Store is the file of the collector's database.
	Store string
	// Listen is the address the collector serves on.
	Listen string
	// Framework is the file of the criteria; empty means the collector's own.
	Framework string
	// Judged are the ids of its checks; nil means all of the default's.
	Judged map[string]bool
	// PagerDutyURL and PagerDutyTokenFile reach the simulated PagerDuty.
	PagerDutyURL, PagerDutyTokenFile string
}

// The configuration's keys, as far as the demo uses them. Empty ones are left
// out, so that the file reads like one that a person would write.
type (
	file struct {
		Store      store       `yaml:"store"`
		Server     server      `yaml:"server"`
		Evaluation evaluation  `yaml:"evaluation"`
		Framework  criteria    `yaml:"framework,omitempty"`
		Catalog    catalog     `yaml:"catalog"`
		Sources    sources     `yaml:"sources"`
		Exemptions []exemption `yaml:"exemptions,omitempty"`
	}
	store struct {
		URL string `yaml:"url"`
	}
	server struct {
		ListenAddress string `yaml:"listen_address"`
	}
	evaluation struct {
		Interval string `yaml:"interval"`
	}
	criteria struct {
		File string `yaml:"file,omitempty"`
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
		PgBackRestStanza string `yaml:"pgbackrest_stanza"`
		PostgresInstance string `yaml:"postgres_instance"`
	}
	exemption struct {
		Check    string   `yaml:"check"`
		Services []string `yaml:"services"`
		Reason   string   `yaml:"reason"`
		Approver string   `yaml:"approver"`
		Expires  string   `yaml:"expires"`
	}
	sources struct {
		PagerDuty []pagerDuty `yaml:"pagerduty,omitempty"`
	}
	pagerDuty struct {
		Name      string `yaml:"name"`
		Endpoint  string `yaml:"endpoint"`
		TokenFile string `yaml:"token_file"`
		Schedule  string `yaml:"schedule"`
		Timeout   string `yaml:"timeout"`
		History   string `yaml:"history"`
		Rate      rate   `yaml:"rate"`
	}
	rate struct {
		PerMinute int `yaml:"per_minute"`
		Share     int `yaml:"share"`
	}
)

const header = `# The collector's configuration for the simulated company of the demo.
# It was written by the demo and is removed with its folder.
`

// Configuration is the collector's configuration file: the company's catalog,
// and where its sources are.
func Configuration(c *company.Company, place Place) ([]byte, error) {
	f := file{
		Store:      store{URL: place.Store},
		Server:     server{ListenAddress: place.Listen},
		Evaluation: evaluation{Interval: "30s"},
		Framework:  criteria{File: place.Framework},
		Sources: sources{PagerDuty: []pagerDuty{{
			Name: "main", Endpoint: place.PagerDutyURL, TokenFile: place.PagerDutyTokenFile,
			Schedule: "@every 1m", Timeout: "50s", History: fmt.Sprintf("%dd", company.History/(24*time.Hour)),
			// The simulated account is the demo's own, so all of it may be used,
			// and quickly.
			Rate: rate{PerMinute: 60000, Share: 1},
		}}},
	}
	for _, t := range c.Teams {
		f.Catalog.Teams = append(f.Catalog.Teams, team{Name: t.Name, Title: t.Title, Org: t.Org})
	}
	for _, s := range c.Services {
		f.Catalog.Services = append(f.Catalog.Services, entry(s))
	}
	if e, ok := exempt(c, place.Judged); ok {
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
func entry(s *company.Service) service {
	e := service{
		Name: s.Name, Title: s.Title, Team: s.TeamName, Tier: s.Tier, Environment: "production",
		Runtime: s.Runtime, Exposure: s.Exposure, Stateful: s.Stateful,
		Jira:       []jiraRef{{Project: s.Team.Project, Component: s.Name}},
		Prometheus: []prometheusRef{{Matchers: map[string]string{"service": s.Name}}},
		SonarQube:  "example_" + s.Name,
	}
	if s.PagerID != "" {
		e.PagerDuty = []pagerDutyRef{{ServiceID: s.PagerID}}
	}
	if s.Does("cicd.source-in-version-control") {
		e.GitHub = "example/" + s.Name
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
		e.SLO = []string{s.Name + "-availability"}
	}
	if s.Runtime == "kubernetes" {
		e.Kubernetes = &kubernetesRef{Workload: s.Name, Namespace: s.TeamName}
		e.ArgoCD = s.Name
	}
	if s.Stateful {
		e.Backup = &backupRef{PgBackRestStanza: s.Name, PostgresInstance: s.Name + "-db:9187"}
		e.Jobs = jobs(s)
	}
	if s.Exposure == "external" {
		e.PublicURLs = []string{"https://" + s.Name + ".example.com"}
	}
	return e
}

// jobs are the scheduled jobs that the service's habits rest on.
func jobs(s *company.Service) map[string]string {
	jobs := map[string]string{}
	for _, job := range []struct{ check, role, name string }{
		{"data.retention-enforced", "retention", "purge"},
		{"data.lower-environments-clean", "masking", "masked-refresh"},
		{"data.continuous-assurance", "restore_check", "restore-check"},
	} {
		if h := s.Practice[job.check]; h.Done && h.Shown == framework.ByMachine {
			jobs[job.role] = s.Name + "-" + job.name
		}
	}
	return jobs
}

// exempt finds a service that lacks several checks of its next badge and takes
// one of them off it for two months, so that the demo has an exemption and no
// badge hangs on it.
func exempt(c *company.Company, judged map[string]bool) (exemption, bool) {
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
		if judged != nil {
			lacking = slices.DeleteFunc(lacking, func(id string) bool { return !judged[id] })
		}
		if len(lacking) < 2 && (judged == nil || len(lacking) == 0) {
			continue
		}
		return exemption{
			Check: lacking[0], Services: []string{s.Name},
			Reason:   "Is replaced next quarter; not worth the effort before",
			Approver: "head of " + s.Team.Org, Expires: c.Now.AddDate(0, 2, 0).Format(time.DateOnly),
		}, true
	}
	return exemption{}, false
}
