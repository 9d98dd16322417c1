// Package evidence holds the basic types of the collector: what a fact is, what was
// observed, when, and by which source. It does no I/O and judges nothing.
package evidence

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Record is one observed value of a fact about a service. An observed absence
// (no runbook, zero incidents) is a record too; missing evidence has none.
type Record struct {
	// Service is the catalog name of the service.
	Service string
	// Fact is the name of a Definition.
	Fact string
	// Value is what was observed.
	Value Value
	// Source is the instance that observed it: pagerduty/main.
	Source string
	// Detail is the provenance: the object or query behind the value, so that a reader
	// can find it. It never has a person's name or address.
	Detail string
	// Since is when the value was first observed without interruption.
	Since time.Time
	// ObservedAt is the newest run that covered the fact's group and did not except
	// the service; in a Dated group, the time in the record.
	ObservedAt time.Time
}

// Withdrawal ends a record: the source no longer has the object behind it, so that
// the last value no longer counts either.
type Withdrawal struct {
	Service, Fact string
	Reason        Missing
}

// Missing says why there is no value. The set is closed: it serves reports,
// logs and metrics.
type Missing string

// The reasons for missing evidence.
const (
	MissingNoData       Missing = "no_data"       // the source answered and has no data of the service
	MissingNoReference  Missing = "no_reference"  // the catalog lacks the key for this source
	MissingNotFound     Missing = "not_found"     // the referenced object does not exist
	MissingUnknownKey   Missing = "unknown_key"   // no integration has the key that the catalog gives
	MissingNaN          Missing = "nan"           // the answer is not a number
	MissingTooFew       Missing = "too_few"       // too few events for a statistic
	MissingUndecodable  Missing = "undecodable"   // the object could not be read
	MissingShortMemory  Missing = "short_memory"  // the source's data is shorter than the window
	MissingNotCollected Missing = "not_collected" // the source has not answered, or not yet
	MissingExpired      Missing = "expired"       // the last value is older than valid_for
	MissingPartial      Missing = "partial"       // a part of the expected answers is missing
	MissingNoSource     Missing = "no_source"     // no configured source gives this fact
	MissingUncounted    Missing = "uncounted"     // something was found that may count, and could not be used
)

// Coverage says that a run has answered completely for a group of facts:
// the answer is complete for every service that is not excepted, with or without a
// record.
type Coverage struct {
	// Group names facts that are answered together. A fact belongs to exactly
	// one group of its source.
	Group string `json:"group"`
	// Facts are the facts of the group.
	Facts []string `json:"facts"`
	// At is the time the group was observed.
	At time.Time `json:"-"`
	// Dated marks a group whose records have the time of their observation in
	// ObservedAt. A run that reads the same record again does not renew it: the record
	// ages from that time.
	Dated bool `json:"dated,omitempty"`
	// Except lists the services for which the run has no answer, with the reason.
	// Their last records age on.
	Except map[string]Missing `json:"except,omitempty"`
}

// Clean makes text from outside storable in every database: valid UTF-8,
// without NUL, at most limit bytes.
func Clean(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(s, "\x00", "")
	if len(s) <= limit {
		return s
	}
	s = s[:limit]
	for len(s) > 0 && !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}
