package store

import (
	"database/sql"
	"math"
	"time"

	"github.com/prodready/collector/evidence"
)

// defaultResolution is the least time between two rows of a double's history.
const defaultResolution = time.Hour

// current is one row of fact_values. Its times are in microseconds.
type current struct {
	value evidence.Value
	// withdrawn is the reason of a tombstone. A remembering fact keeps its value
	// when it is withdrawn.
	withdrawn            evidence.Missing
	detail               string
	since, changed, seen int64
	// held is when the value was last observed while its service is excepted.
	held sql.NullInt64
	// loggedAt is the time of the newest row of history, logged whether the
	// present value is in it.
	loggedAt sql.NullInt64
	logged   bool
}

// point is one row of history.
type point struct {
	from      int64
	value     evidence.Value
	withdrawn evidence.Missing
	// since is when the value began; NULL where that is from.
	since sql.NullInt64
}

func begun(since int64) sql.NullInt64 { return sql.NullInt64{Int64: since, Valid: true} }

// observed is what a batch says of one service and fact.
type observed struct {
	value     evidence.Value
	withdrawn evidence.Missing
	detail    string
	// since is 0 when the source leaves it to the store.
	since int64
	// seen is when it was observed; dated is set when the record has that time, and
	// it is not the time of the batch.
	seen  int64
	dated bool
}

// next is the row after an observation and what it adds to history. changed is
// false when there is nothing to write. old is nil for the first observation.
func next(
	old *current, in observed, def evidence.Definition, memory time.Duration,
) (row current, history []point, changed bool) {
	in = remember(old, in, def, memory)
	if in.withdrawn != "" {
		return withdraw(old, in, def)
	}
	had := old != nil && old.withdrawn == ""
	if had && in.dated && in.seen < old.seen {
		return *old, nil, false // a newer observation is stored already
	}
	same := had && old.value == in.value
	if in.since == 0 {
		in.since = in.seen
		if same {
			in.since = old.since
		}
	}
	if same && old.detail == in.detail && old.since == in.since && (!in.dated || old.seen == in.seen) {
		return *old, nil, false
	}
	row = following(old, in)
	if same {
		return row, row.again(old, in), true
	}
	row.changed = in.seen
	return row, row.log(old, in, def), true
}

// again is what history gets of a value that was made or observed again at a time of its
// own, from which it ages.
func (c *current) again(old *current, in observed) []point {
	if old.since == in.since && !in.dated {
		return nil
	}
	c.logged, c.loggedAt = true, sql.NullInt64{Int64: in.seen, Valid: true}
	return []point{{from: in.seen, value: in.value, since: begun(in.since)}}
}

// following is the row after old with what was observed.
func following(old *current, in observed) (row current) {
	if old != nil {
		row = *old
	}
	row.value, row.withdrawn, row.detail, row.since, row.seen = in.value, in.withdrawn, in.detail, in.since, in.seen
	if row.held.Valid {
		row.held.Int64 = in.seen
	}
	return row
}

// log is what another value adds to history: nothing, if it comes too soon after
// the newest row there.
func (c *current) log(old *current, in observed, def evidence.Definition) (history []point) {
	resolution := int64(0)
	if old != nil && old.withdrawn == "" {
		if old.value.Kind() == evidence.KindDouble && in.value.Kind() == evidence.KindDouble {
			resolution = resolutionOf(def)
		}
		if history = late(old, in.seen, resolution, def); len(history) > 0 {
			c.loggedAt = sql.NullInt64{Int64: history[0].from, Valid: true}
		}
	}
	c.logged = !c.loggedAt.Valid || in.seen >= c.loggedAt.Int64+resolution
	if c.logged {
		history = append(history, point{from: in.seen, value: in.value, since: begun(in.since)})
		c.loggedAt = sql.NullInt64{Int64: in.seen, Valid: true}
	}
	return history
}

// withdraw is next for a tombstone.
func withdraw(old *current, in observed, def evidence.Definition) (row current, history []point, changed bool) {
	if old != nil && old.withdrawn == in.withdrawn {
		return *old, nil, false
	}
	in.value, in.detail, in.since = evidence.Value{}, "", in.seen
	if old != nil && def.Remember != evidence.RememberNothing && def.Remember != evidence.RememberMean {
		in.value = old.value
	}
	row = following(old, in)
	row.changed, row.logged = in.seen, true
	if old != nil && old.withdrawn == "" {
		history = append(late(old, in.seen, 0, def), point{from: in.seen, withdrawn: in.withdrawn})
		row.loggedAt = sql.NullInt64{Int64: in.seen, Valid: true}
	}
	return row, history, true
}

// late is the row of a value that came too soon after the one before to be
// logged at once, dated when the resolution allowed it. It is left out when it
// would come too close to what follows at the given time.
func late(old *current, at, resolution int64, def evidence.Definition) []point {
	if old.logged || !old.loggedAt.Valid {
		return nil
	}
	from := max(old.changed, old.loggedAt.Int64+resolutionOf(def))
	if from >= at || from+resolution > at {
		return nil
	}
	return []point{{from: from, value: old.value, since: begun(old.since)}}
}

func resolutionOf(def evidence.Definition) int64 {
	if def.Resolution > 0 {
		return def.Resolution.Microseconds()
	}
	return defaultResolution.Microseconds()
}

// remember keeps what the source no longer has. Instants never go back. A mean is
// remembered already; see average.
func remember(old *current, in observed, def evidence.Definition, memory time.Duration) observed {
	if def.Remember == evidence.RememberNothing || def.Remember == evidence.RememberMean || in.withdrawn != "" {
		return in
	}
	known := old != nil && old.value.IsInstant()
	never := in.value.Kind() == evidence.KindDouble && math.IsInf(in.value.Number(), 1)
	switch {
	case in.value.IsInstant() || never:
		if known && (never || old.value.Number() > in.value.Number()) {
			return keep(old, in)
		}
	case def.Remember == evidence.RememberLastTrue && def.Clock == evidence.Elapsed:
		return lastTrue(old, in, memory)
	}
	return in
}

// lastTrue makes a count over a short window the time it was last above zero.
// While it has not been, that is unknown until the store has asked for as long as
// checks ask back, and never from then on.
func lastTrue(old *current, in observed, memory time.Duration) observed {
	switch {
	case in.value.Truth():
		in.value = evidence.Instant(time.UnixMicro(in.seen).Truncate(time.Minute))
		in.since = in.seen
		if old != nil && old.withdrawn == "" && old.value == in.value {
			in.since = old.since
		}
	case old != nil && old.value.IsInstant():
		return keep(old, in)
	case old != nil && (old.withdrawn == "" ||
		old.withdrawn == evidence.MissingShortMemory && in.seen-old.since >= memory.Microseconds()):
		in.value = evidence.Never()
	default:
		in.withdrawn = evidence.MissingShortMemory
	}
	return in
}

// keep is an observation with the remembered value, and with its provenance
// unless a withdrawal has removed that.
func keep(old *current, in observed) observed {
	in.value, in.since = old.value, old.since
	if old.withdrawn == "" {
		in.detail = old.detail
	}
	return in
}
