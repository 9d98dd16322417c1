// Package config reads the configuration of the program: a YAML file, then the
// environment, then flags. It is strict. An unknown key is an error that names
// its place and its nearest neighbour, all errors of one load are reported
// together, and none of them holds a secret.
package config

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/catalog"
)

// Duration is a span of time, written like 90s, 4m, 1h30m or 14d.
type Duration = model.Duration

// Config is the configuration as it is written. Only Load and Validate make a
// Valid of it, which is what the program works with.
type Config struct {
	Store      Store       `yaml:"store"`
	Server     Server      `yaml:"server"`
	Log        Log         `yaml:"log"`
	Evaluation Evaluation  `yaml:"evaluation"`
	Framework  Framework   `yaml:"framework"`
	Exposition Exposition  `yaml:"exposition"`
	Incidents  Incidents   `yaml:"incidents"`
	Reviews    Reviews     `yaml:"reviews"`
	Targets    []Target    `yaml:"targets"`
	Exemptions []Exemption `yaml:"exemptions"`
	Catalog    Catalog     `yaml:"catalog"`
	Sources    Sources     `yaml:"sources"`
}

// Reviews says when operational reviews are made, where they are written, and when
// readiness reviews are due.
type Reviews struct {
	// Week, Month and Quarter say when the review of each kind of period is made: at the
	// first time of the schedule after the period has ended. Empty means none.
	Week    string `yaml:"week"`
	Month   string `yaml:"month"`
	Quarter string `yaml:"quarter"`
	// Keep is how many of each kind are kept.
	Keep int `yaml:"keep"`
	// Folder is where they are written as files, too; empty means nowhere.
	Folder string `yaml:"folder"`
	// DueAfter says how long after its last readiness review a service needs another one;
	// the first entry that is for its tier decides.
	DueAfter []ReviewDue `yaml:"due_after"`
}

// ReviewDue says when the next readiness review of services is due.
type ReviewDue struct {
	// Tiers are 1 to 4; none means all.
	Tiers []int `yaml:"tiers"`
	// After is the time after the last review, or, without any, after the service was
	// first judged.
	After Duration `yaml:"after"`
}

// DueIn is how long after its last readiness review a service of a tier needs another
// one; false if nothing says so.
func (r Reviews) DueIn(tier int) (after time.Duration, known bool) {
	for _, d := range r.DueAfter {
		if len(d.Tiers) == 0 || slices.Contains(d.Tiers, tier) {
			return time.Duration(d.After), true
		}
	}
	return 0, false
}

// Wanted reports whether any review is made.
func (r Reviews) Wanted() bool { return r.Week+r.Month+r.Quarter != "" }

// Store says where evidence, judgements and badges are kept.
type Store struct {
	// URL is a file name for SQLite, or postgres://… for PostgreSQL. A password
	// in it may come from the environment or URLFile only.
	URL Secret `yaml:"url"`
	// URLFile is a file that holds the URL; it replaces URL.
	URLFile string `yaml:"url_file"`
	// Retention says how long what is kept.
	Retention Retention `yaml:"retention"`
}

// Retention says how long the store keeps what.
type Retention struct {
	// History is the age of fact values, scorecards and transitions.
	History Duration `yaml:"history"`
	// Incidents is the age of incidents and their log entries. Reviews are always
	// kept.
	Incidents Duration `yaml:"incidents"`
	// Alerts is the age of the firings of alerts.
	Alerts Duration `yaml:"alerts"`
	// Runs is the age of the record of collector runs.
	Runs Duration `yaml:"runs"`
}

// Server says how the program is reached.
type Server struct {
	// ListenAddress is host:port; an empty host means all addresses.
	ListenAddress string `yaml:"listen_address"`
	// WebConfigFile turns on TLS and basic authentication; empty means neither.
	WebConfigFile string `yaml:"web_config_file"`
	// EnableLifecycle serves POST /-/reload.
	EnableLifecycle bool `yaml:"enable_lifecycle"`
	// AllowedHosts are more names, without a port, under which it can be asked for.
	AllowedHosts []string `yaml:"allowed_hosts"`
	// DashboardURL is the address of a service's dashboard, and FeedbackURL that of the form
	// for an issue about a check, with {service}, {team}, {org} and {check} for its names, and
	// {label} and {kind} for what makes an issue feedback.
	DashboardURL string `yaml:"dashboard_url"`
	FeedbackURL  string `yaml:"feedback_url"`
	// ShutdownTimeout bounds a graceful stop.
	ShutdownTimeout Duration `yaml:"shutdown_timeout"`
}

// Log says what is logged and how.
type Log struct {
	// Level is debug, info, warn or error.
	Level string `yaml:"level"`
	// Format is text or json.
	Format string `yaml:"format"`
}

// Evaluation says when services are judged.
type Evaluation struct {
	// Interval is the longest time between two judgements.
	Interval Duration `yaml:"interval"`
	// ObserveFor is how long a new installation or service is shown and not
	// announced; 0 means not at all.
	ObserveFor Duration `yaml:"observe_for"`
}

// Framework names the criteria.
type Framework struct {
	// File is a file or folder of a framework, or the name of an installed one; empty means
	// the embedded default.
	File string `yaml:"file"`
	// Installed are files and folders of frameworks that can be named, as name or
	// name@version.
	Installed []string `yaml:"installed"`
	// Pins keep services on other criteria until a day. The most specific that selects a
	// service and has not ended decides.
	Pins []Pin `yaml:"pins"`
}

// Pin keeps services on other criteria than those of Framework.File.
type Pin struct {
	// Framework is as Framework.File.
	Framework string `yaml:"framework"`
	Selector  `yaml:",inline"`
	// Until is the last day, in UTC, on which the services are judged by it.
	Until Date `yaml:"until"`
	// Reason is shown to the owners of the services; it may be empty.
	Reason string `yaml:"reason"`
}

// End is the first moment at which the pin is no longer in force.
func (p Pin) End() time.Time { return p.Until.AddDate(0, 0, 1) }

// Exposition says how much is exported.
type Exposition struct {
	// Detail is compact or full: whether series are left out that can be counted from
	// others.
	Detail string `yaml:"detail"`
	// CheckStatusPass exports the status of passing checks too, which makes by
	// far the most series.
	CheckStatusPass bool `yaml:"check_status_pass"`
}

// Incidents says how incidents are measured.
type Incidents struct {
	// Windows are the spans of time up to now that figures are about. A compact page of
	// metrics has the first.
	Windows []Duration `yaml:"windows"`
}

// defaultIncidents measures a month, a week and a quarter.
func defaultIncidents() Incidents {
	const day = Duration(24 * time.Hour)
	return Incidents{Windows: []Duration{30 * day, 7 * day, 90 * day}}
}

// Selector says for which services an entry is: for those that all given keys select. At
// least one of the four is given.
type Selector struct {
	// Services, Teams and Orgs are names of the catalog, and Tiers are 1 to 4. In Services *
	// is any characters and ? is one.
	Services []string `yaml:"services"`
	Tiers    []int    `yaml:"tiers"`
	Teams    []string `yaml:"teams"`
	Orgs     []string `yaml:"orgs"`
}

// Exemption takes checks off some services for a time.
type Exemption struct {
	// Check is the id of a check of the framework, Checks are several, and Module is the
	// id of a module, for all its checks. One of the three is given.
	Check    string   `yaml:"check"`
	Checks   []string `yaml:"checks"`
	Module   string   `yaml:"module"`
	Selector `yaml:",inline"`
	// Reason, RequestedBy and Approver are required, so that a reader can judge and ask.
	// The approver is another person, role or team than who asked.
	Reason      string `yaml:"reason"`
	RequestedBy string `yaml:"requested_by"`
	Approver    string `yaml:"approver"`
	// Expires is the last day, in UTC, on which the exemption is valid.
	Expires Date `yaml:"expires"`

	// Origin is where the exemption was read.
	Origin catalog.Origin `yaml:"-"`
}

// Until is the moment the exemption ends: the midnight, in UTC, after its last
// day.
func (e Exemption) Until() time.Time { return e.Expires.AddDate(0, 0, 1) }

// What names what is exempt in one word or list: the module or the checks.
func (e Exemption) What() string {
	switch {
	case e.Module != "":
		return "module " + e.Module
	case e.Check != "":
		return e.Check
	}
	return strings.Join(e.Checks, ", ")
}

// Catalog says what is judged.
type Catalog struct {
	// Defaults are for services whose entries leave keys out.
	Defaults catalog.Defaults  `yaml:"defaults"`
	Teams    []catalog.Team    `yaml:"teams"`
	Services []catalog.Service `yaml:"services"`
	// Backstage are file patterns of catalog-info.yaml files.
	Backstage []string `yaml:"backstage"`
	// Entities say how what is in these files becomes services.
	Entities catalog.EntityRules `yaml:"entities"`
	// PagerDuty are rules that make services of the catalog out of those of
	// PagerDuty accounts.
	PagerDuty []catalog.Discovery `yaml:"pagerduty"`
}

// Closed reports whether all services and teams stand in the file itself, so
// that a name that is not there is a mistake.
func (c Catalog) Closed() bool { return len(c.Backstage) == 0 && len(c.PagerDuty) == 0 }

// Default is the configuration of an empty file.
func Default() Config {
	const day = Duration(24 * time.Hour)
	return Config{
		Store: Store{
			URL:       NewSecret("readiness.db"),
			Retention: Retention{History: 400 * day, Incidents: 760 * day, Alerts: 120 * day, Runs: 30 * day},
		},
		Server:     Server{ListenAddress: ":9847", ShutdownTimeout: Duration(10 * time.Second)},
		Log:        Log{Level: "info", Format: "text"},
		Evaluation: Evaluation{Interval: Duration(time.Minute), ObserveFor: 14 * day},
		Exposition: Exposition{Detail: "compact"},
		Incidents:  defaultIncidents(),
		Reviews:    Reviews{Keep: 26},
		Catalog:    Catalog{Entities: catalog.DefaultEntityRules()},
	}
}
