package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
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
	v.word("exposition.detail", v.config.Exposition.Detail, "compact", "full")
	v.incidentWindows()
	v.word("log.level", v.config.Log.Level, "debug", "info", "warn", "error")
	v.word("log.format", v.config.Log.Format, "text", "json")
	v.duration("evaluation.interval", v.config.Evaluation.Interval, time.Second, time.Hour)
	v.duration("evaluation.observe_for", v.config.Evaluation.ObserveFor, 0, 366*24*time.Hour)
	v.frameworks()
	v.reviews()
	v.sources()
	v.catalog()
	v.exemptions()
	v.targets()
	if err := r.err(); err != nil {
		return nil, err
	}
	return &Valid{config: v.config, places: r}, nil
}

func (v *validator) reviews() {
	r := &v.config.Reviews
	for _, s := range []struct{ key, schedule string }{{"week", r.Week}, {"month", r.Month}, {"quarter", r.Quarter}} {
		if s.schedule == "" {
			continue
		}
		if _, err := ParseSchedule(s.schedule); err != nil {
			v.add("reviews."+s.key, "%v", err)
		}
	}
	const most = 1000
	if r.Keep < 1 || r.Keep > most {
		v.add("reviews.keep", "%d is out of range; use 1 to %d", r.Keep, most)
	}
	v.resolve("reviews.folder", &r.Folder)
	if r.Folder != "" && !r.Wanted() {
		v.add("reviews.folder", "nothing is written there, since no review is made; add a schedule as reviews.week, "+
			"reviews.month or reviews.quarter")
	}
	v.reviewsDue(r.DueAfter)
}

// reviewsDue checks when readiness reviews are due.
func (v *validator) reviewsDue(list []ReviewDue) {
	known := slices.ContainsFunc(v.config.Sources.Jira, func(j Jira) bool { return j.Reviews.JQL != "" })
	if len(list) > 0 && !known {
		v.add("reviews.due_after", "no source reads readiness reviews; add a query as reviews.jql of a source of Jira")
	}
	for i, d := range list {
		path := fmt.Sprintf("reviews.due_after[%d]", i)
		if i > 0 && len(list[i-1].Tiers) == 0 {
			v.add(path, "the entry before is for all tiers, so that this one is for none; give that one tiers")
		}
		if time.Duration(d.After) < 24*time.Hour {
			v.add(path+".after", "%s is too short; use at least 1d", d.After)
		}
		for k, tier := range d.Tiers {
			v.tier(fmt.Sprintf("%s.tiers[%d]", path, k), tier)
		}
	}
}

func (v *validator) tier(path string, tier int) {
	if tier < catalog.HighestTier || tier > catalog.LowestTier {
		v.add(path, "tier %d does not exist; use 1 to 4", tier)
	}
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
		text, err := Credential{file: s.URLFile, readFile: v.options.injected}.Read()
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
	for n, host := range s.AllowedHosts {
		if host == "" || strings.ContainsAny(host, ":/* ") {
			v.add(fmt.Sprintf("server.allowed_hosts[%d]", n),
				"this is not a name of a host; write it without scheme, port and *: readiness.example.com")
		}
	}
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

// frameworks resolves the names of the files of frameworks, and tries to read them.
func (v *validator) frameworks() {
	f := &v.config.Framework
	v.framework("framework.file", &f.File, true)
	for i := range f.Installed {
		v.framework(fmt.Sprintf("framework.installed[%d]", i), &f.Installed[i], false)
	}
	for i := range f.Pins {
		path, pin := fmt.Sprintf("framework.pins[%d]", i), &f.Pins[i]
		if v.required(path+".framework", "the framework", pin.Framework) {
			v.framework(path+".framework", &pin.Framework, true)
		}
		v.selector(path, pin.Selector)
		if pin.Until.IsZero() && !v.spoilt[path+".until"] {
			v.add(path+".until", "the last day is missing; a pin without an end is not possible")
		}
	}
}

// framework resolves the name of a file or folder. What is no path may be the name of an
// installed framework, which is looked up where frameworks are read.
func (v *validator) framework(path string, name *string, mayBeNamed bool) {
	written := *name
	isPath := strings.ContainsAny(written, `/\`) || slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(written))
	v.resolve(path, name)
	if *name == "" {
		return
	}
	file := *name
	_, err := v.options.ReadFile(file)
	if errors.Is(err, syscall.EISDIR) {
		file = filepath.Join(file, "framework.yaml")
		_, err = v.options.ReadFile(file)
	}
	switch {
	case err == nil:
	case mayBeNamed && !isPath && errors.Is(err, fs.ErrNotExist):
		*name = written
	default:
		v.add(path, "the file %q cannot be read: %v; create it or correct its name", file, bare(err))
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

// maxWindows is how many windows of incident figures may be configured: each window adds
// all series of incidents again.
const maxWindows = 5

// longestWindow is about a year.
const longestWindow = 400 * 24 * time.Hour

func (v *validator) incidentWindows() {
	const path, day = "incidents.windows", 24 * time.Hour
	windows := v.config.Incidents.Windows
	switch {
	case len(windows) == 0:
		v.add(path, "there is no window; write one such as 30d")
	case len(windows) > maxWindows:
		v.add(path, "%d windows; at most %d are measured", len(windows), maxWindows)
	}
	seen := map[Duration]bool{}
	for n, w := range windows {
		at := fmt.Sprintf("%s[%d]", path, n)
		if time.Duration(w)%day != 0 {
			v.add(at, "%s is not a number of days; write 7d, for instance", w)
		} else {
			v.duration(at, w, day, longestWindow)
		}
		if seen[w] {
			v.add(at, "%s is there twice", w)
		}
		seen[w] = true
	}
}
