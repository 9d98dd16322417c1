package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/prodready/collector/config"
)

func TestParseSchedule(t *testing.T) {
	from := time.Date(2026, 3, 4, 10, 2, 30, 0, time.UTC) // a Wednesday
	tests := []struct{ spec, next string }{
		{"*/5 * * * *", "2026-03-04T10:05:00Z"},
		{" 15 */5 * * * * ", "2026-03-04T10:05:15Z"},
		{"@every 90s", "2026-03-04T10:04:00Z"},
		{"@every 1d", "2026-03-05T10:02:30Z"},
		{"@hourly", "2026-03-04T11:00:00Z"},
		{"TZ=Europe/Berlin 0 6 * * *", "2026-03-05T05:00:00Z"},
		{"CRON_TZ=Europe/Berlin 0 6 * * *", "2026-03-05T05:00:00Z"},
		{"TZ=UTC @every 5m", "2026-03-04T10:07:30Z"},
		{"0 0 29 2 *", "2028-02-29T00:00:00Z"},
		{"0 0 ? * MON", "2026-03-09T00:00:00Z"},
	}
	for _, test := range tests {
		schedule, err := config.ParseSchedule(test.spec)
		if err != nil {
			t.Errorf("%q: %v", test.spec, err)
			continue
		}
		if got := schedule.Next(from).UTC().Format(time.RFC3339); got != test.next {
			t.Errorf("%q: next at %s, want %s", test.spec, got, test.next)
		}
	}
}

// The machine's own time zone must not matter.
func TestScheduleIsInUTC(t *testing.T) {
	zone := time.FixedZone("elsewhere", 5*3600)
	schedule, err := config.ParseSchedule("0 6 * * *")
	if err != nil {
		t.Fatal(err)
	}
	if got := schedule.Next(time.Date(2026, 3, 4, 0, 0, 0, 0, zone)).UTC().Hour(); got != 6 {
		t.Errorf("fires at %d o'clock UTC, want 6", got)
	}
}

func TestParseScheduleRefuses(t *testing.T) {
	for _, spec := range []string{
		"", " ", "x", "* * * *", "* * * * * * *", "60 * * * *", "*/0 * * * *", "5-1 * * * *",
		"TZ=UTC", "CRON_TZ=UTC", "TZ=", "TZ= * * * * *", "TZ=Nowhere/Land * * * * *", "TZ=../../etc/passwd * * * * *",
		"TZ=UTC ",
		"0 0 30 2 *", "0 0 31 2,4,6,9,11 *", ", * * * *", "* , * * *", "* * , * ,", "@never", "@every", "@every5m",
		"@every -5s", "@every 0s", "@every 500ms", "@every 1500ms", "@every five", "@every 10000h", "@every 2y",
		"@every 9999999999999h",
	} {
		if schedule, err := config.ParseSchedule(spec); err == nil {
			t.Errorf("%q was accepted: %v", spec, schedule)
		}
	}
}

func TestLongestGap(t *testing.T) {
	from := time.Date(2026, 3, 4, 10, 2, 30, 0, time.UTC)
	day := 24 * time.Hour
	tests := []struct {
		spec string
		want time.Duration
	}{
		{"@every 90s", 90 * time.Second},
		{"*/5 * * * *", 5 * time.Minute},
		{"*/7 * * * *", 7 * time.Minute},
		{"* * * * * *", time.Second},
		{"0 6 * * *", day},
		{"0 6,18 * * *", 12 * time.Hour},
		{"*/5 8-17 * * MON-FRI", 3*day - 10*time.Hour + 5*time.Minute},
		{"* * 9-16 * * MON-FRI", 3*day - 8*time.Hour + time.Second},
		{"0 0 1 * *", 31 * day},
		{"0 0 1 1 *", 365 * day},
		{"0 0 29 2 *", 1461 * day},
		{"* * 1 * *", 30*day + time.Minute},
		// A day of 25 hours is in it.
		{"TZ=Europe/Berlin 0 6 * * *", 25 * time.Hour},
	}
	for _, test := range tests {
		schedule, err := config.ParseSchedule(test.spec)
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if got := config.LongestGap(schedule, from); got != test.want {
			t.Errorf("%q: %v, want %v", test.spec, got, test.want)
		}
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("%q: took %v", test.spec, took)
		}
	}
}

// The search over days must agree with going from start to start.
func TestLongestGapAgreesWithSampling(t *testing.T) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, spec := range []string{
		"7 3,15 * * *", "*/20 8-9 * * TUE,SAT", "0 12 1,15 * *", "0 0 13 * FRI", "30 4 1 */3 *",
	} {
		schedule, err := config.ParseSchedule(spec)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := config.LongestGap(schedule, from), config.LongestGap(sampled{schedule}, from); got != want {
			t.Errorf("%q: %v, sampling finds %v", spec, got, want)
		}
	}
}

// sampled hides the kind of a schedule.
type sampled struct{ cron.Schedule }

func TestLongestGapOfWhatNeverFires(t *testing.T) {
	if got := config.LongestGap(&cron.SpecSchedule{Location: time.UTC}, time.Now()); got != 0 {
		t.Errorf("got %v, want 0", got)
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, spec := range []string{
		"*/5 * * * *", "TZ=UTC", "@every -5s", "0 0 30 2 *", ", , , , ,", "CRON_TZ=Europe/Berlin 0 6 * * *",
	} {
		f.Add(spec)
	}
	from := time.Date(2026, 3, 4, 10, 2, 30, 0, time.UTC)
	f.Fuzz(func(t *testing.T, spec string) {
		schedule, err := config.ParseSchedule(spec)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Error("an error without words")
			}
			return
		}
		if next := schedule.Next(from); !next.After(from) {
			t.Errorf("%q: next at %v", spec, next)
		}
		if gap := config.LongestGap(schedule, from); gap < time.Second {
			t.Errorf("%q: longest gap %v", spec, gap)
		}
	})
}
