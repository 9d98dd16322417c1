package file_test

import (
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/sourcetest"
)

// played is a file for each data set.
func played(files map[sourcetest.Data]string) func(sourcetest.Data) map[string]string {
	return func(data sourcetest.Data) map[string]string {
		return map[string]string{"a.yaml": files[data], "b.yaml": "[]"}
	}
}

func TestKinds(t *testing.T) {
	at := noon.Add(-time.Hour)
	cart, checkout := record{"cart", "ci.signed", true, at}, record{"checkout", "ci.signed", false, at}
	drill := record{"cart", "drill.last", 3.5, at}
	right := asYAML(checkout, cart, drill)
	signed := []string{"ci.signed"}
	wrong := func(name, entry, counted string, reason evidence.UncountedReason, unknown map[string][]string,
	) sourcetest.Scenario {
		return sourcetest.Scenario{
			Name:    name,
			Files:   played(map[sourcetest.Data]string{sourcetest.Right: right, sourcetest.Wrong: right + entry + "\n"}),
			Counted: []evidence.UncountedGroup{{Name: counted, Reason: reason, Count: 1}},
			Unknown: unknown, Same: map[string][]string{"checkout": signed},
		}
	}
	mine, drills := map[string][]string{"cart": signed}, map[string][]string{"cart": {"drill.last"}}
	const observed = `observed_at: 2026-03-01T11:30:00Z}`
	alone := wrong("an entry of a service that the catalog does not have",
		`- {service: till, fact: ci.signed, value: false, `+observed, "service till", evidence.UncountedUnknownService, nil)
	alone.Decided = "an entry names its service exactly"
	anybody := wrong("an entry without a service", `- {fact: ci.signed, value: false, `+observed,
		"an entry of ci.signed in a.yaml", evidence.UncountedUnreadable,
		map[string][]string{"cart": signed, "checkout": signed})
	anybody.Same = map[string][]string{"cart": {"drill.last"}}
	sourcetest.RunKinds(t, sourcetest.Kinds{
		Subject:        contract(),
		NoService:      sourcetest.Kind{Scenarios: []sourcetest.Scenario{alone}},
		EndBeforeStart: sourcetest.Kind{Impossible: "an entry has one time, that of its observation"},
		NotAnInstant: sourcetest.Kind{Scenarios: []sourcetest.Scenario{
			wrong("an observation on a day", `- {service: cart, fact: ci.signed, value: false, observed_at: 2026-03-01}`,
				"ci.signed of cart in a.yaml", evidence.UncountedNotAnInstant, mine),
			wrong("an event on a day", `- {service: cart, fact: drill.last, value: 2026-02-01, `+observed,
				"drill.last of cart in a.yaml", evidence.UncountedNotAnInstant, drills),
		}},
		InFuture: sourcetest.Kind{Scenarios: []sourcetest.Scenario{
			wrong("an observation", `- {service: cart, fact: ci.signed, value: false, observed_at: 2027-03-01T11:30:00Z}`,
				"ci.signed of cart in a.yaml", evidence.UncountedInFuture, mine),
			wrong("an event", `- {service: cart, fact: drill.last, value: 2027-02-01T00:00:00Z, `+observed,
				"drill.last of cart in a.yaml", evidence.UncountedInFuture, drills),
		}},
		NotDone: sourcetest.Kind{Impossible: "an entry says whether something is so, and not how work was closed"},
		SameID: sourcetest.Kind{Scenarios: []sourcetest.Scenario{{
			Name: "a service is called by its alias",
			Files: played(map[sourcetest.Data]string{sourcetest.Before: right,
				sourcetest.After: asYAML(record{"shop-checkout", "ci.signed", true, at.Add(time.Minute)}, cart, drill)}),
			// What is said of the alias is said of the service.
			Changed: map[string][]string{"checkout": signed}, Same: map[string][]string{"cart": signed},
		}}},
		Agents: sourcetest.Kind{Impossible: "an entry does not say who did something"},
		SeenTwice: sourcetest.Kind{Scenarios: []sourcetest.Scenario{{
			Name: "an entry stands twice",
			Files: played(map[sourcetest.Data]string{sourcetest.Once: right,
				sourcetest.Twice: right + asYAML(cart, record{"shop-checkout", "ci.signed", false, at})}),
			Same: map[string][]string{"cart": signed, "checkout": signed},
		}}},
		Unreadable: sourcetest.Kind{Scenarios: []sourcetest.Scenario{
			wrong("a value of another type", `- {service: cart, fact: ci.signed, value: 7, `+observed,
				"ci.signed of cart in a.yaml", evidence.UncountedUnreadable, mine),
			anybody,
		}},
	})
}
