package pagerduty

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

const (
	// minDeleted is how many incidents may be missing at once, whatever share of all
	// they are.
	minDeleted = 10
	// refusedEvery is how often a listing is repeated in which too many incidents were
	// missing.
	refusedEvery = time.Hour
)

// withdrawUnlisted withdraws the incidents of a span of time that a complete
// listing of it does not have any more.
func (r *round) withdrawUnlisted(span window, seen *idSet) error {
	m := r.memory.incidents
	m.refusal = nil
	if seen.nameless > 0 {
		return nil // it may be any
	}
	within := func(k *trackedIncident) bool { return span.holds(k.StartedAt) }
	listed := func(k *trackedIncident) bool { return seen.ids[k.ID] }
	err := r.withdrawMissing(span, within, listed, notListed(span, r.now))
	if failed, ok := errors.AsType[*collectors.CallError](err); ok && failed.Reason == evidence.ReasonIncomplete {
		m.refusal, m.refusedAt = err, r.now
		delete(r.memory.asked, listingIncidents)
	}
	return err
}

// withdrawAbsent withdraws old incidents that only the store has as open: they are
// not among the open ones, twice in a row, and the log has had no end of them for
// as long as clocks may differ.
func (r *round) withdrawAbsent() error {
	old := func(k *trackedIncident) bool { return k.Open() && k.StartedAt.Before(r.factStart()) }
	listed := func(k *trackedIncident) bool { return k.absent <= 1 || r.now.Sub(k.absentSince) < absentFor }
	const why = "neither open nor resolved: PagerDuty does not list it as open any more, and its log does not tell of an end"
	return r.withdrawMissing(window{r.historyStart(), r.factStart()}, old, listed, why)
}

// withdrawMissing withdraws those of the incidents in memory that are not listed
// and removes them from memory. among says which the listing should have. When too
// many are missing, nothing is withdrawn and the error's reason is incomplete.
func (r *round) withdrawMissing(
	span window, among, listed func(*trackedIncident) bool, why string,
) error {
	m := r.memory.incidents
	var missing []evidence.Incident
	stored := 0
	for _, k := range m.byID {
		if k.sent == 0 || !among(k) {
			continue
		}
		stored++
		if !listed(k) {
			missing = append(missing, m.evidence(k))
		}
	}
	if err := tooManyDeleted(len(missing), stored, span); err != nil {
		return err
	}
	if err := r.withdraw(missing, why); err != nil {
		return err
	}
	maps.DeleteFunc(m.byID, func(_ string, k *trackedIncident) bool { return among(k) && !listed(k) })
	return nil
}

// withdraw stores that PagerDuty does not have the incidents any more, and why this
// is known.
func (r *round) withdraw(list []evidence.Incident, why string) error {
	for part := range slices.Chunk(list, maxSent) {
		for i := range part {
			part[i].Gone, part[i].GoneWhy = true, why
		}
		if err := r.out.Send(evidence.Batch{Incidents: part}); err != nil {
			return err
		}
		for _, gone := range part {
			delete(r.memory.incidents.storedParts, gone.ID)
			delete(r.memory.incidents.targets, gone.ID)
		}
	}
	return nil
}

// tooManyDeleted is the error of a listing that lacks so much of what is stored
// that the credential more likely sees less than that the incidents were deleted.
func tooManyDeleted(missing, stored int, span window) error {
	if missing <= minDeleted || 5*missing <= stored {
		return nil
	}
	return incomplete("GET /incidents",
		"%d of the %d incidents that are stored from %s to %s are not listed any more, which is more than a fifth: "+
			"nothing is withdrawn; does the credential see fewer teams than before? "+
			"If they were deleted, give the source another name",
		missing, stored, stamp(span.start), stamp(span.end))
}

func notListed(span window, now time.Time) string {
	const format = "not in the complete listing of %s of incidents from %s to %s"
	return fmt.Sprintf(format, stamp(now), stamp(span.start), stamp(span.end))
}
