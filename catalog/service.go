// Package catalog holds what is judged: services, their teams, and where the
// sources know them. It parses bytes and merges entries; reading files is the
// program's business.
package catalog

import (
	"cmp"
	"fmt"
)

// Service is one service of the catalog. The YAML names are those of an inline
// entry; a Backstage entry has its own, which its parser maps to these fields.
type Service struct {
	// Name is unique in the catalog and the value of the service_name label.
	Name string `yaml:"name"`
	// Title is a display name; Name when it is not given.
	Title string `yaml:"title"`
	// Aliases are other names the service is known by.
	Aliases []string `yaml:"aliases"`
	// Team names a Team of the catalog.
	Team string `yaml:"team"`
	// Org is a free word; that of the team when it is not given.
	Org string `yaml:"org"`
	// Environment is a free word.
	Environment string `yaml:"environment"`
	// Tier is 1 (customers and revenue, at any hour) to 4 (best effort).
	Tier int `yaml:"tier"`
	// Labels are the entry's labels.
	Labels map[string]string `yaml:"labels"`
	// Links are the entry's links.
	Links []Link `yaml:"links"`

	// Runtime is kubernetes, vm, serverless or other; empty when undeclared.
	Runtime string `yaml:"runtime"`
	// Exposure is internal or external; external when undeclared.
	Exposure string `yaml:"exposure"`
	// Stateful says that the service keeps data.
	Stateful bool `yaml:"stateful"`
	// DataClass is one of DataClasses as declared; empty when undeclared.
	DataClass string `yaml:"data_class"`
	// DataOwner is the person or team that is responsible for the data.
	DataOwner string `yaml:"data_owner"`
	// CoverageTarget is the test coverage ratio the team promises, 0.5 to 1; 0.7
	// when it is not given.
	CoverageTarget float64 `yaml:"coverage_target"`
	// RPOMinutes is the recovery point objective, above 0; 15 when it is not given.
	RPOMinutes float64 `yaml:"rpo_minutes"`

	// PagerDuty lists the PagerDuty services that stand for this one.
	PagerDuty []PagerDutyRef `yaml:"pagerduty"`
	// Jira lists where the service's tickets are.
	Jira []JiraRef `yaml:"jira"`
	// Prometheus lists the label matchers that select the service's series.
	Prometheus []PrometheusRef `yaml:"prometheus"`
	// Kubernetes is where it runs.
	Kubernetes KubernetesRef `yaml:"kubernetes"`
	// GitHub is a project slug: org/repo.
	GitHub string `yaml:"github"`
	// GitLab is a project slug: group/project, with any number of groups.
	GitLab string `yaml:"gitlab"`
	// SourceLocation is backstage.io/source-location.
	SourceLocation string `yaml:"source_location"`
	// SonarQube is the project key.
	SonarQube string `yaml:"sonarqube"`
	// ArgoCD is the application's name.
	ArgoCD string `yaml:"argocd"`
	// SLO lists the names its objectives are known by.
	SLO []string `yaml:"slo"`
	// Backup names the stores whose backups matter.
	Backup BackupRef `yaml:"backup"`
	// Jobs are CronJob names by their role, one of JobRoles.
	Jobs map[string]string `yaml:"jobs"`
	// Dashboard is the dashboard a responder opens first.
	Dashboard string `yaml:"dashboard"`
	// PublicURLs are the addresses users call.
	PublicURLs []string `yaml:"public_urls"`

	// ExposureAssumed says that nothing declares Exposure, so that it is the default.
	ExposureAssumed bool `yaml:"-"`
	// Origin is where the entry was read.
	Origin Origin `yaml:"-"`
	// Source is the kind of entry; empty is SourceInline.
	Source EntrySource `yaml:"-"`
	// Namespace, Type, Lifecycle and Tags are what a Backstage component says. An
	// empty namespace is DefaultNamespace.
	Namespace string   `yaml:"-"`
	Type      string   `yaml:"-"`
	Lifecycle string   `yaml:"-"`
	Tags      []string `yaml:"-"`
	// Defaulted says of keys that the entry does not have which part of
	// catalog.defaults gave them. Build sets it.
	Defaulted map[string]string `yaml:"-"`
	// Unfilled are the keys that a default would give, each with the key without which
	// it gives nothing: data_owner with team for "{{team}}". Build sets it.
	Unfilled map[string]string `yaml:"-"`
}

// EntrySource is the kind of an entry: where it is written.
type EntrySource string

// The kinds of entries.
const (
	SourceInline    EntrySource = "inline"
	SourceBackstage EntrySource = "backstage"
	SourcePagerDuty EntrySource = "pagerduty"
)

// EntrySources are the kinds of entries.
var EntrySources = [...]string{string(SourceInline), string(SourceBackstage), string(SourcePagerDuty)}

func (s *Service) source() EntrySource { return cmp.Or(s.Source, SourceInline) }

// DefaultNamespace is the namespace of entries that name none.
const DefaultNamespace = "default"

func (s *Service) namespace() string { return cmp.Or(s.Namespace, DefaultNamespace) }

// Link is a named address of a catalog entry.
type Link struct {
	Title string `yaml:"title"`
	URL   string `yaml:"url"`
	// Type says what is there: dashboard, production, runbook.
	Type string `yaml:"type"`
}

// PagerDutyRef points to a PagerDuty service, by its id or by the key of one of its
// integrations. Of both the id counts. An empty Account means the only configured
// one.
type PagerDutyRef struct {
	Account        string         `yaml:"account"`
	ServiceID      string         `yaml:"service_id"`
	IntegrationKey IntegrationKey `yaml:"integration_key"`
}

// JiraRef points to a Jira project, or to those of its issues that have the
// component and the label, as far as they are given. An empty Site means the only
// configured one. A service with several labels has one reference for each.
type JiraRef struct {
	Site      string `yaml:"site"`
	Project   string `yaml:"project"`
	Component string `yaml:"component"`
	Label     string `yaml:"label"`
}

// PrometheusRef selects the service's series on a server; an empty Server
// means every configured one.
type PrometheusRef struct {
	Server  string `yaml:"server"`
	Cluster string `yaml:"cluster"`
	// Matchers are label values that every series of the service carries.
	Matchers map[string]string `yaml:"matchers"`
}

// KubernetesRef is where a service runs on Kubernetes.
type KubernetesRef struct {
	Workload  string `yaml:"workload"`
	Namespace string `yaml:"namespace"`
	Selector  string `yaml:"selector"`
}

// BackupRef names the backups of a service's stores.
type BackupRef struct {
	VeleroSchedule   string `yaml:"velero_schedule"`
	PgBackRestStanza string `yaml:"pgbackrest_stanza"`
	PostgresInstance string `yaml:"postgres_instance"`
}

// Origin is the place an entry was read from.
type Origin struct {
	// File is the file's name as it was given.
	File string
	// Line counts from 1; 0 when the place has no lines.
	Line int
}

// String is file:line, the file alone where there is no line, or "catalog"
// when nothing is known.
func (o Origin) String() string {
	switch {
	case o.File == "":
		return "catalog"
	case o.Line == 0:
		return o.File
	}
	return fmt.Sprintf("%s:%d", o.File, o.Line)
}

// Team is one team of the catalog.
type Team struct {
	// Name is unique in the catalog and the value of the team label.
	Name string `yaml:"name"`
	// Title is a display name; Name when it is not given.
	Title string `yaml:"title"`
	// Org is the organisation the team belongs to.
	Org string `yaml:"org"`
	// Origin is where the entry was read.
	Origin Origin `yaml:"-"`
	// Source and Namespace are as those of a service.
	Source    EntrySource `yaml:"-"`
	Namespace string      `yaml:"-"`
}

func (t *Team) namespace() string { return cmp.Or(t.Namespace, DefaultNamespace) }

func (t *Team) source() EntrySource { return cmp.Or(t.Source, SourceInline) }

// DataClasses are the known words for data-classification, weakest first.
var DataClasses = [...]string{"none", "public", "internal", "confidential", "personal", "cardholder"}

// Runtimes are the known words for runtime.
var Runtimes = [...]string{"kubernetes", "vm", "serverless", "other"}

// Exposures are the known words for exposure.
var Exposures = [...]string{"internal", "external"}

// JobRoles are the known roles of scheduled jobs.
var JobRoles = [...]string{"retention", "masking", "restore_check"}
