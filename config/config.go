// Package config reads the configuration of the program: a YAML file, then the
// environment, then flags. It is strict. An unknown key is an error that names
// its place and its nearest neighbour, all errors of one load are reported
// together, and none of them holds a secret.
package config

import (
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
	Exemptions []Exemption `yaml:"exemptions"`
	Catalog    Catalog     `yaml:"catalog"`
	Sources    Sources     `yaml:"sources"`
}

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
	// File is a framework file; empty means the embedded default.
	File string `yaml:"file"`
}

// Exposition says what is exported beyond what always is.
type Exposition struct {
	// CheckStatusPass exports the status of passing checks too, which makes by
	// far the most series.
	CheckStatusPass bool `yaml:"check_status_pass"`
}

// Exemption takes a check off some services for a time.
type Exemption struct {
	// Check is the id of a check of the framework.
	Check string `yaml:"check"`
	// Services are catalog names. Either Services or Tiers is given, or both;
	// the exemption is for services that both select.
	Services []string `yaml:"services"`
	// Tiers are 1 to 4.
	Tiers []int `yaml:"tiers"`
	// Reason and Approver are required, so that a reader can judge and ask.
	Reason   string `yaml:"reason"`
	Approver string `yaml:"approver"`
	// Expires is the last day, in UTC, on which the exemption is valid.
	Expires Date `yaml:"expires"`

	// Origin is where the exemption was read.
	Origin catalog.Origin `yaml:"-"`
}

// Until is the moment the exemption ends: the midnight, in UTC, after its last
// day.
func (e Exemption) Until() time.Time { return e.Expires.AddDate(0, 0, 1) }

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
		Catalog:    Catalog{Entities: catalog.DefaultEntityRules()},
	}
}
