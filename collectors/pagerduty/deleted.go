package pagerduty

import (
	"fmt"
	"time"

	"github.com/prodready/collector/evidence"
)

const (
	// minDeleted is how many incidents may be missing at once, whatever share of all
	// they are.
	minDeleted = 10
	// refusedEvery is how often a listing is asked for again that is not believed.
	refusedEvery = time.Hour
)

// sendDeleted withdraws incidents that a complete listing of a span of time does
// not have any more. When too many are missing it is the listing that is not
// believed.
func (r *round) sendDeleted(span window, seen *seenIncidents) error {
	m := r.memory.incidents
	m.refusal = nil
	if seen.nameless > 0 {
		return nil // it may be any
	}
	var withdrawn []evidence.Incident
	var missing []string
	stored := 0
	for id, k := range m.byID {
		if k.StartedAt.Before(span.start) || !k.StartedAt.Before(span.end) {
			continue
		}
		if k.sent != 0 {
			stored++
		}
		if seen.ids[id] {
			continue
		}
		missing = append(missing, id)
		if k.sent != 0 {
			withdrawn = append(withdrawn, deleted(m.evidence(k), notListed(span, r.now)))
		}
	}
	if err := tooManyDeleted(len(withdrawn), stored, span); err != nil {
		m.refusal, m.refusedAt = err, r.now
		delete(r.memory.asked, listingIncidents)
		return err
	}
	if err := r.sendIncidents(withdrawn); err != nil {
		return err
	}
	for _, id := range missing {
		delete(m.byID, id)
	}
	return nil
}

// sendIncidents stores incidents that are no longer in memory.
func (r *round) sendIncidents(list []evidence.Incident) error {
	for len(list) > 0 {
		n := min(len(list), maxSent)
		if err := r.send(evidence.Batch{Incidents: list[:n]}); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// tooManyDeleted is the error of a listing that lacks so much of what is stored
// that the credential more likely sees less than that the incidents were deleted.
func tooManyDeleted(missing, stored int, span window) error {
	if missing <= minDeleted || 5*missing <= stored {
		return nil
	}
	return incomplete("GET /incidents", fmt.Errorf(
		"%d of the %d incidents that are stored from %s to %s are not listed any more, which is more than a fifth: "+
			"nothing is withdrawn; does the credential see fewer teams than before? "+
			"If they were deleted, give the source another name",
		missing, stored, stamp(span.start), stamp(span.end)))
}

func notListed(span window, now time.Time) string {
	const format = "not in the complete listing of %s of incidents from %s to %s"
	return fmt.Sprintf(format, stamp(now), stamp(span.start), stamp(span.end))
}

func deleted(in evidence.Incident, why string) evidence.Incident {
	in.Gone, in.GoneWhy = true, why
	return in
}

// sendAbsent withdraws incidents that only the store has as open: they are not
// among the open ones, twice in a row, and the log has had no end of them for as
// long as clocks may differ.
func (r *round) sendAbsent() error {
	m := r.memory.incidents
	var withdrawn []evidence.Incident
	var absent []string
	old := 0
	for id, k := range m.byID {
		if k.open() && k.sent != 0 && k.StartedAt.Before(r.factStart()) {
			old++
		}
		if k.open() && k.absent > 1 && r.now.Sub(k.absentSince) >= absentFor {
			absent = append(absent, id)
			if k.sent != 0 {
				withdrawn = append(withdrawn, deleted(m.evidence(k),
					"neither open nor resolved: PagerDuty does not list it as open any more, and its log does not tell of an end"))
			}
		}
	}
	if err := tooManyDeleted(len(withdrawn), old, window{r.historyStart(), r.factStart()}); err != nil {
		return err
	}
	if err := r.sendIncidents(withdrawn); err != nil {
		return err
	}
	for _, id := range absent {
		delete(m.byID, id)
	}
	return nil
}
