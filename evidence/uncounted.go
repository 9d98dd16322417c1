package evidence

import (
	"cmp"
	"maps"
	"slices"
)

// Uncounted counts what one listing of a source has found and could not use, or
// could use only in part: a ticket of a component that no service has, an
// incident that ended before it began. It shows gaps in the catalog and faults in
// the data of the source.
type Uncounted struct {
	// Kind is what was found.
	Kind UncountedKind `json:"kind"`
	// Total is how many there are.
	Total int `json:"total"`
	// Reasons splits Total up. It is empty when there are none.
	Reasons map[UncountedReason]int `json:"reasons"`
	// Largest are the ten largest groups, the largest first.
	Largest []UncountedGroup `json:"largest"`
}

// UncountedKind is what a source has found and could not use. The set is closed.
type UncountedKind string

// The kinds.
const (
	// UncountedSeries are series of Prometheus.
	UncountedSeries UncountedKind = "series"
	// UncountedRule are alerting and recording rules of Prometheus.
	UncountedRule UncountedKind = "rule"
	// UncountedAlert are alerts of Prometheus that fired within the last 31 days, or
	// within the configured history if that is longer.
	UncountedAlert UncountedKind = "alert"
	// UncountedTicket are issues of Jira.
	UncountedTicket UncountedKind = "ticket"
	// UncountedIncident are incidents of PagerDuty.
	UncountedIncident UncountedKind = "incident"
	// UncountedEntry are entries of a file.
	UncountedEntry UncountedKind = "entry"
	// UncountedEntity are entities of catalog files and of discovery.
	UncountedEntity UncountedKind = "entity"
)

// UncountedKinds lists the closed set.
func UncountedKinds() []UncountedKind {
	return []UncountedKind{UncountedSeries, UncountedRule, UncountedAlert, UncountedTicket, UncountedIncident,
		UncountedEntry, UncountedEntity}
}

// UncountedGroup are records of one kind with one name that could not be used for
// one reason.
type UncountedGroup struct {
	// Name is what a person looks for in the catalog or in the source: workload
	// shop/cart, INC-12.
	Name string `json:"name"`
	// Reason is why they could not be used.
	Reason UncountedReason `json:"reason"`
	// Count is how many there are.
	Count int `json:"count"`
}

// Compare orders groups: the largest first, then by name and reason.
func (g UncountedGroup) Compare(other UncountedGroup) int {
	return cmp.Or(cmp.Compare(other.Count, g.Count), cmp.Compare(g.Name, other.Name),
		cmp.Compare(g.Reason, other.Reason))
}

// UncountedReason is why something that a source has found could not be used. The
// set is closed.
type UncountedReason string

// The reasons.
const (
	// UncountedUnknownService is something of a service that the catalog does not
	// have.
	UncountedUnknownService UncountedReason = "unknown_service"
	// UncountedNoReference is something without anything that the catalog could
	// name.
	UncountedNoReference UncountedReason = "no_reference"
	// UncountedEndBeforeStart ended before it began, so that it has no duration.
	UncountedEndBeforeStart UncountedReason = "end_before_start"
	// UncountedEndUnknown has ended, and when is not known.
	UncountedEndUnknown UncountedReason = "end_unknown"
	// UncountedInFuture has a time that has not come yet.
	UncountedInFuture UncountedReason = "in_future"
	// UncountedNotAnInstant has a day where an instant is needed.
	UncountedNotAnInstant UncountedReason = "not_an_instant"
	// UncountedUnknownTarget was merged into something that is not known.
	UncountedUnknownTarget UncountedReason = "unknown_target"
	// UncountedUnreadable could not be understood.
	UncountedUnreadable UncountedReason = "unreadable"
	// UncountedUnmappedSeverity has a severity or priority that no setting maps to a
	// number.
	UncountedUnmappedSeverity UncountedReason = "unmapped_severity"
	// UncountedTemplate is a file or entity with placeholders that have no values.
	UncountedTemplate UncountedReason = "template"
	// UncountedNoTier is an entity without a tier.
	UncountedNoTier UncountedReason = "no_tier"
	// UncountedSameName is an entity with the name of another.
	UncountedSameName UncountedReason = "same_name"
	// UncountedBadValue has a value that cannot be used.
	UncountedBadValue UncountedReason = "bad_value"
	// UncountedNotFollowed names a file that cannot be read from here.
	UncountedNotFollowed UncountedReason = "not_followed"
	// UncountedUnknownCheck is about a check that the framework does not have.
	UncountedUnknownCheck UncountedReason = "unknown_check"
	// UncountedUndecided waits for an approval, or was opened again.
	UncountedUndecided UncountedReason = "undecided"
	// UncountedDeclined was closed without an approval.
	UncountedDeclined UncountedReason = "declined"
	// UncountedNotApproved was closed by the person who asked, by a program or by
	// nobody who is known, or was changed after it was approved.
	UncountedNotApproved UncountedReason = "not_approved"
	// UncountedNoLastDay has no last day.
	UncountedNoLastDay UncountedReason = "no_last_day"
	// UncountedTooLong lasts longer than is allowed.
	UncountedTooLong UncountedReason = "too_long"
	// UncountedOver has ended.
	UncountedOver UncountedReason = "over"
)

// UncountedReasons lists the closed set.
func UncountedReasons() []UncountedReason {
	return []UncountedReason{
		UncountedUnknownService, UncountedNoReference, UncountedEndBeforeStart, UncountedEndUnknown, UncountedInFuture,
		UncountedNotAnInstant, UncountedUnknownTarget, UncountedUnreadable, UncountedUnmappedSeverity,
		UncountedTemplate, UncountedNoTier, UncountedSameName, UncountedBadValue, UncountedNotFollowed,
		UncountedUnknownCheck, UncountedUndecided, UncountedDeclined, UncountedNotApproved, UncountedNoLastDay,
		UncountedTooLong, UncountedOver,
	}
}

// Text says what the reason means, as the end of a sentence that begins with a
// number or a name: of no service in the catalog.
func (r UncountedReason) Text() string {
	text, known := map[UncountedReason]string{
		UncountedUnknownService:   "of no service in the catalog",
		UncountedNoReference:      "without anything that the catalog could name",
		UncountedEndBeforeStart:   "ended before they began",
		UncountedEndUnknown:       "ended at an unknown time",
		UncountedInFuture:         "with a time in the future",
		UncountedNotAnInstant:     "with a day where an instant is needed",
		UncountedUnknownTarget:    "merged into something that is not known",
		UncountedUnreadable:       "could not be read",
		UncountedUnmappedSeverity: "with a severity that no setting maps",
		UncountedTemplate:         "with placeholders that have no values",
		UncountedNoTier:           "without a tier",
		UncountedSameName:         "with the name of another",
		UncountedBadValue:         "with a value that cannot be used",
		UncountedNotFollowed:      "naming a file that cannot be read from here",
		UncountedUnknownCheck:     "for no check of the framework",
		UncountedUndecided:        "waiting for an approval",
		UncountedDeclined:         "declined",
		UncountedNotApproved:      "not approved by a second person as they are now",
		UncountedNoLastDay:        "without a due date",
		UncountedTooLong:          "lasting longer than the framework allows",
		UncountedOver:             "over",
	}[r]
	if !known {
		return string(r)
	}
	return text
}

// Clone copies it, so that the copy shares nothing with the original.
func (u Uncounted) Clone() Uncounted {
	u.Reasons, u.Largest = maps.Clone(u.Reasons), slices.Clone(u.Largest)
	return u
}
