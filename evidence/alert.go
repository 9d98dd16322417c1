package evidence

import "time"

// AlertFiring is one time that one alert fired, from the first moment it was
// seen firing to the first at which it was not. Both are as exact as the step at
// which the source was asked, about a minute.
type AlertFiring struct {
	// Source is the instance that saw it: prometheus/main.
	Source string `json:"-"`
	// Fingerprint is made of the alert's labels alone, so that the same alert has
	// the same one whenever it fires. Fingerprint and StartedAt identify a firing
	// of the source.
	Fingerprint string `json:"-"`
	// Alert is the name of the alert: CheckoutErrorsHigh.
	Alert string `json:"alert"`
	// Services are the catalog names of the services that the labels name, sorted;
	// never empty.
	Services []string `json:"services"`
	// Severity is the label severity, in the company's own words; empty if none.
	Severity string `json:"severity,omitempty"`
	// Paging marks alerts whose severity pages a person.
	Paging bool `json:"paging"`
	// StartedAt is when it was first seen firing; always set. A firing that had begun
	// before the source was first asked may have an earlier start.
	StartedAt time.Time `json:"started_at"`
	// EndedAt is zero while it fires.
	EndedAt time.Time `json:"ended_at,omitzero"`
}

// AlertSight says when a source was watching for alerts, and for which services its
// answer was read. At other times, and for other services, it is unknown whether an
// alert fired.
type AlertSight struct {
	// Spans are when the source was watching, by start; they do not overlap.
	Spans []Span
	// Services are those that alerts were matched to, by name, with a digest of what
	// identifies them. A service that is new, or has another digest than before, has
	// been watched only since Since.
	Services map[string]string
	// Since is the beginning of the answer.
	Since time.Time
}

// Span is a time from From, included, until Until, excluded.
type Span struct{ From, Until time.Time }

// Duration is how long the span is.
func (s Span) Duration() time.Duration { return s.Until.Sub(s.From) }
