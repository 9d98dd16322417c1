package scoring

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestAStopwatchShowsTheSumOfItsSteps moves a stopwatch by steps at random rates and
// compares what it shows with their sum. It is the same value for as long as the
// rate is, and its JSON is read back as it was.
func TestAStopwatchShowsTheSumOfItsSteps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
		var w Stopwatch
		var sum time.Duration
		previous, moved := still, true
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			before, last := w, now
			step := time.Duration(rapid.IntRange(0, 5000).Draw(t, "step")) * time.Second
			rate := rate(rapid.IntRange(-1, 1).Draw(t, "rate"))
			now = now.Add(step)
			reached := sum + time.Duration(rate)*step
			clamped := reached < 0
			sum = max(0, reached)
			w = w.next(w.At(last)+time.Duration(rate)*step, rate, now)
			if got := w.At(now); got != sum {
				t.Fatalf("shows %s, want %s", got, sum)
			}
			if rate == previous && !moved && !clamped && w != before {
				t.Fatalf("%+v goes on as before and is now %+v", before, w)
			}
			previous, moved = rate, false
			data, err := json.Marshal(w)
			if err != nil {
				t.Fatal(err)
			}
			var read Stopwatch
			if err := json.Unmarshal(data, &read); err != nil || read != w {
				t.Fatalf("%s is read as %+v, %v, want %+v", data, read, err, w)
			}
		}
	})
}

func TestStopwatchesOfEarlierReleases(t *testing.T) {
	var w Stopwatch
	if err := json.Unmarshal([]byte("420000000000"), &w); err != nil || w != Stopped(7*time.Minute) {
		t.Errorf("a number of nanoseconds is read as %+v, %v", w, err)
	}
	for _, wrong := range []string{`"7m"`, `{"rate":2}`, `{"at":7}`, `[]`} {
		if err := json.Unmarshal([]byte(wrong), &w); err == nil {
			t.Errorf("%s is read as %+v", wrong, w)
		}
	}
}
