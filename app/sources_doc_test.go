package app

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

const sourcesPage = "../docs/sources.md"

// TestTheSourcesPageHasTheTables compares the tables of docs/sources.md with
// the declarations; -update writes them.
func TestTheSourcesPageHasTheTables(t *testing.T) {
	text, err := os.ReadFile(sourcesPage)
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for name, table := range map[string]string{"permissions": newFactSheet(t).permissions(), "retention": retention(t)} {
		begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
		before, rest, ok := strings.Cut(page, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s has no place for the table of %s", sourcesPage, name)
		}
		page = before + begin + table + end + after
	}
	compare(t, sourcesPage, page)
}

// pagerDutyScopes are the scopes that PagerDuty's calls need.
func pagerDutyScopes() map[string]string {
	scopes := map[string]string{}
	for _, call := range pagerduty.Calls() {
		scopes[call.Name] = call.Scope
	}
	return scopes
}

// TestFactsNameThePrivilegesOfTheirCalls compares the planned calls that a fact
// comes of with the permissions it says it needs. That a service exists is read
// for every fact.
func TestFactsNameThePrivilegesOfTheirCalls(t *testing.T) {
	s := newFactSheet(t)
	scopes := pagerDutyScopes()
	for n := range s.config.Facts.Len() {
		d := s.config.Facts.At(n)
		if d.Pack != "pagerduty" {
			continue
		}
		want := map[string]bool{"services.read": true}
		for _, call := range s.calls[d.Name] {
			scope, known := scopes[call]
			if !known {
				t.Errorf("%s: no scope is known for %s", d.Name, call)
			}
			if scope != "" {
				want[scope] = true
			}
		}
		for _, p := range d.Permissions {
			if !want[p] {
				t.Errorf("%s says it needs %s, which none of %v does", d.Name, p, s.calls[d.Name])
			}
			delete(want, p)
		}
		for scope := range want {
			t.Errorf("%s does not say that it needs %s", d.Name, scope)
		}
	}
}

// mostListed is how many facts a row names.
const mostListed = 6

// permissions has a row for each permission, with what is lost without it.
func (s *factSheet) permissions() string {
	type key struct{ source, permission string }
	facts := map[key][]string{}
	all := map[string]int{}
	for n := range s.config.Facts.Len() {
		d := s.config.Facts.At(n)
		if d.Pack == catalog.SourceID {
			continue
		}
		source := sourceTitle(d)
		all[source]++
		for _, p := range d.Permissions {
			facts[key{source, p}] = append(facts[key{source, p}], d.Name)
		}
	}
	keys := make([]key, 0, len(facts))
	for k := range facts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return strings.Compare(a.source+"\x00"+a.permission, b.source+"\x00"+b.permission)
	})
	scopes := pagerDutyScopes()
	var b strings.Builder
	b.WriteString("| source | permission | for | facts that need it |\n|---|---|---|---|\n")
	for _, k := range keys {
		lost := quoted(facts[k])
		switch n := len(facts[k]); {
		case n == all[k.source]:
			lost = fmt.Sprintf("all %d", n)
		case n > mostListed:
			lost = fmt.Sprintf("%d: %s and others", n, quoted(facts[k][:mostListed]))
		}
		calls := map[string]bool{}
		for _, fact := range facts[k] {
			for _, call := range s.calls[fact] {
				if k.source != "PagerDuty" || scopes[call] == k.permission {
					calls["`"+call+"`"] = true
				}
			}
		}
		fmt.Fprintf(
			&b, "| %s | `%s` | %s | %s |\n", k.source, k.permission, strings.Join(slices.Sorted(maps.Keys(calls)), ", "), lost,
		)
	}
	return b.String()
}

func sourceTitle(d evidence.Definition) string {
	switch d.Pack {
	case "pagerduty":
		return "PagerDuty"
	case "jira", framework.AttestationPack:
		return "Jira"
	}
	return "Prometheus"
}

// retention has a row for each key of store.retention.
func retention(t *testing.T) string {
	what := map[string]string{
		"history":   "values of facts, scorecards, changes of badges",
		"incidents": "incidents and their log entries",
		"runs":      "the log of rounds",
		"alerts":    "when alerts fired",
	}
	var b strings.Builder
	b.WriteString("| `store.retention` | by default | what |\n|---|---|---|\n")
	value := reflect.ValueOf(config.Default().Store.Retention)
	for i := range value.NumField() {
		key := value.Type().Field(i).Tag.Get("yaml")
		if what[key] == "" {
			t.Errorf("say what store.retention.%s is about", key)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", key, value.Field(i).Interface(), what[key])
	}
	return b.String()
}

// TestAnAppIsAskedForWhatTheFactsNeed holds the default scopes of an app, and
// the README's list of them, to the declarations.
func TestAnAppIsAskedForWhatTheFactsNeed(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	s := newFactSheet(t)
	scopes := config.DefaultPagerDuty().OAuth.Scopes
	needed := map[string]bool{}
	for n := range s.config.Facts.Len() {
		d := s.config.Facts.At(n)
		if d.Pack != "pagerduty" {
			continue
		}
		for _, p := range d.Permissions {
			needed[p] = true
		}
	}
	for p := range needed {
		if !slices.Contains(scopes, p) {
			t.Errorf("facts need %s, which no app is asked for: sources.pagerduty[].oauth.scopes", p)
		}
		if !strings.Contains(string(readme), "`"+p+"`") {
			t.Errorf("facts need %s, which the README does not name", p)
		}
	}
	for _, p := range scopes {
		// For the names of schedules in the answers about on-call.
		if !needed[p] && p != "schedules.read" {
			t.Errorf("an app is asked for %s, which no fact needs", p)
		}
		if !strings.HasSuffix(p, ".read") {
			t.Errorf("%s does more than read", p)
		}
	}
}

// TestTheSourcesPagesConfigurationsAreValid checks what a reader copies.
func TestTheSourcesPagesConfigurationsAreValid(t *testing.T) {
	page, err := os.ReadFile(sourcesPage)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 6 {
		t.Errorf("%d configurations", len(blocks))
	}
	for _, block := range blocks {
		_, err := config.Load(config.Options{Path: "collector.yaml", ReadFile: func(name string) ([]byte, error) {
			if name == "collector.yaml" {
				return []byte(block[1]), nil
			}
			return []byte("secret"), nil
		}})
		if err != nil {
			t.Errorf("%v\n%s", err, block[1])
		}
	}
}
