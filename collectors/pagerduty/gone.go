package pagerduty

import (
	"fmt"
	"time"

	"github.com/prodready/collector/evidence"
)

const (
	// fewGone is how many incidents may be gone at once, whatever share of all
	// they are.
	fewGone = 10
	// doubtEvery is how often a listing is asked for again that is not believed.
	doubtEvery = time.Hour
)

// sendGone withdraws incidents that a complete listing of a span of time does
// not have any more. When too many are missing it is the listing that is not
// believed.
func (r *round) sendGone(span window, seen *seenIncidents) error {
	m := r.memory.incidents
	m.doubt = nil
	if seen.nameless > 0 {
		return nil // it may be any
	}
	batch := evidence.Batch{}
	stored := 0
	var forgotten []string
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
		forgotten = append(forgotten, id)
		if k.sent != 0 {
			batch.Incidents = append(batch.Incidents, gone(m.told(k), notListed(span, r.now)))
		}
	}
	if err := tooManyGone(len(batch.Incidents), stored, span); err != nil {
		m.doubt, m.doubtAt = err, r.now
		delete(r.memory.asked, listingIncidents)
		return err
	}
	for sent := batch.Incidents; len(sent) > 0; {
		n := min(len(sent), mostSent)
		if err := r.send(evidence.Batch{Incidents: sent[:n]}); err != nil {
			return err
		}
		sent = sent[n:]
	}
	for _, id := range forgotten {
		delete(m.byID, id)
	}
	return nil
}

// tooManyGone is the error of a listing that lacks so much of what is stored
// that the credential more likely sees less than that the incidents are gone.
func tooManyGone(missing, stored int, span window) error {
	if missing <= fewGone || 5*missing <= stored {
		return nil
	}
	return incomplete("GET /incidents", fmt.Errorf(
		"%d of the %d incidents that are stored from %s to %s are not listed any more, which is more than a fifth: nothing is withdrawn; does the credential see fewer teams than before? If they were deleted, give the source another name",
		missing, stored, stamp(span.start), stamp(span.end)))
}

func notListed(span window, now time.Time) string {
	return fmt.Sprintf("not in the complete listing of %s of incidents from %s to %s", stamp(now), stamp(span.start), stamp(span.end))
}

func gone(in evidence.Incident, why string) evidence.Incident {
	in.Gone, in.GoneWhy = true, why
	return in
}

// sendAbsent withdraws incidents that only the store has as open: they are not
// among the open ones, twice in a row, and the log has not told of their end for
// as long as clocks may differ.
func (r *round) sendAbsent() error {
	m := r.memory.incidents
	batch := evidence.Batch{}
	var absent []string
	old := 0
	for id, k := range m.byID {
		if k.open() && k.sent != 0 && k.StartedAt.Before(r.factStart()) {
			old++
		}
		if k.open() && k.absent > 1 && r.now.Sub(k.absentSince) >= absentFor {
			absent = append(absent, id)
			if k.sent != 0 {
				batch.Incidents = append(batch.Incidents, gone(m.told(k), "neither open nor resolved: PagerDuty does not list it as open any more, and its log does not tell of an end"))
			}
		}
	}
	if err := tooManyGone(len(batch.Incidents), old, window{r.historyStart(), r.factStart()}); err != nil {
		return err
	}
	if len(batch.Incidents) > 0 {
		if err := r.send(batch); err != nil {
			return err
		}
	}
	for _, id := range absent {
		delete(m.byID, id)
	}
	return nil
}
