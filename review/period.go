package review

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prodready/collector/nearest"
)

// Kind is how long a period lasts. The set is closed.
type Kind string

// The kinds of periods.
const (
	Week    Kind = "week"
	Month   Kind = "month"
	Quarter Kind = "quarter"
	// Range is any other number of whole days.
	Range Kind = "range"
)

// Kinds lists those that a schedule can make a review of.
func Kinds() []Kind { return []Kind{Week, Month, Quarter} }

// Period is a span of whole days in UTC.
type Period struct {
	Kind Kind `json:"kind"`
	// Name is 2026-W47, 2026-11, 2026-Q4 or 2026-11-03..2026-11-09.
	Name string `json:"name"`
	// From is the first moment of the period, To the first one after it.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

const (
	dateLayout = "2006-01-02"
	day        = 24 * time.Hour
)

// ParsePeriod reads a period: week, month or quarter for the last complete one before
// now, the name of one, such as 2026-W47, 2026-11 or 2026-Q4, or FROM..TO with two days,
// both of them included. All days are those of UTC.
func ParsePeriod(text string, now time.Time) (Period, error) {
	switch Kind(text) {
	case Week, Month, Quarter:
		return LastComplete(Kind(text), now), nil
	case Range:
	}
	p, err := namedPeriod(text)
	if err != nil {
		return Period{}, err
	}
	if p.From.After(now) {
		return Period{}, fmt.Errorf("the period %s begins in the future", text)
	}
	return p, nil
}

// LastComplete is the last period of a kind that has ended at a time.
func LastComplete(kind Kind, now time.Time) Period {
	now = now.UTC()
	return around(kind, around(kind, now).From.Add(-time.Nanosecond))
}

// around is the period of a kind that a time is in.
func around(kind Kind, at time.Time) Period {
	year, month, date := at.UTC().Date()
	switch kind {
	case Week:
		monday := date - (int(at.UTC().Weekday())+6)%7
		return calendar(Week, utc(year, month, monday), utc(year, month, monday+7))
	case Quarter:
		first := month - (month-1)%3
		return calendar(Quarter, utc(year, first, 1), utc(year, first+3, 1))
	case Month, Range:
	}
	return calendar(Month, utc(year, month, 1), utc(year, month+1, 1))
}

func utc(year int, month time.Month, date int) time.Time {
	return time.Date(year, month, date, 0, 0, 0, 0, time.UTC)
}

// calendar is the period with these bounds, with its name.
func calendar(kind Kind, from, to time.Time) Period {
	name := ""
	switch kind {
	case Week:
		year, week := from.ISOWeek()
		name = fmt.Sprintf("%d-W%02d", year, week)
	case Month:
		name = from.Format("2006-01")
	case Quarter:
		name = fmt.Sprintf("%d-Q%d", from.Year(), (from.Month()+2)/3)
	case Range:
		name = from.Format(dateLayout) + ".." + to.Add(-day).Format(dateLayout)
	}
	return Period{Kind: kind, Name: name, From: from, To: to}
}

// namedPeriod reads the name of a period.
func namedPeriod(text string) (Period, error) {
	if from, to, ok := strings.Cut(text, ".."); ok {
		return parseRange(text, from, to)
	}
	var year, number int
	var rest string
	if n, _ := fmt.Sscanf(text+" ", "%4d-W%2d%s", &year, &number, &rest); n == 2 {
		// The 4th of January is in the first week.
		first := around(Week, utc(year, 1, 4)).From
		if p := around(Week, first.AddDate(0, 0, 7*(number-1))); p.Name == text {
			return p, nil
		}
		return Period{}, fmt.Errorf("%d has no week %d", year, number)
	}
	if n, _ := fmt.Sscanf(text+" ", "%4d-Q%1d%s", &year, &number, &rest); n == 2 && number >= 1 && number <= 4 {
		return around(Quarter, utc(year, time.Month(3*number), 1)), nil
	}
	if at, err := time.Parse("2006-01", text); err == nil {
		return around(Month, at), nil
	}
	return Period{}, fmt.Errorf("%q is no period%s: want week, month or quarter, the name of one such as 2026-W47, "+
		"2026-11 or 2026-Q4, or two days as in 2026-11-03..2026-11-09", text,
		nearest.Suggest(text, []string{string(Week), string(Month), string(Quarter)}))
}

// maxRange is the longest period: its figures are read into memory.
const maxRange = 2 * 366 * day

func parseRange(text, from, to string) (Period, error) {
	begin, beginErr := time.Parse(dateLayout, from)
	end, endErr := time.Parse(dateLayout, to)
	if beginErr != nil || endErr != nil {
		return Period{}, fmt.Errorf("%q is no period: write two days as in 2026-11-03..2026-11-09", text)
	}
	p := calendar(Range, begin, end.AddDate(0, 0, 1))
	switch {
	case end.Before(begin):
		return Period{}, fmt.Errorf("the period %s ends before it begins", text)
	case p.To.Sub(p.From) > maxRange:
		return Period{}, errors.New("the period is longer than two years")
	}
	return p, nil
}

// Previous is the period before it: of the same kind, or as long.
func (p Period) Previous() Period {
	if p.Kind == Range {
		return calendar(Range, p.From.Add(p.From.Sub(p.To)), p.From)
	}
	return around(p.Kind, p.From.Add(-time.Nanosecond))
}

// Days is its length.
func (p Period) Days() int { return int(p.To.Sub(p.From) / day) }

// Text is the period in words: week 2026-W47, 16 to 22 November 2026.
func (p Period) Text() string {
	first, last := p.From, p.To.Add(-day)
	layout := "2 January"
	switch {
	case first.Year() != last.Year():
		layout = "2 January 2006"
	case first.Equal(last):
		return last.Format("2 January 2006")
	case first.Month() == last.Month():
		layout = "2"
	}
	days := first.Format(layout) + " to " + last.Format("2 January 2006")
	switch p.Kind {
	case Week:
		return "week " + p.Name + ", " + days
	case Month:
		return first.Format("January 2006")
	case Quarter:
		return fmt.Sprintf("quarter %d of %d", (first.Month()+2)/3, first.Year())
	case Range:
	}
	return days
}

// ends are the ends of up to n periods of equal kind, the last of them that of p, oldest
// first: the points at which something is shown over time. Ranges step by weeks.
func (p Period) ends(n int) []time.Time {
	list := make([]time.Time, n)
	kind := p.Kind
	if kind == Quarter {
		kind = Month
	}
	at := p.To
	for i := n - 1; i >= 0; i-- {
		list[i] = at
		if kind == Month {
			at = at.AddDate(0, -1, 0)
		} else {
			at = at.Add(-7 * day)
		}
	}
	return list
}
