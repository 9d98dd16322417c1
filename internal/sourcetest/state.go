package sourcetest

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

// withdrawn begins the text of a record that is withdrawn.
const withdrawn = "withdrawn: "

// firing begins the name of a firing of an alert.
const firing = "alert "

// key names a record.
type key struct{ fact, service string }

func (k key) String() string { return k.fact + " of " + k.service }

// state is everything that a store holds of a source.
type state struct {
	// records are what is stored of each fact and service: value, or reason of
	// its withdrawal, with the provenance.
	records map[key]string
	// values are those of the records that are not withdrawn.
	values map[key]evidence.Value
	// observed is when each record was last observed.
	observed map[key]time.Time
	// dated are the facts whose records have a time of observation of their own.
	dated     map[string]bool
	incidents map[string]evidence.Incident
	// reviews are those that are still listed, by key and service.
	reviews map[string]evidence.Review
	covered map[string]evidence.Coverage
	// others are feedback and firings of alerts.
	others map[string]string
}

// state reads the store.
func (w *world) state() (*state, error) {
	ctx := context.Background()
	s := &state{
		records: map[key]string{}, values: map[key]evidence.Value{}, observed: map[key]time.Time{},
		incidents: map[string]evidence.Incident{},
		reviews:   map[string]evidence.Review{}, covered: map[string]evidence.Coverage{}, others: map[string]string{},
		dated: map[string]bool{},
	}
	found, err := w.store.LoadRecords(ctx, 0)
	if err != nil {
		return nil, err
	}
	for _, row := range found.Rows {
		k := key{row.Fact, row.Service}
		text := fmt.Sprintf("%s (%s)", row.Value, row.Detail)
		if row.Withdrawn != "" {
			text = withdrawn + string(row.Withdrawn)
		} else {
			s.values[k] = row.Value
			if w.dated[k] {
				text += " since " + row.Since.UTC().Format(time.RFC3339)
			}
		}
		s.records[k], s.observed[k] = text, row.ObservedAt
	}
	for _, c := range found.Coverage {
		s.covered[c.Group] = c.Coverage
		for _, fact := range c.Facts {
			s.dated[fact] = c.Dated
		}
	}
	incidents, err := w.store.Incidents(ctx, store.IncidentFilter{Gone: true})
	if err != nil {
		return nil, err
	}
	for _, in := range incidents {
		s.incidents[in.ID] = in
	}
	reviews, err := w.store.Reviews(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range reviews {
		s.reviews[v.ID+" "+v.Service] = v
	}
	exemptions, err := w.store.Exemptions(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range exemptions {
		s.others[fmt.Sprintf("exemption %s of %s from %s", e.ID, e.Service, e.Check)] = fmt.Sprintf("%+v", e)
	}
	feedback, err := w.store.Feedback(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range feedback {
		s.others[fmt.Sprintf("feedback %s %s", f.Check, f.Kind)] = strconv.Itoa(f.Count)
	}
	return s, w.store.EachAlert(ctx, store.AlertFilter{}, func(a evidence.AlertFiring) error {
		s.others[fmt.Sprintf(firing+"%s from %s", a.Fingerprint, a.StartedAt.UTC())] = fmt.Sprintf("%+v", a)
		return nil
	})
}

// differences lists what of a state equals none of the healthy states. Each
// record, incident and review may equal that of another one of them. clockFacts
// may have any value.
func (s *state) differences(clockFacts map[string]bool, healthy ...*state) []string {
	var list []string
	list = append(list, compare("record", s.records, pick(healthy, func(h *state) map[key]string { return h.records }),
		func(k key, a, b string) bool { return a == b || clockFacts[k.fact] })...)
	list = append(list,
		compare("incident", s.incidents, pick(healthy, func(h *state) map[string]evidence.Incident { return h.incidents }),
			func(_ string, a, b evidence.Incident) bool { return sameIncident(a, b) })...)
	list = append(list,
		compare("review", s.reviews, pick(healthy, func(h *state) map[string]evidence.Review { return h.reviews }),
			func(_ string, a, b evidence.Review) bool { return reflect.DeepEqual(a, b) })...)
	list = append(list,
		compare("group", s.covered, pick(healthy, func(h *state) map[string]evidence.Coverage { return h.covered }),
			func(_ string, a, b evidence.Coverage) bool { return maps.Equal(a.Except, b.Except) })...)
	list = append(list, compare("other", s.others, pick(healthy, func(h *state) map[string]string { return h.others }),
		func(_ string, a, b string) bool { return a == b })...)
	return list
}

func pick[K comparable, V any](states []*state, of func(*state) map[K]V) []map[K]V {
	all := make([]map[K]V, len(states))
	for i, s := range states {
		all[i] = of(s)
	}
	return all
}

// compare lists the keys whose value equals that of none of the wanted maps. A
// key may be missing if one of them lacks it.
func compare[K comparable, V any](what string, got map[K]V, wants []map[K]V, same func(K, V, V) bool) []string {
	keys := map[K]bool{}
	for k := range got {
		keys[k] = true
	}
	for _, want := range wants {
		for k := range want {
			keys[k] = true
		}
	}
	var list []string
	for k := range keys {
		g, has := got[k]
		if slices.ContainsFunc(wants, func(want map[K]V) bool {
			w, wanted := want[k]
			return wanted == has && (!has || same(k, g, w))
		}) {
			continue
		}
		text := fmt.Sprintf("%s %v is %s", what, k, show(g, has))
		for n, want := range wants {
			w, wanted := want[k]
			if n > 0 {
				text += ", or"
			}
			text += ", want " + differingFields(g, w, has && wanted, wanted)
		}
		list = append(list, text)
	}
	slices.Sort(list)
	return list
}

func show(v any, has bool) string {
	if !has {
		return "missing"
	}
	return fmt.Sprintf("%+v", v)
}

// differingFields shows the wanted value; of a struct, only the fields that differ.
func differingFields(got, want any, both, wanted bool) string {
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	if !both || g.Kind() != reflect.Struct {
		return show(want, wanted)
	}
	var fields []string
	for i := range g.NumField() {
		if a, b := g.Field(i).Interface(), w.Field(i).Interface(); !reflect.DeepEqual(a, b) {
			fields = append(fields, fmt.Sprintf("%s %v", g.Type().Field(i).Name, b))
		}
	}
	return strings.Join(fields, ", ")
}

// sameIncident compares two incidents. A source learns nothing more about one
// that was deleted, so that only the ids of such incidents are compared.
func sameIncident(a, b evidence.Incident) bool {
	if a.Gone && b.Gone {
		return a.ID == b.ID
	}
	return reflect.DeepEqual(canonical(a), canonical(b))
}

// canonical gives values with the same meaning the same form.
func canonical(in evidence.Incident) evidence.Incident {
	for _, at := range []*time.Time{&in.StartedAt, &in.DetectedAt, &in.AcknowledgedAt, &in.ResolvedAt, &in.UpdatedAt} {
		*at = at.UTC()
	}
	for _, list := range []*[]string{&in.Services, &in.Links, &in.Responders} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	return in
}

// invented lists what a state holds that is neither in the state before nor in a
// healthy one. It may lack what they hold.
func (s *state) invented(before *state, healthy ...*state) []string {
	var list []string
	truths := append([]*state{before}, healthy...)
	for k, text := range s.records {
		if !slices.ContainsFunc(truths, func(h *state) bool { return h.records[k] == text }) {
			list = append(
				list,
				fmt.Sprintf(
					"record %s is %s, before it was %q, and the truth is %q", k, text, before.records[k], healthy[0].records[k],
				),
			)
		}
	}
	for id, in := range s.incidents {
		for _, field := range untrue(in, id, truths) {
			list = append(list,
				fmt.Sprintf("incident %s: %s is neither true nor what it was: %+v, before: %s; in truth: %s", id, field, in,
					differingFields(in, before.incidents[id], true, true), differingFields(in, healthy[0].incidents[id], true, true)))
		}
	}
	for k, v := range s.reviews {
		if !slices.ContainsFunc(truths, func(h *state) bool { return reflect.DeepEqual(h.reviews[k], v) }) {
			list = append(
				list,
				fmt.Sprintf(
					"review %s is %+v, before it was %+v, and the truth is %+v", k, v, before.reviews[k], healthy[0].reviews[k],
				),
			)
		}
	}
	for k, text := range s.others {
		if !slices.ContainsFunc(truths, func(h *state) bool { return h.others[k] == text }) {
			list = append(
				list,
				fmt.Sprintf("%s is %s, before it was %q, and the truth is %q", k, text, before.others[k], healthy[0].others[k]),
			)
		}
	}
	for k := range before.reviews {
		_, kept := s.reviews[k]
		_, still := healthy[0].reviews[k]
		if still && !kept {
			list = append(list, fmt.Sprintf("review %s is withdrawn, and it is still there", k))
		}
	}
	slices.Sort(list)
	return list
}

// untrue lists the fields of an incident whose value differs from that in all of
// the truths. An empty field is unknown and no fault.
func untrue(in evidence.Incident, id string, truths []*state) []string {
	var fields []string
	got := reflect.ValueOf(canonical(in))
	for i := range got.NumField() {
		name, v := got.Type().Field(i).Name, got.Field(i)
		if v.IsZero() || name == "GoneWhy" {
			continue
		}
		if !slices.ContainsFunc(truths, func(h *state) bool {
			truth, ok := h.incidents[id]
			return ok && reflect.DeepEqual(v.Interface(), reflect.ValueOf(canonical(truth)).Field(i).Interface())
		}) {
			fields = append(fields, name)
		}
	}
	return fields
}

// wronglyCovered lists what is wrong with coverage after a round: records of
// covered groups must equal those of a healthy state and be observed in this
// round, and all others must keep their time of observation.
func (s *state) wronglyCovered(r *round, before *state, healthy ...*state) []string {
	var list []string
	fresh := map[key]bool{}
	for group := range r.covered {
		c := s.covered[group]
		for _, h := range healthy {
			for k := range h.records {
				_, excepted := c.Except[k.service]
				if slices.Contains(c.Facts, k.fact) && !excepted {
					fresh[k] = true
				}
			}
		}
	}
	for k := range fresh {
		if !slices.ContainsFunc(healthy, func(h *state) bool { return h.records[k] == s.records[k] }) {
			list = append(
				list, fmt.Sprintf("record %s is covered and is %q; the truth is %q", k, s.records[k], healthy[0].records[k]),
			)
		}
		if _, there := s.records[k]; there && !s.dated[k.fact] && !s.observed[k].Equal(r.at) {
			list = append(list, fmt.Sprintf("record %s is covered and was observed at %s, not at %s", k, s.observed[k], r.at))
		}
	}
	for k, at := range s.observed {
		if s.dated[k.fact] && slices.ContainsFunc(healthy, func(h *state) bool { return h.observed[k].Equal(at) }) {
			continue
		}
		if old, had := before.observed[k]; had && !fresh[k] && !at.Equal(old) {
			list = append(list, fmt.Sprintf("record %s is not covered and became younger, from %s to %s", k, old, at))
		}
	}
	slices.Sort(list)
	return list
}
