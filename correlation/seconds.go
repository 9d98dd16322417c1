package correlation

import (
	"math"
	"time"
)

// never is the second of what does not come.
const never = math.MaxUint32

// secondOf is the second of a time, as far as there is a number for it. Who waits for a
// second has to look at the time itself then: it is not before the second, and may be
// later.
func secondOf(t time.Time) uint32 { return uint32(min(max(t.Unix(), 0), never-1)) }

// mayBePast reports whether the time of a second may be over.
func mayBePast(second uint32, now time.Time) bool {
	return second != never && (second == 0 || int64(second) <= now.Unix())
}

// nanoseconds are those since 1970. What has too many for a number is as far away as one
// can say.
func nanoseconds(at time.Time) int64 {
	switch year := at.Year(); {
	case year > 2261:
		return math.MaxInt64
	case year < 1678:
		return math.MinInt64
	}
	return at.UnixNano()
}
