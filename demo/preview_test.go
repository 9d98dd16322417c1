package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evaluation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// previewed is how long a preview looks back.
const previewed = 90 * 24 * time.Hour

// thePastCanBeJudged: the evidence of three months gives the badges that are stored, each
// with its change at the same minute, and criteria of one's own have gains and losses.
func thePastCanBeJudged(t *testing.T, d *demo) {
	now := d.collector.Snapshot()
	if err := d.rememberEvidence(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	s, err := store.OpenReadOnly(t.Context(), store.Options{URL: d.storeFile(), Facts: now.Framework.Facts()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	stored, _, err := s.LoadTransitions(t.Context(), 0, now.At.Add(-previewed))
	if err != nil {
		t.Fatal(err)
	}
	want, up, down := map[string][]scoring.Transition{}, 0, 0
	for _, change := range stored {
		want[change.Service] = append(want[change.Service], change)
		if change.Direction() == "award" {
			up++
		} else {
			down++
		}
	}
	c := judgedLike(t, s, now)
	same, criteria := *c, *c.Framework // services that are judged by one and the same are left out
	same.Framework = &criteria
	judged, err := evaluation.Compare(t.Context(), s, c, &same, now.At.Add(-previewed), now.At, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(judged.Services) != len(now.Services) || !judged.From.Equal(now.At.Add(-previewed)) || up < 20 || down < 5 {
		t.Errorf("%d services from %s, %d awards and %d losses", len(judged.Services), judged.From, up, down)
	}
	for _, service := range judged.Services {
		got := service.PresentChanges
		for i, change := range want[service.Service] {
			if i >= len(got) || !got[i].At.Equal(change.At) || got[i].From != change.From || got[i].To != change.To ||
				got[i].Cause != change.Cause || got[i].Announced != change.Announced {
				t.Errorf("%s: judged again %+v\nstored %+v", service.Service, got, want[service.Service])
				break
			}
		}
		if len(got) > len(want[service.Service]) || len(service.Differences) > 0 || service.Present.OnHold {
			t.Errorf("%s: judged again %+v, stored %+v, on hold %t", service.Service, got, want[service.Service],
				service.Present.OnHold)
		}
	}
	theSameChecksFlip(t, s, c, now, want)
	criteriaOfOnesOwnHaveGainsAndLosses(t, d, stored)
}

// theSameChecksFlip: the evidence of the past changes the checks that the stored changes name,
// and no others, so that a scorecard of a time in the past does not contradict the history.
func theSameChecksFlip(
	t *testing.T, s *store.Store, c *evaluation.Config, now *snapshot.Snapshot, want map[string][]scoring.Transition,
) {
	t.Helper()
	flips := func(change scoring.Transition) (out []string) {
		for _, flip := range change.Flips {
			out = append(out, flip.Check+": "+flip.Before+" to "+flip.After)
		}
		slices.Sort(out)
		return out
	}
	var replay *evaluation.Replay
	var reach time.Time
	begin := func(past store.Past) error {
		replay, reach = evaluation.NewReplay(c, past, now.At), evaluation.Reach(past)
		return nil
	}
	err := s.EachPast(t.Context(), "", now.At, begin, func(past store.PastService) error {
		entry, _ := c.Catalog.Service(past.Service)
		lane := replay.Lane(entry, &past, reach, nil)
		lane.Finish()
		judged := slices.DeleteFunc(lane.Transitions, func(change scoring.Transition) bool {
			return change.At.Before(now.At.Add(-previewed))
		})
		for i, change := range want[past.Service] {
			var got []string
			if i < len(judged) {
				got = flips(judged[i])
			}
			if !slices.Equal(got, flips(change)) {
				t.Errorf("%s, %s to %s at %s: judged again %q, stored %q", past.Service, change.From, change.To, change.At,
					got, flips(change))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func criteriaOfOnesOwnHaveGainsAndLosses(t *testing.T, d *demo, stored []scoring.Transition) {
	t.Helper()
	var awarded scoring.Transition
	for _, change := range stored {
		if change.Direction() == "award" && change.At.Sub(d.company.Now.Add(-previewed)) > 5*24*time.Hour {
			awarded = change
		}
	}
	var drop []string
	for _, flip := range awarded.Flips {
		drop = append(drop, flip.Check)
	}
	for criteria, loses := range map[string]bool{
		"checks: {obs.noise-bounded: {value: 0.001}}": true,
		"drop: [" + strings.Join(drop, ", ") + "]":    false,
	} {
		file := filepath.Join(t.TempDir(), "acme.yaml")
		text := "extends: default@1\nname: acme\nversion: 1.0.0\n" + criteria + "\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := app.Preview(t.Context(), app.Options{ConfigPath: d.config, Now: d.now, Logger: d.log},
			app.PreviewOptions{Framework: file})
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(p.Changes, func(change report.PreviewChange) bool {
			isAsked := change.Service == awarded.Service && change.Until.Equal(awarded.At) || loses && change.Until.IsZero()
			return change.Loses == loses && !change.At.Before(p.From) && len(change.Checks) > 0 && isAsked
		})
		if !p.Known || !found {
			t.Errorf("with %s: %+v", criteria, p.Changes)
		}
	}
}

// judgedLike is a configuration that judges stored evidence as the collector of a snapshot.
func judgedLike(t *testing.T, s *store.Store, now *snapshot.Snapshot) *evaluation.Config {
	t.Helper()
	c := &evaluation.Config{
		Framework: now.Framework, Facts: now.Framework.Facts(), Exemptions: now.Exemptions, Interval: time.Minute,
		ObserveFor: scoring.DefaultObserveFor, NotMeasurable: now.NotMeasurable,
	}
	var entries catalog.Entries
	for _, service := range now.Services {
		entry := *service.Entry
		entry.PagerDuty, entry.Jira, entry.Prometheus = nil, nil, nil // what is known is stored
		entries.Services = append(entries.Services, entry)
	}
	var err error
	if c.Catalog, err = (catalog.Rules{}).Build(entries); err != nil {
		t.Fatal(err)
	}
	facts := map[string][]string{}
	for _, definition := range catalog.Facts() {
		facts[catalog.SourceID] = append(facts[catalog.SourceID], definition.Name)
	}
	begin := func(past store.Past) error {
		for _, group := range past.Groups {
			facts[group.Source] = append(facts[group.Source], group.Facts...)
		}
		return nil
	}
	if err := s.EachPast(t.Context(), "none", now.At, begin, nil); err != nil {
		t.Fatal(err)
	}
	for source, names := range facts {
		c.Providers = append(c.Providers, evidence.Provider{ID: source, Facts: names, FreshFor: 15 * time.Minute})
	}
	return c
}
