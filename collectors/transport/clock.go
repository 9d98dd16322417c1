package transport

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// clockOffset is by how much this machine's clock is ahead of the server's, which is
// below zero if it is behind. It is known only if the answer has a Date. An answer
// that a cache has kept is as old as its Age says.
func clockOffset(answer http.Header, sent, received time.Time) (offset time.Duration, known bool) {
	date, err := http.ParseTime(answer.Get("Date"))
	if err != nil {
		return 0, false
	}
	if age, err := strconv.ParseUint(answer.Get("Age"), 10, 31); err == nil {
		date = date.Add(time.Duration(age) * time.Second)
	}
	// The server made the answer between the two times: nothing is off in between.
	// Its Date has no fraction of a second.
	sent, received = sent.Round(0), received.Round(0)
	switch end := date.Add(time.Second); {
	case sent.After(end):
		offset = sent.Sub(end)
	case received.Before(date):
		offset = received.Sub(date)
	}
	return offset.Round(time.Second), true
}

// checkClock refuses an answer if this machine's clock is far from the server's. What
// is in it was to be dated by the one and compared with the other: it would look old or
// to come, and a cursor beyond it would lose what happens until then.
func checkClock(call string, offset time.Duration) *collectors.CallError {
	switch {
	case offset > evidence.MaxClockSkew:
		return collectors.Failed(evidence.ReasonClock, call,
			"this machine's clock is %s ahead of the server's", offset)
	case offset < -evidence.MaxClockSkew:
		return collectors.Failed(evidence.ReasonClock, call, "this machine's clock is %s behind the server's", -offset)
	}
	return nil
}
