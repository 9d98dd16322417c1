package report

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Pace measures how fast a long step goes, from what Observe is given
// now and then. The zero value was given nothing.
type Pace struct {
	began, last   time.Time
	first, share  float64
	start, latest int
}

// Observe takes what is done: a share of 0 to 1, and the number of records so
// far. What was done before the first call, in an earlier run that this one
// continues, does not count for the pace.
func (p *Pace) Observe(now time.Time, share float64, records int) {
	share = min(max(share, 0), 1)
	if math.IsNaN(share) {
		share = p.share
	}
	if p.began.IsZero() {
		p.began, p.first, p.start = now, share, records
	}
	p.last, p.share, p.latest = now, max(share, p.share), max(records, p.latest)
}

// Share is the newest share.
func (p *Pace) Share() float64 { return p.share }

// Rate is the records a second since the first call; ok is false before it is
// known.
func (p *Pace) Rate() (perSecond float64, ok bool) {
	took := p.last.Sub(p.began).Seconds()
	if took <= 0 {
		return 0, false
	}
	return float64(p.latest-p.start) / took, true
}

// Left is the time that the rest takes at this pace; ok is false before it is
// known. Between two calls of Observe it counts down.
func (p *Pace) Left(now time.Time) (left time.Duration, ok bool) {
	took, done := p.last.Sub(p.began), p.share-p.first
	if took <= 0 || done <= 0 {
		return 0, false
	}
	whole := float64(took) * (1 - p.share) / done
	if whole > float64(math.MaxInt64)/2 {
		return 0, false
	}
	return max(0, time.Duration(whole)-max(0, now.Sub(p.last))), true
}

// Text is what people are shown: "12,340 records, 350/s, 2 minutes left".
func (p *Pace) Text(now time.Time) string {
	var parts []string
	if p.latest > 0 {
		word := " records"
		if p.latest == 1 {
			word = " record"
		}
		parts = append(parts, thousands(p.latest)+word)
	}
	if rate, ok := p.Rate(); ok && rate > 0 {
		digits := 0
		if rate < 10 {
			digits = 1
		}
		if rate >= 0.05 {
			parts = append(parts, strconv.FormatFloat(rate, 'f', digits, 64)+"/s")
		}
	}
	if left, ok := p.Left(now); ok && p.share < 1 {
		parts = append(parts, lasting(left.Round(time.Second))+" left")
	}
	return strings.Join(parts, ", ")
}

// Percent is a share as whole percent, rounded down: only what is complete is
// 100%.
func Percent(share float64) string { return percent(share) }

// thousands groups the digits of a count: 12,340.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0 && digits[at-1] != '-'; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}
