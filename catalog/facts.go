package catalog

import (
	"fmt"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// SourceID is the source of the catalog's own records.
const SourceID = "catalog"

// The facts the catalog gives.
const (
	FactOwnerDeclared     = "catalog.owner_declared"
	FactSourceDeclared    = "catalog.source_declared"
	FactDashboardDeclared = "catalog.dashboard_declared"
	FactDataClassDeclared = "catalog.data_class_declared"
	FactDataOwnerDeclared = "catalog.data_owner_declared"
)

// Facts declares the facts that Observe gives. All are booleans, and are
// observed anew whenever the catalog is.
func Facts() []evidence.Definition {
	fact := func(name, help string) evidence.Definition {
		return evidence.Definition{
			Name: name, Kind: evidence.KindBool, Help: help, Pack: SourceID,
			FreshFor: 24 * time.Hour, ValidFor: evidence.DefaultValidFor,
			Absent: "false: every entry is read whole",
		}
	}
	return []evidence.Definition{
		fact(FactOwnerDeclared, "The entry names a team that exists in the catalog."),
		fact(FactSourceDeclared, "The entry names a GitHub or GitLab project or a source location."),
		fact(FactDashboardDeclared, "The entry names a dashboard or has a link of type dashboard."),
		fact(FactDataClassDeclared, "The entry declares one of the known data classes."),
		fact(FactDataOwnerDeclared, "The entry names a data owner that exists in the catalog."),
	}
}

// FactKey is the key of an entry, or what several may stand in, that a fact of the
// catalog asks for; empty for any other fact.
func FactKey(fact string) string {
	switch fact {
	case FactOwnerDeclared:
		return "team"
	case FactSourceDeclared:
		return "github"
	case FactDashboardDeclared:
		return "dashboard"
	case FactDataClassDeclared:
		return "data_class"
	case FactDataOwnerDeclared:
		return "data_owner"
	}
	return ""
}

// Observe reads the catalog's facts off every service. The records are dated
// at, so that a catalog in use is always fresh.
func Observe(c *Catalog, at time.Time) []evidence.Record {
	records := make([]evidence.Record, 0, 5*len(c.services))
	for _, s := range c.services {
		add := func(fact, key string, value bool, detail string) {
			if place := s.Defaulted[key]; place != "" {
				detail += ", by " + place
			}
			records = append(records, evidence.Record{
				Service: s.Name, Fact: fact, Value: evidence.Bool(value), Source: SourceID,
				Detail: s.Origin.String() + ": " + detail, Since: at, ObservedAt: at,
			})
		}
		value, detail := c.observeTeam("team", s.Team)
		add(FactOwnerDeclared, "team", value, detail)
		value, detail = observeFirst(
			"source", field{"github", s.GitHub}, field{"gitlab", s.GitLab}, field{"source_location", s.SourceLocation})
		add(FactSourceDeclared, "source", value, detail)
		value, detail = observeFirst(
			"dashboard", field{"dashboard", s.Dashboard}, field{"links", dashboardLink(s.Links)})
		add(FactDashboardDeclared, "dashboard", value, detail)
		add(FactDataClassDeclared, "data_class", slices.Contains(DataClasses[:], s.DataClass), observedWord(
			"data_class", s.DataClass))
		value, detail = c.observeTeam("data_owner", s.DataOwner)
		add(FactDataOwnerDeclared, "data_owner", value, detail)
	}
	return records
}

func (c *Catalog) observeTeam(field, name string) (bool, string) {
	_, known := c.teams[name]
	if name != "" && !known {
		return false, fmt.Sprintf("%s %q does not exist in the catalog", field, name)
	}
	return known, observedWord(field, name)
}

func observedWord(field, value string) string {
	if value == "" {
		return field + " is not declared"
	}
	return fmt.Sprintf("%s is %q", field, value)
}

type field struct{ name, value string }

// observeFirst reports whether one of several fields has a value, and names the
// first that has.
func observeFirst(what string, fields ...field) (bool, string) {
	for _, f := range fields {
		if f.value != "" {
			return true, observedWord(f.name, f.value)
		}
	}
	return false, "no " + what + " is declared"
}

func dashboardLink(links []Link) string {
	for _, link := range links {
		if link.Type == "dashboard" {
			return link.URL
		}
	}
	return ""
}
