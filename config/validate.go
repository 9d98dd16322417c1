package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/strictyaml"
)

// validator checks a decoded configuration and fills in what follows from it.
type validator struct {
	*report
	options Options
	config  Config
}

func validate(c Config, o Options, r *report) (*Valid, error) {
	v := &validator{report: r, options: o, config: c}
	v.store()
	v.server()
	v.word("log.level", v.config.Log.Level, "debug", "info", "warn", "error")
	v.word("log.format", v.config.Log.Format, "text", "json")
	v.duration("evaluation.interval", v.config.Evaluation.Interval, time.Second, time.Hour)
	v.duration("evaluation.observe_for", v.config.Evaluation.ObserveFor, 0, 366*24*time.Hour)
	v.file("framework.file", &v.config.Framework.File)
	v.sources()
	v.catalog()
	v.exemptions()
	if err := r.err(); err != nil {
		return nil, err
	}
	return &Valid{config: v.config, places: r}, nil
}

func (v *validator) store() {
	s := &v.config.Store
	if s.URLFile != "" && v.given("store.url") {
		// The environment wins over the file, whichever of the keys it sets.
		switch address, file := v.place("store.url").Other != "", v.place("store.url_file").Other != ""; {
		case address && !file:
			s.URLFile = ""
		case address == file:
			v.add("store.url_file", "both url and url_file are given; remove one of them")
		}
	}
	if s.URLFile != "" {
		v.resolve("store.url_file", &s.URLFile)
		text, err := Credential{file: s.URLFile, readFile: v.options.ReadFile}.Read()
		if err != nil {
			v.add("store.url_file", "%v; create the file or correct its name", err)
		} else {
			s.URL = text
			v.storeURL("store.url_file", text.Reveal())
		}
	} else {
		v.storeURL("store.url", s.URL.Reveal())
		if place := v.place("store.url"); holdsPassword(s.URL.Reveal()) && !strings.HasPrefix(place.Other, "environment") {
			v.add("store.url",
				"the address holds a password, which must not stand here; use store.url_file or the environment "+
					"variable %sSTORE__URL", EnvPrefix)
		}
	}
	v.duration("store.retention.history", s.Retention.History, 24*time.Hour, maxDuration)
	v.duration("store.retention.incidents", s.Retention.Incidents, 24*time.Hour, maxDuration)
	// Figures look back over 30 days.
	v.duration("store.retention.alerts", s.Retention.Alerts, 32*24*time.Hour, maxDuration)
	v.duration("store.retention.runs", s.Retention.Runs, time.Hour, maxDuration)
}

// storeURL checks the form of the address without showing it.
func (v *validator) storeURL(path, address string) {
	scheme, _, isURL := strings.Cut(address, "://")
	switch {
	case strings.TrimSpace(address) == "":
		v.add(path, "the address is empty; name a file for SQLite or postgres://user@host/database")
	case !isURL && strings.Contains(address, "="):
		v.add(path, "this is neither a file name nor an address; write it as postgres://user@host/database")
	case isURL && scheme != "postgres" && scheme != "postgresql":
		v.add(path, "the database is not known; name a file for SQLite or postgres://user@host/database")
	case isURL:
		if u, err := url.Parse(address); err != nil || (u.Host == "" && u.RawQuery == "") {
			v.add(path,
				"the address cannot be read; write it as postgres://user@host:5432/database and escape special "+
					"characters")
		}
	}
}

func holdsPassword(address string) bool {
	_, _, isURL := strings.Cut(address, "://")
	if !isURL {
		return false // a file name
	}
	u, err := url.Parse(address)
	if err != nil {
		return true
	}
	_, inUser := u.User.Password()
	return inUser || u.Query().Has("password") || u.Query().Has("sslpassword")
}

func (v *validator) server() {
	s := &v.config.Server
	if _, port, err := net.SplitHostPort(s.ListenAddress); err != nil || !isPort(port) {
		v.add("server.listen_address", "this is not an address to listen on; write it as :9847 or 127.0.0.1:9847")
	}
	v.file("server.web_config_file", &s.WebConfigFile)
	v.duration("server.shutdown_timeout", s.ShutdownTimeout, time.Second, 10*time.Minute)
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && (port > 0 || text == "0")
}

const maxDuration = 10 * 366 * 24 * time.Hour

func (v *validator) duration(path string, d Duration, minimum, maximum time.Duration) {
	if time.Duration(d) < minimum || time.Duration(d) > maximum {
		v.add(path, "%s is out of range; use %s to %s", d, Duration(minimum), Duration(maximum))
	}
}

func (v *validator) word(path, value string, known ...string) {
	if !slices.Contains(known, value) {
		word := "unknown word"
		if plainWord.MatchString(value) {
			word = fmt.Sprintf("unknown word %q%s", value, nearest.Suggest(value, known))
		}
		v.add(path, "%s; use one of %s", word, strings.Join(known, ", "))
	}
}

// plainWord matches words that may be shown. Other text may be a token in the
// wrong place.
var plainWord = regexp.MustCompile(`^[A-Za-z_-]{1,20}$`)

func (v *validator) required(path, what, value string) bool {
	if strings.TrimSpace(value) != "" {
		return true
	}
	v.add(path, "%s is missing; fill it in", what)
	return false
}

// resolve makes a file name that stands in the file relative to the file.
// Names from the environment and flags are relative to where the program runs.
func (v *validator) resolve(path string, name *string) {
	if *name != "" && !filepath.IsAbs(*name) && v.options.Path != "" && v.place(path).Other == "" {
		*name = filepath.Join(filepath.Dir(v.options.Path), *name)
	}
}

// file resolves an optional file name and tries to read the file.
func (v *validator) file(path string, name *string) {
	v.resolve(path, name)
	if *name == "" {
		return
	}
	if _, err := v.options.ReadFile(*name); err != nil {
		v.add(path, "the file %q cannot be read: %v; create it or correct its name", *name, bare(err))
	}
}

// catalog checks the inline entries by building a catalog of them, and gives
// them their origins.
func (v *validator) catalog() {
	c := &v.config.Catalog
	v.inlineEntries(c)
	v.catalogDefaults(&c.Defaults)
	v.entityRules(c.Entities)
	if _, err := v.config.catalogRules().Build(catalog.Entries{Services: c.Services, Teams: c.Teams}); err != nil {
		var problems catalog.Problems
		if !errors.As(err, &problems) {
			v.add("catalog", "%v", err)
		}
		for _, p := range problems {
			v.add(below(fmt.Sprintf("catalog.%s[%d]", p.List, p.Index), p.Field), "%s: %s", p.Subject, p.Text)
		}
	}
	for i, pattern := range c.Backstage {
		path := fmt.Sprintf("catalog.backstage[%d]", i)
		v.resolve(path, &c.Backstage[i])
		if _, err := filepath.Match(pattern, ""); err != nil || pattern == "" {
			v.add(path, "this is not a file pattern; write it like services/*/catalog-info.yaml")
		}
	}
	v.discovery()
}

func (v *validator) catalogDefaults(d *catalog.Defaults) {
	for i := range d.Selectors {
		v.resolve(fmt.Sprintf("catalog.defaults.selectors[%d].select.file", i), &d.Selectors[i].Select.File)
	}
	bad := d.Validate()
	for _, field := range slices.Sorted(maps.Keys(bad)) {
		v.add(below("catalog.defaults", field), "%v", bad[field])
	}
	// An explicit zero would be taken for no default.
	if v.given("catalog.defaults.tier") && d.Tier == 0 {
		v.add("catalog.defaults.tier", "tier 0 does not exist; use 1 to 4 or leave it out")
	}
}

func (v *validator) entityRules(rules catalog.EntityRules) {
	const path = "catalog.entities"
	v.word(path+".names", rules.Names, catalog.Namings[:]...)
	for word, tier := range rules.TierWords {
		if tier < catalog.HighestTier || tier > catalog.LowestTier {
			v.add(path+".tier_words."+word, "tier %d does not exist; use 1 to 4", tier)
		}
	}
	// The comparison is written so that NaN fails it too.
	if !(rules.MaxRefusedRatio >= 0 && rules.MaxRefusedRatio <= 1) {
		v.add(path+".max_refused_ratio", "%g is out of range; use 0 to 1", rules.MaxRefusedRatio)
	}
}

func (v *validator) inlineEntries(c *Catalog) {
	teams := make([]string, len(c.Teams))
	for i := range c.Teams {
		c.Teams[i].Origin = v.origin(fmt.Sprintf("catalog.teams[%d]", i))
		teams[i] = c.Teams[i].Name
	}
	for i := range c.Services {
		path := fmt.Sprintf("catalog.services[%d]", i)
		s := &c.Services[i]
		s.Origin = v.origin(path)
		// An explicit zero would be taken for no answer.
		if v.given(path+".coverage_target") && s.CoverageTarget == 0 {
			v.add(path+".coverage_target",
				"0 is out of range; use a ratio of %g to 1 or leave it out", catalog.LowestCoverageTarget)
		}
		if v.given(path+".rpo_minutes") && s.RPOMinutes == 0 {
			v.add(path+".rpo_minutes", "0 is out of range; use a number of minutes above 0 or leave it out")
		}
		// With catalog files or discovery, teams may come from there.
		if s.Team != "" && c.Closed() && !slices.Contains(teams, s.Team) {
			v.add(path+".team",
				"unknown team %q%s; declare it under catalog.teams", s.Team, nearest.Suggest(s.Team, teams))
		}
	}
}

// discovery checks the rules that make services of what PagerDuty has.
func (v *validator) discovery() {
	accounts := v.config.Sources.names().PagerDuty
	for i, rule := range v.config.Catalog.PagerDuty {
		path := fmt.Sprintf("catalog.pagerduty[%d]", i)
		bad := rule.Validate(v.config.Catalog.Defaults)
		for _, field := range slices.Sorted(maps.Keys(bad)) {
			v.add(below(path, field), "%v", bad[field])
		}
		switch {
		case rule.Account != "" && !slices.Contains(accounts, rule.Account):
			v.add(path+".account",
				"unknown account %q%s; use a name under sources.pagerduty",
				rule.Account, nearest.Suggest(rule.Account, accounts))
		case len(accounts) == 0:
			v.add(path, "there is no account to look in; configure one under sources.pagerduty")
		case rule.Account == "" && len(accounts) > 1:
			v.add(path+".account", "the account is missing; there are several: %s", strings.Join(accounts, ", "))
		}
	}
}

// below is the path of a field, or the path itself without one.
func below(path, field string) string { return strings.TrimSuffix(strictyaml.Join(path, field), ".") }

func (v *validator) origin(path string) catalog.Origin {
	place := v.place(path)
	if place.Other != "" {
		return catalog.Origin{File: place.Other}
	}
	return catalog.Origin{File: place.File, Line: place.Line}
}

func (v *validator) exemptions() {
	services := make([]string, 0, len(v.config.Catalog.Services))
	for _, s := range v.config.Catalog.Services {
		services = append(append(services, s.Name), s.Aliases...)
	}
	seen := map[string]string{}
	for i, e := range v.config.Exemptions {
		path := fmt.Sprintf("exemptions[%d]", i)
		v.config.Exemptions[i].Origin = v.origin(path)
		v.required(path+".check", "the check", e.Check)
		v.required(path+".reason", "the reason", e.Reason)
		v.required(path+".approver", "the approver", e.Approver)
		if e.Expires.IsZero() {
			v.add(path+".expires", "the last day is missing; an exemption without an end is not possible")
		}
		if len(e.Services) == 0 && len(e.Tiers) == 0 && !v.spoilt[path+".services"] && !v.spoilt[path+".tiers"] {
			v.add(path, "neither services nor tiers are named; name at least one")
		}
		for j, name := range e.Services {
			if v.config.Catalog.Closed() && !slices.Contains(services, name) {
				v.add(fmt.Sprintf("%s.services[%d]", path, j),
					"unknown service %q%s; use a name of the catalog", name, nearest.Suggest(name, services))
			}
		}
		for j, tier := range e.Tiers {
			if tier < catalog.HighestTier || tier > catalog.LowestTier {
				v.add(fmt.Sprintf("%s.tiers[%d]", path, j), "tier %d does not exist; use 1 to 4", tier)
			}
		}
		v.repeatedExemption(path, e, seen)
	}
}

// repeatedExemption refuses two exemptions of one check that select the same:
// it would not be clear whose reason and end count.
func (v *validator) repeatedExemption(path string, e Exemption, seen map[string]string) {
	services, tiers := slices.Clone(e.Services), slices.Clone(e.Tiers)
	slices.Sort(services)
	slices.Sort(tiers)
	if len(services) == 0 {
		services = []string{""}
	}
	reported := false
	for _, name := range services {
		key := fmt.Sprintf("%q %q %v", e.Check, name, tiers)
		first, dup := seen[key]
		switch {
		case e.Check == "" || (name == "" && len(tiers) == 0):
		case dup && !reported:
			reported = true
			what := "the same services"
			if name != "" {
				what = strconv.Quote(name)
			}
			v.add(path, "the check %q is already exempt for %s at %s; keep one of them", e.Check, what, v.place(first))
		case !dup:
			seen[key] = path
		}
	}
}
