package review

import (
	"strings"
	"testing"
	"time"
)

func TestPeriods(t *testing.T) {
	// A Sunday, the last day of a week, shortly before it ends.
	sunday := time.Date(2026, 11, 29, 23, 59, 0, 0, time.UTC)
	for _, c := range []struct {
		text     string
		now      time.Time
		from, to string
		name     string
		previous string
	}{
		{"week", sunday, "2026-11-16", "2026-11-23", "2026-W47", "2026-W46"},
		{"week", sunday.Add(time.Minute), "2026-11-23", "2026-11-30", "2026-W48", "2026-W47"},
		// The time zone of the machine does not count: it is Sunday in UTC.
		{"week", sunday.In(time.FixedZone("", 14*3600)), "2026-11-16", "2026-11-23", "2026-W47", "2026-W46"},
		{"month", sunday, "2026-10-01", "2026-11-01", "2026-10", "2026-09"},
		{"quarter", sunday, "2026-07-01", "2026-10-01", "2026-Q3", "2026-Q2"},
		{"quarter", time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), "2025-10-01", "2026-01-01", "2025-Q4", "2025-Q3"},
		// 2020 has 53 weeks, and its last one ends in 2021.
		{"2020-W53", sunday, "2020-12-28", "2021-01-04", "2020-W53", "2020-W52"},
		{"2026-W01", sunday, "2025-12-29", "2026-01-05", "2026-W01", "2025-W52"},
		{"2026-02", sunday, "2026-02-01", "2026-03-01", "2026-02", "2026-01"},
		{"2026-Q4", sunday, "2026-10-01", "2027-01-01", "2026-Q4", "2026-Q3"},
		{"2026-11-03..2026-11-09", sunday, "2026-11-03", "2026-11-10", "2026-11-03..2026-11-09", "2026-10-27..2026-11-02"},
		{"2026-11-03..2026-11-03", sunday, "2026-11-03", "2026-11-04", "2026-11-03..2026-11-03", "2026-11-02..2026-11-02"},
	} {
		p, err := ParsePeriod(c.text, c.now)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if p.From.Format(dateLayout) != c.from || p.To.Format(dateLayout) != c.to || p.Name != c.name ||
			p.Previous().Name != c.previous || !p.Previous().To.Equal(p.From) {
			t.Errorf("%s at %s: %+v after %s, want %+v", c.text, c.now, p, p.Previous().Name, c)
		}
		if again, err := ParsePeriod(p.Name, c.now); err != nil || again != p {
			t.Errorf("%s is read as %+v, %v", p.Name, again, err)
		}
	}
}

func TestWhatIsNoPeriod(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"":                        "is no period",
		"wek":                     `did you mean "week"?`,
		"2026-W54":                "has no week 54",
		"2026-W00":                "has no week 0",
		"2026-13":                 "is no period",
		"2026-Q5":                 "is no period",
		"2026-Q0":                 "is no period",
		"2026-11-09..2026-11-03":  "ends before it begins",
		"2026-11-09..":            "write two days",
		"2026-11-31..2026-12-01":  "write two days",
		"2020-01-01..2026-01-01":  "longer than two years",
		"2027-01":                 "in the future",
		"2026-W49":                "in the future",
		"2026-12-01..2026-12-02":  "in the future",
		"2026-11-01..2026-11-02x": "write two days",
	} {
		if p, err := ParsePeriod(text, now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %+v, %v: want %q", text, p, err, want)
		}
	}
}

func TestAPeriodInWords(t *testing.T) {
	for name, want := range map[string]string{
		"2026-W47":               "week 2026-W47, 16 to 22 November 2026",
		"2026-W14":               "week 2026-W14, 30 March to 5 April 2026",
		"2026-W01":               "week 2026-W01, 29 December 2025 to 4 January 2026",
		"2026-02":                "February 2026",
		"2026-Q3":                "quarter 3 of 2026",
		"2026-11-03..2026-11-03": "3 November 2026",
		"2026-11-03..2026-11-09": "3 to 9 November 2026",
	} {
		p, err := ParsePeriod(name, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
		if err != nil || p.Text() != want {
			t.Errorf("%s is %q, %v: want %q", name, p.Text(), err, want)
		}
	}
}
