package prometheus

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
)

// alertSeries is one alert and the instants at which it fired.
type alertSeries struct {
	fingerprint, alert, severity string
	paging                       bool
	services                     []string
	// at are the instants, ascending.
	at []time.Time
}

// episodes joins instants to firings, across the pieces of a history. What it
// says depends on the instants alone and not on where pieces end: a firing is
// over when its alert was not seen for more than alertGap.
type episodes struct {
	source string
	open   map[string]*episode
}

// episode is a firing that is not over.
type episode struct {
	evidence.AlertFiring
	last time.Time
}

// newEpisodes goes on where stored firings were left. They were last seen within
// alertGap of the time until which the history was read, or they would have been
// over; the next piece begins early enough to show when.
func newEpisodes(source string, open []evidence.AlertFiring, read time.Time) *episodes {
	e := &episodes{source: source, open: map[string]*episode{}}
	for _, f := range open {
		last := read.Add(-alertGap)
		if last.Before(f.StartedAt) {
			last = f.StartedAt
		}
		e.open[f.Fingerprint] = &episode{AlertFiring: f, last: last}
	}
	return e
}

// advance takes in what was seen up to an instant and returns the firings that
// it tells of, those that are over by then and those that are not, by
// fingerprint and start.
func (e *episodes) advance(series []alertSeries, until time.Time) []evidence.AlertFiring {
	var told []evidence.AlertFiring
	for _, s := range series {
		current := e.open[s.fingerprint]
		for _, at := range s.at {
			if at.After(until) {
				break
			}
			if current != nil && at.Sub(current.last) > alertGap {
				told = append(told, current.over())
				current = nil
			}
			if current == nil {
				current = &episode{AlertFiring: evidence.AlertFiring{Source: e.source, Fingerprint: s.fingerprint, StartedAt: at},
					last: at}
				e.open[s.fingerprint] = current
			}
			if at.After(current.last) {
				current.last = at
			}
			// Who an alert is about may have been learned since it began.
			current.Alert, current.Severity, current.Paging, current.Services = s.alert, s.severity, s.paging, s.services
		}
	}
	for _, fingerprint := range slices.Sorted(maps.Keys(e.open)) {
		current := e.open[fingerprint]
		if until.Sub(current.last) > alertGap {
			told = append(told, current.over())
			delete(e.open, fingerprint)
			continue
		}
		told = append(told, current.AlertFiring)
	}
	slices.SortFunc(told, func(a, b evidence.AlertFiring) int {
		if c := strings.Compare(a.Fingerprint, b.Fingerprint); c != 0 {
			return c
		}
		return a.StartedAt.Compare(b.StartedAt)
	})
	return told
}

// over is the firing with its end: the first instant at which it was not seen.
func (e *episode) over() evidence.AlertFiring {
	f := e.AlertFiring
	f.EndedAt = e.last.Add(alertStep)
	return f
}
