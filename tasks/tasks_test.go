package tasks

import (
	"testing"
	"time"

	"github.com/robfig/cron/v3"
)

func TestDue(t *testing.T) {
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for _, test := range []struct {
		schedule, last, now string
		want                bool
	}{
		{"*/5 * * * *", "2026-03-02T10:00:07Z", "2026-03-02T10:04:00Z", false},
		{"*/5 * * * *", "2026-03-02T10:00:07Z", "2026-03-02T10:05:00Z", true},
		// A process that is half a second early takes its turn all the same.
		{"*/5 * * * *", "2026-03-02T10:00:07Z", "2026-03-02T10:04:59.5Z", true},
		{"@every 5m", "2026-03-02T10:00:07Z", "2026-03-02T10:05:00Z", true},
		{"@every 5m", "2026-03-02T10:00:07Z", "2026-03-02T10:03:00Z", false},
		{"@daily", "2026-03-01T00:00:07Z", "2026-03-01T23:58:00Z", false},
		{"@daily", "2026-03-01T00:00:07Z", "2026-03-01T23:59:30Z", true},
		// In the night of 29 March 2026 the clocks of Berlin go from 2 to 3 o'clock, in that
		// of 25 October back from 3 to 2.
		{"CRON_TZ=Europe/Berlin 30 3 * * *", "2026-03-28T02:30:05Z", "2026-03-29T01:28:00Z", false},
		{"CRON_TZ=Europe/Berlin 30 3 * * *", "2026-03-28T02:30:05Z", "2026-03-29T01:30:00Z", true},
		{"CRON_TZ=Europe/Berlin 30 3 * * *", "2026-10-24T01:30:05Z", "2026-10-25T01:30:00Z", false},
		{"CRON_TZ=Europe/Berlin 30 3 * * *", "2026-10-24T01:30:05Z", "2026-10-25T02:30:00Z", true},
		// A clock that was ahead and is right again.
		{"@every 5m", "2029-03-02T10:00:00Z", "2026-03-02T10:00:00Z", true},
		{"@every 5m", "0001-01-01T00:00:00Z", "2026-03-02T10:00:00Z", true},
	} {
		schedule, err := cron.ParseStandard(test.schedule)
		if err != nil {
			t.Fatal(err)
		}
		if got := due(schedule, at(test.last), at(test.now)); got != test.want {
			t.Errorf("%s, last done at %s, at %s: due %t, want %t", test.schedule, test.last, test.now, got, test.want)
		}
	}
}
