package exporter

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/evidencetest"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// change is something that an evaluation finds otherwise than the last one did. It may
// change the copy of the snapshot and of the service, not what they point at.
type change struct {
	name string
	make func(random *rand.Rand, s *snapshot.Snapshot, service *snapshot.Service)
}

// changes has one for everything that families are made from.
func changes() []change {
	ofService := func(name string, f func(random *rand.Rand, service *snapshot.Service)) change {
		return change{name, func(random *rand.Rand, _ *snapshot.Snapshot, service *snapshot.Service) { f(random, service) }}
	}
	return []change{
		ofService("entry", func(random *rand.Rand, s *snapshot.Service) {
			entry := *s.Entry
			entry.Team, entry.Tier = fmt.Sprint("team-", random.IntN(9)), random.IntN(4)+1
			s.Entry = &entry
		}),
		ofService("card", func(random *rand.Rand, s *snapshot.Service) {
			card := *s.Card
			card.Checks, card.Score.Lower = slices.Clone(card.Checks), random.Float64()
			k := random.IntN(len(card.Checks))
			card.Checks[k].Status = scoring.Statuses()[random.IntN(6)]
			card.Modules = slices.Clone(card.Modules)
			card.Modules[random.IntN(len(card.Modules))].Gap = random.IntN(5)
			card.Basis = &scoring.Basis{Exempt: map[string]*scoring.Exemption{
				card.Checks[k].Check.ID: {Expires: now.Add(time.Duration(random.IntN(100)) * time.Hour)},
			}}
			s.Card = &card
		}),
		ofService("no card", func(_ *rand.Rand, s *snapshot.Service) { s.Badge = scoring.BadgeState{} }),
		ofService("badge", func(random *rand.Rand, s *snapshot.Service) {
			s.Badge.Badge = framework.Badge(random.IntN(6))
			s.Badge.Since = now.Add(-time.Duration(random.IntN(100)) * time.Hour)
		}),
		ofService("hold", func(random *rand.Rand, s *snapshot.Service) {
			if s.Badge.Hold != nil {
				s.Badge.Hold = nil
				return
			}
			s.Badge.Hold = &scoring.Hold{Since: now, Left: scoring.Stopped(time.Duration(random.IntN(99)) * time.Hour)}
		}),
		ofService("transition", func(random *rand.Rand, s *snapshot.Service) {
			s.Badge.LastTransition = &scoring.Transition{
				At: s.Badge.Since, From: framework.Badge(random.IntN(6)), To: s.Badge.Badge, Cause: scoring.CauseEvidence,
				Announced: random.IntN(2) == 0,
			}
		}),
		ofService("incidents", func(random *rand.Rand, s *snapshot.Service) {
			if s.Incidents = nil; random.IntN(4) > 0 {
				f := &correlation.Figures{Open: random.IntN(3), Windows: []correlation.WindowFigures{{
					Window: correlation.Window(30 * 24 * time.Hour), Incomplete: random.IntN(2) == 0,
					Severities: []correlation.SeverityCount{{Severity: 1, Incidents: random.IntN(3)}, {Severity: 2, Incidents: 1}},
					Noise:      &correlation.Noise{All: random.IntN(9) + 1},
				}}}
				f.Windows[0].Noise.Counts[correlation.AnyNoise] = random.IntN(2)
				s.Incidents = f
			}
		}),
		ofService("alerts", func(random *rand.Rand, s *snapshot.Service) {
			s.Alerts = &correlation.AlertFigures{Windows: []correlation.AlertWindow{{
				Window: correlation.Window(30 * 24 * time.Hour), Covered: random.Float64(), Services: random.IntN(2),
				Firings: random.IntN(3), Paging: random.IntN(2), Flapping: random.IntN(2), Incomplete: random.IntN(2) == 0,
			}}}
		}),
		ofService("reviews", func(random *rand.Rand, s *snapshot.Service) {
			s.Reviews = &correlation.Reviews{Completed: now.Add(-time.Duration(random.IntN(99)) * time.Hour)}
		}),
		ofService("the next review", func(random *rand.Rand, s *snapshot.Service) {
			s.ReviewDue = now.Add(time.Duration(random.IntN(99)) * time.Hour)
		}),
		ofService("next gap", func(random *rand.Rand, s *snapshot.Service) {
			s.Evidence = observed(evidence.Instant(now.Add(time.Duration(random.IntN(99))*time.Hour)), now)
		}),
		{"a service more", func(random *rand.Rand, s *snapshot.Snapshot, service *snapshot.Service) {
			more := *service
			entry := *service.Entry
			entry.Name = fmt.Sprintf("more-%08x", random.Uint32())
			more.Entry = &entry
			s.Services = slices.Insert(s.Services, random.IntN(len(s.Services)+1), more)
		}},
		{"a service less", func(random *rand.Rand, s *snapshot.Snapshot, _ *snapshot.Service) {
			i := random.IntN(len(s.Services))
			s.Services = slices.Delete(s.Services, i, i+1)
		}},
		{"the last services less", func(random *rand.Rand, s *snapshot.Snapshot, _ *snapshot.Service) {
			s.Services = s.Services[:len(s.Services)-random.IntN(9)]
		}},
		{"another framework", func(random *rand.Rand, s *snapshot.Snapshot, _ *snapshot.Service) {
			f := *s.Framework
			f.Version = fmt.Sprint("1.", random.IntN(9))
			f.Targets = []framework.Target{{Badge: framework.Badge(random.IntN(6))}}
			f.Checks = slices.Clone(f.Checks)
			random.Shuffle(len(f.Checks), func(i, k int) { f.Checks[i], f.Checks[k] = f.Checks[k], f.Checks[i] })
			s.Framework = &f
		}},
		{"targets", func(random *rand.Rand, s *snapshot.Snapshot, _ *snapshot.Service) {
			soon := func() time.Time { return s.At.Add(time.Duration(random.IntN(5)-1) * time.Minute) }
			s.Targets = []scoring.Target{
				{Badge: framework.Badge(random.IntN(6)), Since: soon()},
				{Selector: scoring.Selector{Tiers: []int{1}}, Badge: framework.Badge(random.IntN(6)), By: soon(), Since: soon()},
			}
		}},
		{"the grace period", func(random *rand.Rand, s *snapshot.Snapshot, service *snapshot.Service) {
			s.ObserveFor = s.At.Sub(now) + time.Duration(random.IntN(5))*time.Minute
			service.Badge.FirstJudged = now.Add(time.Duration(random.IntN(3)) * time.Minute)
		}},
		{"what is of no service", func(random *rand.Rand, s *snapshot.Snapshot, _ *snapshot.Service) {
			s.Transitions = []snapshot.TransitionCount{{Direction: "award", Cause: scoring.CauseLapse, Count: random.Int64N(9)}}
			s.Feedback = []evidence.Feedback{{
				Check: s.Framework.Checks[0].ID, Kind: evidence.FeedbackUnclear, Count: random.IntN(3),
			}}
		}},
	}
}

// changeable is a snapshot of more services than two chunks have.
func changeable() *snapshot.Snapshot {
	s := largeSnapshot(2*chunkServices + 20)
	withFacts := smallFramework()
	withFacts.Modules, withFacts.Checks = s.Framework.Modules[:1], s.Framework.Checks[:5]
	s.Framework = withFacts
	for i := range s.Services {
		service := &s.Services[i]
		service.Card.Modules, service.Card.Checks = service.Card.Modules[:1], service.Card.Checks[:5]
		service.Evidence = evidencetest.Row{{}}
	}
	return s
}

// TestAPageOfWhatHasChangedIsAWholePage compares random sequences of snapshots.
func TestAPageOfWhatHasChangedIsAWholePage(t *testing.T) {
	all := changes()
	for seed := range uint64(3) {
		random := rand.New(rand.NewPCG(seed, 1))
		var kept Renderer
		last, options := changeable(), Options{}
		for step := range 40 {
			s := *last
			s.Services = slices.Clone(s.Services)
			s.At = last.At.Add(time.Duration(random.IntN(2)) * time.Minute)
			var made []string
			for range random.IntN(4) {
				c := all[random.IntN(len(all))]
				made = append(made, c.name)
				c.make(random, &s, &s.Services[random.IntN(len(s.Services))])
			}
			if random.IntN(8) == 0 {
				made = append(made, "options")
				options.Detail = []Detail{Compact, Full}[random.IntN(2)]
				options.CheckStatusPass = random.IntN(2) == 0
			}
			page, err := kept.Render(&s, options)
			if err != nil {
				t.Fatal(err)
			}
			samePages(t, fmt.Sprintf("seed %d, step %d: %v", seed, step, made), mustRender(t, &s, options), page)
			last = &s
		}
	}
}

func samePages(t *testing.T, what string, want, got *Page) {
	t.Helper()
	if want.Series() != got.Series() || !want.At().Equal(got.At()) {
		t.Fatalf("%s: %d series at %s, want %d at %s", what, got.Series(), got.At(), want.Series(), want.At())
	}
	for _, format := range formats {
		if text := got.Bytes(format); !bytes.Equal(text, want.Bytes(format)) {
			t.Fatalf("%s: %s", what, firstDifference(want.Bytes(format), text))
		}
		if !bytes.Equal(got.formats[format].deflated(), want.formats[format].deflated()) {
			t.Fatalf("%s: the compressed pages differ", what)
		}
	}
}

// TestChunksAreOneMember: what is put together from chunks is read as one compressed
// page with the right checksum, in both formats, and ends as the format asks for.
func TestChunksAreOneMember(t *testing.T) {
	page := mustRender(t, changeable(), Options{Detail: Full})
	h := Handler(fixed(page), liveRegistry(), HandlerOptions{Now: at(now)})
	for format, accept := range map[Format]string{Text: "", OpenMetrics: prometheusAccept} {
		plain := read(t, scrape(t, h, "GET", accept, "").Body)
		unzipped, err := gzip.NewReader(scrape(t, h, "GET", accept, "gzip").Body)
		if err != nil {
			t.Fatal(err)
		}
		unzipped.Multistream(false)
		if text := read(t, unzipped); !bytes.Equal(text, plain) || !bytes.HasPrefix(text, page.Bytes(format)) {
			t.Errorf("%s: %s", format.ContentType(), firstDifference(plain, text))
		}
	}
}

// TestOneChangeMakesFewChunks: what has not changed is what it was, and not made again.
func TestOneChangeMakesFewChunks(t *testing.T) {
	var r Renderer
	before := changeable()
	first, err := r.Render(before, Options{})
	if err != nil {
		t.Fatal(err)
	}
	made := map[*chunk]bool{}
	for _, c := range first.formats[Text].chunks {
		made[c] = true
	}
	// A family that had no series gets its header, too.
	for name, most := range map[string]int{"": 0, "entry": 2, "badge": 3, "card": 10, "reviews": 2, "next gap": 2} {
		s := *before
		s.Services = slices.Clone(s.Services)
		for _, c := range changes() {
			if c.name == name {
				c.make(rand.New(rand.NewPCG(1, 1)), &s, &s.Services[chunkServices+1])
			}
		}
		page, err := r.Render(&s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		anew, withAll := 0, len(page.formats[Text].chunks)
		for _, c := range page.formats[Text].chunks {
			if !made[c] {
				anew++
			}
		}
		if anew > most || name != "" && anew == 0 {
			t.Errorf("the change of %q makes %d of %d chunks anew, want at most %d", name, anew, withAll, most)
		}
		if _, err := r.Render(before, Options{}); err != nil {
			t.Fatal(err)
		}
		for _, c := range r.families {
			for _, c := range c.chunks {
				made[c] = true
			}
		}
	}
}

// TestAPageAfterAFailureIsAWholePage: a snapshot that could not be rendered may have been
// rendered in part.
func TestAPageAfterAFailureIsAWholePage(t *testing.T) {
	families := []Family{
		{Name: "entry", Labels: []string{"team"}, Collect: perEntry(func(entry *catalog.Service, emit Emit) {
			emit(1, entry.Team)
		})},
		{Name: "late", Collect: ofSnapshot(func(s *snapshot.Snapshot, _ Options, emit Emit) {
			emit(1, make([]string, len(s.Transitions))...)
		})},
	}
	var r, whole Renderer
	for _, r := range []*Renderer{&r, &whole} {
		if err := r.begin(families); err != nil {
			t.Fatal(err)
		}
	}
	render := func(r *Renderer, s *snapshot.Snapshot) *Page {
		page, err := r.Render(s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	before := changeable()
	render(&r, before)
	after := *before
	after.Services = slices.Clone(before.Services)
	after.Services[0].Entry = &catalog.Service{Name: before.Services[0].Entry.Name, Team: "another"}
	after.Transitions = make([]snapshot.TransitionCount, 1)
	if _, err := r.Render(&after, Options{}); err == nil {
		t.Fatal("a label too many was rendered")
	}
	samePages(t, "after a failure", render(&whole, before), render(&r, before))
}
