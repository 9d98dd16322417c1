package file

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// skippedEntries is the kind under which refused entries are counted.
const skippedEntries = "entries"

// subject is a fact of a service.
type subject struct{ service, fact string }

// round collects the entries of all files of one round.
type round struct {
	source *Source
	now    time.Time
	// services are the catalog's names by name and alias.
	services map[string]string
	// newest is the newest observation of each subject.
	newest map[subject]observation
	// refused are the subjects for which an entry was refused, with the latest time at
	// which one of them may have been observed. A service or a fact that such an entry
	// does not say is empty, and means any.
	refused map[subject]time.Time
	// uncounted counts entries of services that the catalog does not have, and those
	// that were refused.
	uncounted collectors.Uncounted
	out       *collectors.Batches
}

func newRound(s *Source, req collectors.Request, out *collectors.Batches) *round {
	r := &round{
		source: s, out: out, now: req.Now, services: make(map[string]string, len(req.Services)),
		newest: map[subject]observation{}, refused: map[subject]time.Time{},
	}
	for _, service := range req.Services {
		for _, alias := range service.Aliases {
			r.services[alias] = service.Name
		}
	}
	for _, service := range req.Services {
		r.services[service.Name] = service.Name
	}
	return r
}

// add reads the entries of a file and returns what is wrong with them, by line.
func (r *round) add(file string, entries []entry) (refused []string) {
	count := func(e entry, err error) {
		r.out.Skip(skippedEntries)
		r.uncounted.Add(reasonOf(err), e.place(file), 1)
		refused = append(refused, fmt.Sprintf("line %d: %v", e.line, err))
	}
	for _, e := range entries {
		written, fact := e.names()
		service, known := r.services[written]
		s := subject{service, fact}
		o, err := e.parse(r.source.facts, r.now)
		if err != nil {
			r.refuse(e)
			count(e, err)
			continue
		}
		if !known {
			r.uncounted.Add(evidence.UncountedUnknownService, "service "+written, 1)
			continue
		}
		o.detail = provenance(file, o.detail)
		have, twice := r.newest[s]
		switch {
		case !twice || o.at.After(have.at):
			r.newest[s] = o
		case o.at.Equal(have.at) && (o.value != have.value || o.withdrawn != have.withdrawn):
			have.contradicted = true
			r.newest[s] = have
			count(e, fmt.Errorf("%s of %s is given twice for %s, with different values", s.fact, s.service,
				o.at.UTC().Format(time.RFC3339)))
		}
	}
	return refused
}

// refuse keeps what a refused entry may be about: its subject, and any service or fact in
// the place of one that it does not say as text. A name that the catalog does not have is
// of none of its services.
func (r *round) refuse(e entry) {
	written, fact := e.names()
	service, known := r.services[written]
	if !known && e.says(keyService) {
		return
	}
	s := subject{service, fact}
	if !e.says(keyFact) {
		s.fact = ""
	}
	latest := r.now
	if at, _, err := e.observedAt(); err == nil && s.service == "" && at.Before(latest) {
		latest = at
	}
	if latest.After(r.refused[s]) {
		r.refused[s] = latest
	}
}

func provenance(file, detail string) string {
	name := evidence.Clean(filepath.Base(file), 256)
	if detail == "" {
		return name
	}
	return name + ": " + detail
}

// batch is what the round has found. Services with an entry that was refused
// are excepted; those without an entry keep their last record, which ages on.
func (r *round) batch(complete bool) evidence.Batch {
	var b evidence.Batch
	for _, s := range slices.SortedFunc(maps.Keys(r.newest), bySubject) {
		o := r.newest[s]
		switch {
		case r.unclear(s):
		case o.withdrawn:
			b.Withdrawals = append(b.Withdrawals,
				evidence.Withdrawal{Service: s.service, Fact: s.fact, Reason: evidence.MissingNoData})
		default:
			b.Records = append(b.Records, evidence.Record{
				Service: s.service, Fact: s.fact, Value: o.value, Source: r.source.ID(), Detail: o.detail, ObservedAt: o.at,
			})
		}
	}
	b.Uncounted = []evidence.Uncounted{r.uncounted.Report(evidence.UncountedEntry)}
	if !complete {
		return b
	}
	for _, fact := range r.source.facts.Names() {
		c := evidence.Coverage{Group: fact, Facts: []string{fact}, At: r.now, Dated: true,
			Except: map[string]evidence.Missing{}}
		for _, service := range r.services {
			if r.unclear(subject{service, fact}) {
				c.Except[service] = evidence.MissingUndecodable
			}
		}
		b.Covered = append(b.Covered, c)
	}
	return b
}

// unclear reports whether entries that may be about the subject were refused, other than
// older ones, or contradict each other, so that its value is unknown.
func (r *round) unclear(s subject) bool {
	newest := r.newest[s]
	for _, about := range [...]subject{s, {"", s.fact}, {s.service, ""}, {}} {
		if latest, refused := r.refused[about]; refused && !latest.Before(newest.at) {
			return true
		}
	}
	return newest.contradicted
}

func bySubject(a, b subject) int {
	return cmp.Or(cmp.Compare(a.fact, b.fact), cmp.Compare(a.service, b.service))
}
