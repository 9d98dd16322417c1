package collectors

import (
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
)

// maxRecords bounds the records that are committed together, so that a commit is
// quick; maxDetail bounds the provenance of one, in bytes.
const (
	maxRecords = 5000
	maxDetail  = 500
)

// Batches makes the batches of one round of a source and emits them.
type Batches struct {
	source  string
	request Request
	emit    func(evidence.Batch) error
	skipped map[string]int
	// exemplified are the kinds of which an object was skipped in the round.
	exemplified map[string]bool
}

// NewBatches makes the batches of a round of the source with the id. Records are
// dated by req.Now.
func NewBatches(source string, req Request, emit func(evidence.Batch) error) *Batches {
	return &Batches{source: source, request: req, emit: emit, skipped: map[string]int{},
		exemplified: map[string]bool{}}
}

// Skip counts an object that could not be decoded, by kind, and reports whether it is
// the first of its kind in the round: that one is worth a line in the log, as an
// example. The count goes out with the next batch.
func (b *Batches) Skip(kind string) (first bool) {
	b.skipped[kind]++
	first = !b.exemplified[kind]
	b.exemplified[kind] = true
	return first
}

// Pending reports whether objects were skipped since the last batch.
func (b *Batches) Pending() bool { return len(b.skipped) > 0 }

// Send emits a batch, in several parts where it has many records: what it covers
// comes with the last. The error is a *CallError.
func (b *Batches) Send(batch evidence.Batch) error {
	for kind, n := range b.skipped {
		if batch.Skipped == nil {
			batch.Skipped = map[string]int{}
		}
		batch.Skipped[kind] += n
	}
	b.skipped = map[string]int{}
	for len(batch.Records) > maxRecords {
		if err := b.commit(evidence.Batch{Records: batch.Records[:maxRecords]}); err != nil {
			return err
		}
		batch.Records = batch.Records[maxRecords:]
	}
	return b.commit(batch)
}

func (b *Batches) commit(batch evidence.Batch) error {
	if err := b.emit(batch); err != nil {
		return Failed(evidence.ReasonStore, "store batch of "+b.source, "%w", err)
	}
	return nil
}

// Answer is what a source found out about one fact of one service.
type Answer struct {
	// Value is the observed value. An invalid one, without a reason in Missing,
	// makes no record and leaves the service covered.
	Value evidence.Value
	// Detail is the provenance; it is cut where it is too long.
	Detail string
	// Since is when the value was first true; zero leaves that to the store.
	Since time.Time
	// Missing says why the facts of the group are unknown for the service; empty
	// when they are known.
	Missing evidence.Missing
	// Withdraw says why this fact has no value although those of the group are known:
	// its earlier record is withdrawn. Empty when there is a value.
	Withdraw evidence.Missing
}

// Observe emits the facts of a group for every service of the request, and the
// group as covered. Services with a missing answer are excepted, with its reason.
func (b *Batches) Observe(group string, facts []string, answer func(s *catalog.Service, fact string) Answer) error {
	coverage := evidence.Coverage{Group: group, Facts: facts, At: b.request.Now, Except: map[string]evidence.Missing{}}
	var batch evidence.Batch
	for _, service := range b.request.Services {
		records, withdrawals := len(batch.Records), len(batch.Withdrawals)
		for _, fact := range facts {
			a := answer(service, fact)
			if a.Missing != "" {
				coverage.Except[service.Name] = a.Missing
				batch.Records, batch.Withdrawals = batch.Records[:records], batch.Withdrawals[:withdrawals]
				break
			}
			if a.Withdraw != "" {
				withdrawal := evidence.Withdrawal{Service: service.Name, Fact: fact, Reason: a.Withdraw}
				batch.Withdrawals = append(batch.Withdrawals, withdrawal)
			} else if a.Value.Kind() != evidence.KindInvalid {
				batch.Records = append(batch.Records, evidence.Record{
					Service: service.Name, Fact: fact, Value: a.Value, Source: b.source,
					Detail: evidence.Clean(a.Detail, maxDetail), Since: a.Since, ObservedAt: b.request.Now,
				})
			}
		}
	}
	batch.Covered = []evidence.Coverage{coverage}
	return b.Send(batch)
}
