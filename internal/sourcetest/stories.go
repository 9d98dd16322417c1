package sourcetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// interrupted are the cases in which the store refuses a batch, for every batch
// of a round: the same source continues, or a new one begins at the stored
// cursors, as after the end of the process.
func (s *suite) interrupted(p phase, batches int) []testCase {
	var list []testCase
	for n := range batches {
		for _, restart := range []bool{false, true} {
			what := "the store refuses a batch"
			if restart {
				what = "the process ends before a batch"
			}
			name := fmt.Sprintf("%s/%s/%d", p.name, what, n)
			list = append(list, testCase{name, []string{p.name + " " + what}, func(c *check) error {
				return s.disturbed(c, p, func(d *disturbance) error { return d.interrupt(n, restart) })
			}})
		}
	}
	return list
}

// interrupt plays the last round on a store that refuses batch n.
func (d *disturbance) interrupt(n int, restart bool) error {
	r, now, err := d.collect(context.Background(), n)
	if err != nil {
		return err
	}
	c := d.world.check
	if !r.refused {
		return fmt.Errorf("there is no batch %d", n)
	}
	if !errors.Is(r.err, errRefused) {
		c.errorf("the round does not say that the store has failed: %v", r.err)
	}
	list := d.world.mustFail(r)
	if !slices.ContainsFunc(list, func(e *collectors.CallError) bool { return e.Reason == evidence.ReasonStore }) {
		c.errorf("the round fails with %v, want the reason %s", r.err, evidence.ReasonStore)
	}
	d.checkAfterFailure(r, now)
	if restart {
		return d.world.restart()
	}
	return nil
}

// skewed are the cases in which the upstream's clock, and with it the times of
// its records, is not ours. In the end everything must be as it is without.
func (s *suite) skewed() []testCase {
	var list []testCase
	for name, skew := range map[string]time.Duration{"behind": -time.Hour, "ahead": time.Hour} {
		list = append(list, testCase{"our clock is an hour " + name, []string{"skew"}, func(c *check) error {
			steps := []step{{0, Normal}}
			for _, at := range []time.Duration{Later, Later + 40*time.Minute, Later + 80*time.Minute, Later + MuchLater} {
				steps = append(steps, step{at, Changed})
			}
			w, err := s.newWorld(c, Normal, skew)
			if err != nil {
				return err
			}
			defer w.close()
			for n, st := range steps {
				before, err := w.state()
				if err != nil {
					return err
				}
				if _, err := w.play(st); err != nil {
					return err
				}
				now, err := w.state()
				if err != nil {
					return err
				}
				healthy, err := s.healthy(steps[:n+1])
				if err != nil {
					return err
				}
				c.all(fmt.Sprintf("at %s", st.at), s.lostBySkew(now, before, healthy, n == len(steps)-1))
			}
			return nil
		}})
	}
	slices.SortFunc(list, func(a, b testCase) int { return cmp.Compare(a.name, b.name) })
	return list
}

// clockAhead are the cases of a round by a clock of ours that is ahead, which is set
// before the next round: no cursor of that round may hide what happens until then.
func (s *suite) clockAhead() []testCase {
	var list []testCase
	for _, ahead := range []time.Duration{100 * time.Minute, 3 * 365 * 24 * time.Hour} {
		for _, restart := range []bool{false, true} {
			name := fmt.Sprintf("our clock was %s ahead and is set, restart %t", ahead, restart)
			list = append(list, testCase{name, []string{name}, func(c *check) error {
				return s.setBack(c, ahead, restart)
			}})
		}
	}
	return list
}

func (s *suite) setBack(c *check, ahead time.Duration, restart bool) error {
	w, err := s.newWorld(c, Normal, 0)
	if err != nil {
		return err
	}
	defer w.close()
	steps := []step{{0, Normal}, {Later, Normal}, {2 * Later, Changed}, {2*Later + MuchLater, Changed}}
	for n, st := range steps {
		w.setSkew(0)
		if n == 1 {
			w.setSkew(ahead)
		}
		if restart {
			if err := w.restart(); err != nil {
				return err
			}
		}
		if n != 1 {
			_, err = w.play(st)
		} else {
			// It may fail, because nothing that the upstream has is of that time.
			w.at(st.at)
			_, err = w.collect(context.Background(), -1)
		}
		if err != nil {
			return err
		}
	}
	now, err := w.state()
	if err != nil {
		return err
	}
	healthy, err := s.healthy([]step{steps[0], steps[2], steps[3]})
	if err != nil {
		return err
	}
	// What the wrong clock has observed and no later round did is there and does not count.
	for k, at := range now.observed {
		if _, known := healthy[0].records[k]; !known && at.After(w.ourClock()) {
			delete(now.records, k)
		}
	}
	c.all("once the clock is right", now.differences(s.ClockFacts, healthy...))
	for group, covered := range now.covered {
		if covered.At.After(w.ourClock()) {
			c.errorf("group %s is covered at %s, which is yet to come", group, covered.At)
		}
	}
	return nil
}

// lostBySkew lists what is wrong in a run with differing clocks, and at its end
// also what is missing: such clocks may delay what is known, and nothing else.
func (s *suite) lostBySkew(now, before *state, healthy []*state, end bool) []string {
	var list []string
	for id, in := range now.incidents {
		for _, field := range untrue(in, id, append([]*state{before}, healthy...)) {
			truth := differingFields(in, healthy[0].incidents[id], true, true)
			list = append(list, fmt.Sprintf("incident %s: %s is not true: %+v, in truth %s", id, field, in, truth))
		}
	}
	if end {
		list = append(list, now.differences(s.ClockFacts, healthy...)...)
	}
	return list
}

// emptied is the case of an upstream that loses all its data and gets it back.
func (s *suite) emptied() testCase {
	return testCase{"nothing is there any more", []string{"emptied"}, func(c *check) error {
		w, err := s.newWorld(c, Normal, 0)
		if err != nil {
			return err
		}
		defer w.close()
		if _, err := w.play(step{0, Normal}); err != nil {
			return err
		}
		// A source may need two listings some time apart to believe a deletion.
		for n, st := range []step{
			{MuchLater, Empty}, {MuchLater + 18*Later, Empty}, {2 * MuchLater, Normal}, {2*MuchLater + Later, Normal},
		} {
			r, err := w.play(st)
			if err != nil {
				return err
			}
			if n%2 == 0 {
				continue
			}
			now, err := w.state()
			if err != nil {
				return err
			}
			fresh, err := s.runWithoutFaults(st)
			if err != nil {
				return err
			}
			c.all(fmt.Sprintf("with the data %s", st.data), now.withoutGone().differences(nil, fresh.state.withoutGone()))
			if len(r.covered) == 0 {
				c.errorf("nothing is covered with the data %s", st.data)
			}
		}
		return nil
	}}
}

// withoutGone is the state without deleted incidents, withdrawn records, records of
// excepted services, which keep their last value, and the past: feedback and firings.
func (s *state) withoutGone() *state {
	known := *s
	known.incidents, known.records, known.others = maps.Clone(s.incidents), maps.Clone(s.records), nil
	maps.DeleteFunc(known.incidents, func(_ string, in evidence.Incident) bool { return in.Gone })
	maps.DeleteFunc(known.records, func(_ key, text string) bool { return strings.HasPrefix(text, withdrawn) })
	for _, group := range s.covered {
		for service := range group.Except {
			for _, fact := range group.Facts {
				delete(known.records, key{fact, service})
			}
		}
	}
	return &known
}

// large are the cases of a data set with many records: a round without a fault,
// and one that is interrupted and then continued by another process.
func (s *suite) large(l Large) []testCase {
	at := step{0, l.Data}
	list := []testCase{{fmt.Sprintf("%s/whole", l.Data), nil, func(c *check) error {
		if l.Fails == "" {
			whole, err := s.runWithoutFaults(at)
			if err != nil {
				return err
			}
			return whole.state.counts(c, l)
		}
		w, err := s.newWorld(c, l.Data, 0)
		if err != nil {
			return err
		}
		defer w.close()
		r, err := w.collect(context.Background(), -1)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(w.mustFail(r), func(e *collectors.CallError) bool { return e.Reason == l.Fails }) {
			c.errorf("the round fails with %v, want the reason %s", r.err, l.Fails)
		}
		// The listing is not complete, so that nothing is known to be absent.
		now, err := w.state()
		if err != nil {
			return err
		}
		for k, text := range now.records {
			c.errorf("record %s is told from an incomplete listing: %s", k, text)
		}
		return nil
	}}}
	if l.Fails != "" {
		return list
	}
	return append(list, testCase{fmt.Sprintf("%s/the process ends half-way", l.Data), nil, func(c *check) error {
		whole, err := s.runWithoutFaults(at)
		if err != nil {
			return err
		}
		w, err := s.newWorld(c, l.Data, 0)
		if err != nil {
			return err
		}
		defer w.close()
		if _, err := w.collect(context.Background(), whole.last.batches/2); err != nil {
			return err
		}
		if err := w.restart(); err != nil {
			return err
		}
		if _, err := w.play(at); err != nil {
			return err
		}
		now, err := w.state()
		if err != nil {
			return err
		}
		c.all("after the restart", now.differences(nil, whole.state))
		return now.counts(c, l)
	}})
}

// counts checks how much is stored.
func (s *state) counts(c *check, l Large) error {
	if l.Incidents+l.Reviews+l.Alerts+len(l.Records) == 0 {
		return errors.New("the data set says nothing of what must be stored in the end")
	}
	incidents, alerts, records := 0, 0, map[string]int{}
	for _, in := range s.incidents {
		if !in.Gone {
			incidents++
		}
	}
	for name := range s.others {
		if strings.HasPrefix(name, firing) {
			alerts++
		}
	}
	for k, text := range s.records {
		if !strings.HasPrefix(text, withdrawn) {
			records[k.fact]++
		}
	}
	if incidents != l.Incidents || len(s.reviews) != l.Reviews || alerts != l.Alerts {
		c.errorf("%d incidents, %d reviews and %d firings of alerts are stored, want %d, %d and %d",
			incidents, len(s.reviews), alerts, l.Incidents, l.Reviews, l.Alerts)
	}
	for _, fact := range sorted(l.Records) {
		if records[fact] != l.Records[fact] {
			c.errorf("%d services have a value of %s, want %d", records[fact], fact, l.Records[fact])
		}
	}
	return nil
}
