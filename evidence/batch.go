package evidence

// Batch is a part of a round that is stored in one transaction.
type Batch struct {
	Records     []Record
	Withdrawals []Withdrawal
	Incidents   []Incident
	// LogEntries are what happened to incidents; the incidents need not be stored.
	LogEntries []LogEntry
	Reviews    []Review
	// Feedback replaces the stored feedback of the source. Nil leaves the stored
	// feedback as it is; an empty list deletes it.
	Feedback []Feedback
	// Alerts are firings that are new or have changed, by source, fingerprint and
	// start. AlertSight says when the source was watching for them; nil changes
	// nothing.
	Alerts     []AlertFiring
	AlertSight *AlertSight
	// Covered are the fact groups that are complete with this batch.
	Covered []Coverage
	// Cursors to store with the batch; an empty value deletes one.
	Cursors map[string]string
	// Skipped counts objects that could not be decoded, by kind. The other objects of
	// their page are used.
	Skipped map[string]int
	// Unmatched are the series of the whole round that belong to no service; nil
	// when that is unknown, or the source has no series.
	Unmatched *Unmatched
}

// Unmatched counts the series of a source that belong to no service of the
// catalog. The usual reason is that the catalog lacks a service or a reference.
type Unmatched struct {
	// Series is how many there are.
	Series int `json:"series"`
	// Largest are the ten largest groups of them, the largest first.
	Largest []UnmatchedGroup `json:"largest"`
}

// UnmatchedGroup are series that would belong to one service.
type UnmatchedGroup struct {
	// Name is what would identify the service in the catalog: workload shop/cart.
	Name string `json:"name"`
	// Series is how many there are.
	Series int `json:"series"`
}
