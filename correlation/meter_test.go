package correlation

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// changing is a fleet whose incidents, services and badges change as time passes.
type changing struct {
	now      time.Time
	records  map[Reference]evidence.Incident
	services []*catalog.Service
	seen     Seen
	held     []BadgeHeld
	changes  []BadgeChange
	options  Options
}

// lasting are the records that had not ended before the figures begin, as the store
// lists them.
func (c *changing) lasting() []evidence.Incident {
	since := c.options.Since(c.now)
	var list []evidence.Incident
	for _, in := range c.records {
		if !in.Gone && (!in.StartedAt.Before(since) || in.Open() || !in.ResolvedAt.Before(since)) {
			list = append(list, in)
		}
	}
	return list
}

// record draws a version of a record. There are few names, so that records name each
// other, several have one name, and names are former ones of others.
func (c *changing) record(t *rapid.T) evidence.Incident {
	ids := []string{"A", "B", "C", "D", "E", "F"}
	services := rapid.SliceOfN(rapid.SampledFrom([]string{"checkout", "invoices", "quiet", "elsewhere"}), 1, 2)
	id := rapid.SampledFrom(ids)
	days := func(label string, most int) time.Duration {
		return time.Duration(rapid.IntRange(0, most*24*4).Draw(t, label)) * 15 * time.Minute
	}
	sometimes := func(label string, of int) bool { return rapid.IntRange(1, of).Draw(t, label) == 1 }
	in := evidence.Incident{
		Source: rapid.SampledFrom([]string{"pagerduty/a", "pagerduty/b", "jira/a"}).Draw(t, "source"), ID: id.Draw(t, "id"),
		StartedAt: c.now.Add(-days("began", 110)), AcksKnown: !sometimes("no acks", 4), Urgent: !sometimes("calm", 3),
		Severity: rapid.IntRange(0, 5).Draw(t, "severity"), Maintenance: sometimes("maintenance", 8),
		Template: rapid.SampledFrom([]string{"", "slow", "down"}).Draw(t, "template"),
		Services: services.Draw(t, "services"),
		Gone:     sometimes("gone", 8),
	}
	if sometimes("soon", 2) {
		in.StartedAt = c.now.Add(-days("hours ago", 1)).Add(time.Hour)
	}
	if sometimes("keyed", 4) {
		in.Key, in.FormerKeys = id.Draw(t, "key"), []string{id.Draw(t, "former key")}
	}
	for range rapid.IntRange(0, 2).Draw(t, "links") {
		link := id.Draw(t, "link")
		if rapid.Bool().Draw(t, "address") {
			link = "https://pages.example.com/" + link
		}
		in.Links = append(in.Links, link)
	}
	if sometimes("merged", 5) {
		in.MergedInto = id.Draw(t, "target")
	}
	took := days("took", rapid.SampledFrom([]int{1, 1, 12}).Draw(t, "within"))
	switch rapid.IntRange(0, 5).Draw(t, "end") {
	case 0:
	case 1:
		in.EndUnknown = true
	default:
		in.ResolvedAt = in.StartedAt.Add(took)
		in.Resolver = rapid.SampledFrom([]evidence.Resolver{
			evidence.ResolverPerson, evidence.ResolverIntegration, evidence.ResolverTimeout,
		}).Draw(t, "resolver")
	}
	if in.AcksKnown && rapid.Bool().Draw(t, "acknowledged") {
		in.AcknowledgedAt = in.StartedAt.Add(days("acknowledged after", 1))
	}
	if in.AcksKnown && sometimes("automation", 4) {
		in.MachineAcknowledgedAt = in.StartedAt.Add(days("automation after", 1))
	}
	return in
}

// move changes something other than incidents.
func (c *changing) move(t *rapid.T) {
	name := c.services[rapid.IntRange(0, len(c.services)-1).Draw(t, "of")].Name
	switch rapid.IntRange(0, 5).Draw(t, "what") {
	case 0: // a service gets another team
		moved := slices.Clone(c.services)
		entry := *moved[0]
		entry.Team = rapid.SampledFrom([]string{"", "payments", "search"}).Draw(t, "team")
		entry.Tier = rapid.IntRange(1, 2).Draw(t, "tier")
		moved[0] = &entry
		c.services = moved
	case 1: // a service leaves
		c.services = c.services[:max(1, len(c.services)-1)]
	case 2:
		c.services = fleet()
	case 3:
		c.seen.Add(name, rapid.IntRange(0, 6).Draw(t, "seen"))
	case 4:
		badge := framework.Badges()[rapid.IntRange(0, 2).Draw(t, "badge")]
		for i := range c.held {
			if h := &c.held[i]; h.Service == name {
				at := c.now.AddDate(0, 0, -rapid.IntRange(0, 50).Draw(t, "changed before"))
				c.changes = append(c.changes, BadgeChange{Service: name, At: at, From: h.Badge, To: badge})
				h.Badge, h.Settling = badge, rapid.IntRange(0, 4).Draw(t, "settling") == 0
			}
		}
	case 5:
		doubts := evidence.Doubts{}
		if rapid.Bool().Draw(t, "doubted") {
			doubts.Add(evidence.IncidentDoubt{
				Service: name, Newest: c.now.AddDate(0, 0, -rapid.IntRange(0, 40).Draw(t, "newest")),
				Open: rapid.Bool().Draw(t, "open"),
			})
		}
		c.options.Doubts = doubts
	}
}

// TestWhatIsKeptIsWhatIsMeasuredAnew: whatever happens to records, services and badges
// and however time passes, the incidents and figures that are kept are those of a full
// measure.
func TestWhatIsKeptIsWhatIsMeasuredAnew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &changing{now: noon, records: map[Reference]evidence.Incident{}, services: fleet(), seen: Seen{}}
		for _, s := range fleet()[:2] {
			c.held = append(c.held, BadgeHeld{Service: s.Name, Badge: framework.Silver, FirstJudged: ago(60 * day)})
		}
		links, meter := NewLinks(), NewMeter()
		present := map[Reference]*Incident{}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			var changed []evidence.Incident
			for range rapid.IntRange(0, 4).Draw(t, "changed") {
				in := c.record(t)
				c.records[reference(&in)] = in
				changed = slices.DeleteFunc(changed, func(other evidence.Incident) bool {
					return reference(&other) == reference(&in)
				})
				changed = append(changed, in)
			}
			if rapid.Bool().Draw(t, "move") {
				c.move(t)
				for service, severities := range c.seen {
					for _, s := range severities {
						meter.See(service, s)
					}
				}
			}
			c.now = c.now.Add(rapid.SampledFrom([]time.Duration{
				0, 15 * time.Minute, time.Hour, 7 * time.Hour, 5 * day, 30 * day, 100 * day,
			}).Draw(t, "passed"))
			gone, added := links.Update(changed, c.options.Since(c.now))
			meter.Change(gone, added)
			for _, in := range gone {
				if was := present[in.Records[0]]; was == nil || !reflect.DeepEqual(in, was) {
					t.Fatalf("%+v is gone, and was not there: %+v", in, was)
				}
				delete(present, in.Records[0])
			}
			var kept []Incident
			for _, in := range added {
				if present[in.Records[0]] != nil {
					t.Fatalf("%v is added, and was there", in.Records)
				}
				present[in.Records[0]] = in
			}
			for _, in := range present {
				kept = append(kept, *in)
				kept[len(kept)-1].first = 0
			}
			slices.SortFunc(kept, func(a, b Incident) int { return compareIncidents(&a, &b) })
			anew := Link(c.lasting())
			same(t, "incidents", kept, anew)

			history := NewBadgeHistory(c.held, c.changes)
			got := meter.Measure(c.services, history, c.options, c.now)
			want := meterOf(anew, c.seen).Measure(c.services, history, c.options, c.now)
			same(t, "groups", got.Groups, want.Groups)
			same(t, "badges", got.Badges, want.Badges)
			same(t, "badges by tier", got.TierBadges, want.TierBadges)
			same(t, "services", got.Services, want.Services)
			for _, service := range c.services {
				if f := got.Services[service.Name]; f != nil {
					c.samePlain(t, service.Name, anew, f.Windows)
				}
			}
			// Records, and places of those that are gone, are given back.
			if there, most := links.records.len(), len(c.lasting()); there > most {
				t.Fatalf("%d records are kept, and %d last", there, most)
			}
		}
	})
}

// samePlain compares the durations of a service with those of its incidents, one by one.
func (c *changing) samePlain(t *rapid.T, service string, incidents []Incident, windows []WindowFigures) {
	o := c.options.withDefaults()
	for _, w := range windows {
		var lasted, acknowledged []Observation
		timedOut := 0
		for _, in := range incidents {
			if in.Maintenance || !slices.Contains(in.Services, service) || in.StartedAt.After(c.now) ||
				!in.StartedAt.After(c.now.Add(-time.Duration(w.Window))) {
				continue
			}
			if o, known := in.resolution(c.now); known {
				lasted = append(lasted, o)
			}
			if in.TimedOut(c.now) {
				timedOut++
			}
			if o, known := in.acknowledgement(c.now); known && in.Urgent && in.AcksKnown {
				acknowledged = append(acknowledged, o)
			}
		}
		same(t, "resolution", w.Resolution, summarise(lasted, timedOut, o.ResolveWithin...))
		same(t, "acknowledgement", w.Acknowledgement, summarise(acknowledged, 0))
	}
}

func same[T any](t *rapid.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s\n%s\nwant\n%s", what, fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want))
	}
}
