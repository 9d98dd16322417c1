package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prodready/collector/catalog"
)

// Target is the badge that some services should hold.
type Target struct {
	// Badge is bronze, silver, gold, platinum or diamond; none takes the target away that
	// the services have otherwise.
	Badge    string `yaml:"badge"`
	Selector `yaml:",inline"`
	// By is the last day, in UTC, on which a service may be below the target. Without it,
	// services have to hold the badge at once.
	By Date `yaml:"by"`
	// Since is the first day on which the target counts; without it, it counts always.
	Since Date `yaml:"since"`
	// Reason is for whoever asks.
	Reason string `yaml:"reason"`

	// Origin is where the target was read.
	Origin catalog.Origin `yaml:"-"`
}

// What names the target in short: gold for tiers 1, 2.
func (t Target) What() string {
	var parts []string
	add := func(word, list string) {
		if list != "" {
			parts = append(parts, word+" "+list)
		}
	}
	add("services", strings.Join(t.Services, ", "))
	add("teams", strings.Join(t.Teams, ", "))
	add("orgs", strings.Join(t.Orgs, ", "))
	add("tiers", strings.Trim(strings.Join(strings.Fields(fmt.Sprint(t.Tiers)), ", "), "[]"))
	return t.Badge + " for " + strings.Join(parts, " and ")
}

func (v *validator) targets() {
	seen := map[string]int{}
	for i, t := range v.config.Targets {
		path := fmt.Sprintf("targets[%d]", i)
		v.config.Targets[i].Origin = v.origin(path)
		v.required(path+".badge", "the badge", t.Badge)
		if !t.By.IsZero() && t.Since.After(t.By.Time) {
			v.add(path+".by", "%s is before %s, when the target begins to count; use a later day", date(t.By), date(t.Since))
		}
		v.selector(path, t.Selector)
		key := t.key()
		if first, again := seen[key]; again {
			v.add(path, "the same services have a target at %s already; keep one of the two",
				v.place(fmt.Sprintf("targets[%d]", first)))
			continue
		}
		seen[key] = i
	}
}

// key is the same for targets that are for the same services from the same day on.
func (t Target) key() string {
	sorted := func(names []string) []string { return slices.Sorted(slices.Values(names)) }
	return fmt.Sprintf("%q %q %q %v %s", sorted(t.Services), sorted(t.Teams), sorted(t.Orgs),
		slices.Sorted(slices.Values(t.Tiers)), date(t.Since))
}

func date(d Date) string { return d.Format("2006-01-02") }
