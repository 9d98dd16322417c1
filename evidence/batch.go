package evidence

import "time"

// Batch is a part of a round that is stored in one transaction.
type Batch struct {
	Records     []Record
	Withdrawals []Withdrawal
	Incidents   []Incident
	// LogEntries are what happened to incidents; the incidents need not be stored.
	LogEntries []LogEntry
	// IncidentDoubts replaces the stored doubts of the source. Nil leaves them as they
	// are; an empty list deletes them.
	IncidentDoubts []IncidentDoubt
	Reviews        []Review
	// Feedback replaces the stored feedback of the source. Nil leaves the stored
	// feedback as it is; an empty list deletes it.
	Feedback []Feedback
	// Exemptions replaces the stored exemptions of the source that tickets ask for. Nil
	// leaves them as they are; an empty list deletes them.
	Exemptions []TicketExemption
	// Alerts are firings that are new or have changed, by source, fingerprint and
	// start. AlertSight says when the source was watching for them; nil changes
	// nothing.
	Alerts     []AlertFiring
	AlertSight *AlertSight
	// AlertDoubts replaces the stored services of which more alerts may have fired: some
	// name no service and may be theirs. It has the time at which the newest of them may
	// have fired, which may be up to a day late. Nil leaves the stored ones as they are; an
	// empty map deletes them.
	AlertDoubts map[string]time.Time
	// Covered are the fact groups that are complete with this batch.
	Covered []Coverage
	// Cursors to store with the batch; an empty value deletes one.
	Cursors map[string]string
	// Skipped counts objects that could not be decoded, by kind. The other objects of
	// their page are used.
	Skipped map[string]int
	// Uncounted are what could not be used, by kind. Each replaces the stored one of its
	// kind; a kind that is not listed keeps what is stored.
	Uncounted []Uncounted
}
