package prometheus

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/evidence"
)

// alertSeries is one alert and the instants at which it fired.
type alertSeries struct {
	fingerprint, alert, severity string
	paging                       bool
	// services are those that it is about, by the labels after relabelling.
	services []string
	labels   model.Metric
	// at are the instants, ascending.
	at []time.Time
}

// openFirings joins instants to firings, across the parts of a history. The result
// depends on the instants alone and not on where parts end: a firing is over when
// its alert was not seen for more than alertGap.
type openFirings struct {
	source string
	// open are the firings by fingerprint.
	open map[string]*openFiring
}

// openFiring is a firing that is not over.
type openFiring struct {
	evidence.AlertFiring
	last time.Time
}

// newOpenFirings continues the stored firings that are open. They were last seen
// within alertGap of the time until which the history was read, or they would be
// over; the next part begins early enough to show when.
func newOpenFirings(source string, open []evidence.AlertFiring, read time.Time) *openFirings {
	o := &openFirings{source: source, open: map[string]*openFiring{}}
	for _, f := range open {
		last := read.Add(-alertGap)
		if last.Before(f.StartedAt) {
			last = f.StartedAt
		}
		o.open[f.Fingerprint] = &openFiring{AlertFiring: f, last: last}
	}
	return o
}

// advance reads what was seen up to an instant and returns the firings that it
// shows, those that are over by then and those that are not, by fingerprint and
// start.
func (o *openFirings) advance(series []alertSeries, until time.Time) []evidence.AlertFiring {
	var firings []evidence.AlertFiring
	for _, s := range series {
		current := o.find(s)
		for _, at := range s.at {
			if at.After(until) {
				break
			}
			if current != nil && at.Sub(current.last) > alertGap {
				firings = append(firings, current.ended())
				current = nil
			}
			if current == nil {
				firing := evidence.AlertFiring{Source: o.source, Fingerprint: s.fingerprint, StartedAt: at}
				current = &openFiring{AlertFiring: firing, last: at}
				o.open[s.fingerprint] = current
			}
			if at.After(current.last) {
				current.last = at
			}
			// The catalog may have changed since the alert began.
			current.Alert, current.Severity, current.Paging, current.Services = s.alert, s.severity, s.paging, s.services
		}
	}
	for fingerprint, current := range o.open {
		if until.Sub(current.last) > alertGap {
			firings = append(firings, current.ended())
			delete(o.open, fingerprint)
			continue
		}
		firings = append(firings, current.AlertFiring)
	}
	slices.SortFunc(firings, func(a, b evidence.AlertFiring) int {
		return cmp.Or(strings.Compare(a.Fingerprint, b.Fingerprint), a.StartedAt.Compare(b.StartedAt))
	})
	return firings
}

// find is the open firing of an alert, or nil. One whose stored fingerprint was made
// of all labels is continued by the first alert of its name and services.
func (o *openFirings) find(s alertSeries) *openFiring {
	if current := o.open[s.fingerprint]; current != nil {
		return current
	}
	for _, fingerprint := range slices.Sorted(maps.Keys(o.open)) {
		f := o.open[fingerprint]
		if isOfAllLabels(fingerprint) && f.Alert == s.alert && f.Severity == s.severity &&
			slices.Equal(f.Services, s.services) {
			delete(o.open, fingerprint)
			o.open[s.fingerprint] = f
			return f
		}
	}
	return nil
}

// ended is the firing with its end: the first instant at which it was not seen.
func (o *openFiring) ended() evidence.AlertFiring {
	f := o.AlertFiring
	f.EndedAt = o.last.Add(alertStep)
	return f
}
