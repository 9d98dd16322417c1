package evaluation

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

const criteria = `{apiVersion: readiness/v1, kind: Framework, name: f, version: 1.0.0, modules: [
  {id: m, name: M, checks: [{id: m.one, title: One, level: 1, proofs: [{by: machine, pass: x.one}]}]}]}`

// fleetOfOne is the configuration of one service with one fact.
func fleetOfOne(t *testing.T, text, query string) *Config {
	t.Helper()
	facts, err := evidence.NewFacts(append(
		catalog.Facts(), evidence.Definition{Name: "x.one", Kind: evidence.KindBool, Help: "One.", Query: query},
	))
	if err != nil {
		t.Fatal(err)
	}
	c := &Config{Facts: facts, Providers: []evidence.Provider{{ID: "x/1", Facts: []string{"x.one"}}}, Interval: time.Hour}
	if c.Document, err = framework.Parse([]framework.File{{Name: "f.yaml", Data: []byte(text)}}); err != nil {
		t.Fatal(err)
	}
	if c.Framework, err = framework.Compile(c.Document, facts); err != nil {
		t.Fatal(err)
	}
	entries := catalog.Entries{Services: []catalog.Service{{Name: "shop", Tier: 1}}}
	if c.Catalog, err = (catalog.Rules{}).Build(entries); err != nil {
		t.Fatal(err)
	}
	return c
}

// process is one process over the store: it observes, if it has a value, and
// judges once.
type process struct {
	t   *testing.T
	url string
	now time.Time
	// step is the time between two judgements, an hour if zero.
	step time.Duration
}

func (p *process) run(c *Config, observe func(*store.Store), rounds int) (*judge, []scoring.Transition) {
	p.t.Helper()
	s, err := store.Open(p.t.Context(), store.Options{URL: p.url, Facts: c.Facts, Now: func() time.Time { return p.now }})
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			p.t.Error(err)
		}
	}()
	j, err := newJudge(p.t.Context(), s, c, slog.New(slog.DiscardHandler))
	if err != nil {
		p.t.Fatal(err)
	}
	var transitions []scoring.Transition
	for range rounds {
		p.now = p.now.Add(cmp.Or(p.step, time.Hour))
		observe(s)
		before := j.state.Badges["shop"].LastTransition
		if _, err := j.run(p.t.Context(), c, p.now); err != nil {
			p.t.Fatal(err)
		}
		if last := j.state.Badges["shop"].LastTransition; last != before && last != nil {
			transitions = append(transitions, *last)
		}
	}
	return j, transitions
}

// observing commits one value, or none and that the source has answered.
func (p *process) observing(value ...bool) func(*store.Store) {
	return func(s *store.Store) {
		p.t.Helper()
		batch := evidence.Batch{Covered: []evidence.Coverage{{Group: "x", Facts: []string{"x.one"}, At: p.now}}}
		for _, v := range value {
			batch.Records = []evidence.Record{{
				Service: "shop", Fact: "x.one", Source: "x/1", Value: evidence.Bool(v), ObservedAt: p.now,
			}}
		}
		if _, err := s.Commit(p.t.Context(), "x/1", 0, p.now, batch); err != nil {
			p.t.Fatal(err)
		}
	}
}

// TestAnUpgradeRestartsNothing: an earlier release stored criteria under the
// hash of their text. Nothing restarts and nothing is announced, whether or not
// the upgrade brings another wording.
func TestAnUpgradeRestartsNothing(t *testing.T) {
	for name, text := range map[string]string{
		"the same text":   criteria,
		"another wording": strings.Replace(criteria, "title: One", "title: The first", 1),
	} {
		t.Run(name, func(t *testing.T) {
			p := &process{t: t, url: filepath.Join(t.TempDir(), "test.db"), now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
			old := fleetOfOne(t, criteria, "")
			sum := sha256.Sum256(old.Document.Text)
			hash := hex.EncodeToString(sum[:6])
			activated := p.now.AddDate(0, -6, 0)
			const ran = 10 * 24 * time.Hour
			s, err := store.Open(t.Context(), store.Options{URL: p.url, Facts: old.Facts})
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.SaveJudgement(t.Context(), store.Judgement{
				At: p.now,
				Framework: store.Framework{
					Name: "f", Version: "1.0.0", Hash: hash, Text: old.Document.Text, ActivatedAt: activated,
				},
				Badges: map[string]scoring.BadgeState{"shop": {
					Badge: framework.Bronze, Since: activated, FirstJudged: activated, At: p.now, FrameworkHash: hash,
					SupportHash: hash,
					Hold:        &scoring.Hold{Since: p.now.Add(-ran), Ran: scoring.Stopped(ran), Left: scoring.Stopped(2 * ran)},
					Support: &scoring.Basis{
						Framework: &framework.Framework{Name: "f", Version: "1.0.0", Hash: hash}, Subject: scoring.Subject{Name: "shop"},
						Facts: map[string]scoring.BasisFact{"x.one": {Value: evidence.Bool(true), Fresh: true}}, At: p.now.Add(-ran),
					},
				}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			now := fleetOfOne(t, text, "up")
			for i := range 3 {
				j, transitions := p.run(now, p.observing(), 1)
				b, _ := j.badgeOf("shop")
				if len(transitions) > 0 || b.Badge != framework.Bronze || b.Hold == nil || !b.HoldRestarted.IsZero() {
					t.Fatalf("restart %d: transitions %+v, state %+v", i, transitions, b)
				}
				if want := ran + time.Duration(i+1)*time.Hour; b.Hold.Ran.At(b.At) != want {
					t.Errorf("restart %d: the hold clock has run for %s, want %s", i, b.Hold.Ran.At(b.At), want)
				}
				if !j.activated.Equal(activated) {
					t.Errorf("restart %d: activated at %s, want %s", i, j.activated, activated)
				}
				if b.Support == nil || b.Support.Framework.Facts() == nil {
					t.Errorf("restart %d: what supports the badge is lost", i)
				}
			}
			// The next contradiction is news about the service.
			_, transitions := p.run(now, p.observing(false), 30)
			if len(transitions) != 1 || transitions[0].Cause != scoring.CauseEvidence || !transitions[0].Announced {
				t.Errorf("transitions %+v, want one by evidence", transitions)
			}
		})
	}
}

// TestAnEditedQueryIsCriteriaAfterARestart: the process that judges by the new
// query is another than the one that judged by the old.
func TestAnEditedQueryIsCriteriaAfterARestart(t *testing.T) {
	p := &process{t: t, url: filepath.Join(t.TempDir(), "test.db"), now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
	if _, transitions := p.run(fleetOfOne(t, criteria, "up"), p.observing(true), 3); len(transitions) != 1 ||
		transitions[0].To != framework.Bronze {
		t.Fatalf("first judgements: %+v", transitions)
	}
	_, transitions := p.run(fleetOfOne(t, criteria, "up == 1"), p.observing(false), 30)
	if len(transitions) != 1 || transitions[0].To != framework.NoBadge || transitions[0].Cause != scoring.CauseCriteria {
		t.Errorf("transitions %+v, want one by criteria", transitions)
	}
}
