package scoring

import (
	"encoding/json"
	"fmt"
	"time"
)

// Stopwatch is a duration that changes evenly with time: it grows, shrinks or
// stands still. It says how it changes and not only what it has reached, so that
// the state of a badge is the same value for as long as nothing happens, and what
// is stored once can be read exactly at any later time.
type Stopwatch struct {
	// reached is the duration at the time at. It is not negative.
	reached time.Duration
	// at is zero while the stopwatch stands still.
	at   time.Time
	rate rate
}

// rate is by how much a stopwatch changes per unit of time.
type rate int8

const (
	backward rate = -1
	still    rate = 0
	forward  rate = 1
)

// Stopped is a stopwatch that stands still.
func Stopped(reached time.Duration) Stopwatch { return Stopwatch{reached: reached} }

// Running is a stopwatch that grows from what it had reached at a time.
func Running(reached time.Duration, at time.Time) Stopwatch {
	return Stopwatch{reached: reached, at: at, rate: forward}
}

// At is what the stopwatch shows at a time. It is not negative.
func (w Stopwatch) At(now time.Time) time.Duration {
	if w.rate == still {
		return w.reached
	}
	return max(0, w.reached+time.Duration(w.rate)*now.Sub(w.at))
}

// reaches is when a stopwatch shows a duration: 0 if it runs back, any other if it
// grows. It is never for one that stands still.
func (w Stopwatch) reaches(shows time.Duration) time.Time {
	switch w.rate {
	case forward:
		return w.at.Add(shows - w.reached)
	case backward:
		return w.at.Add(w.reached)
	}
	return never
}

// next is a stopwatch that shows a duration now and changes by a rate from now on.
// It is w itself if that is what w does.
func (w Stopwatch) next(shows time.Duration, r rate, now time.Time) Stopwatch {
	shows = max(0, shows)
	switch {
	case r == still:
		return Stopped(shows)
	case r == w.rate && w.At(now) == shows:
		return w
	}
	return Stopwatch{reached: shows, at: now, rate: r}
}

// storedStopwatch is the JSON of a stopwatch that runs. One that stands still is
// the number of nanoseconds that it has reached.
type storedStopwatch struct {
	Reached time.Duration `json:"reached"`
	At      time.Time     `json:"at"`
	Rate    rate          `json:"rate"`
}

// MarshalJSON writes the stopwatch as UnmarshalJSON reads it.
func (w Stopwatch) MarshalJSON() ([]byte, error) {
	if w.rate == still {
		return json.Marshal(w.reached)
	}
	return json.Marshal(storedStopwatch{w.reached, w.at, w.rate})
}

// UnmarshalJSON reads a stopwatch: a number of nanoseconds, or an object.
func (w *Stopwatch) UnmarshalJSON(data []byte) error {
	*w = Stopwatch{}
	if len(data) > 0 && data[0] != '{' {
		return json.Unmarshal(data, &w.reached)
	}
	var stored storedStopwatch
	if err := json.Unmarshal(data, &stored); err != nil {
		return err
	}
	if stored.Rate < backward || stored.Rate > forward {
		return fmt.Errorf("a stopwatch has rate %d, want -1, 0 or 1", stored.Rate)
	}
	*w = Stopwatch{reached: stored.Reached, at: stored.At, rate: stored.Rate}
	return nil
}
