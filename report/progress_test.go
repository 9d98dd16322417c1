package report

import (
	"math"
	"testing"
	"time"
)

func TestProgressLinesFitAndSayRateAndTimeLeft(t *testing.T) {
	began := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	var p Pace
	p.Observe(began, 0.2, 1000)
	if _, ok := p.Left(began); ok {
		t.Error("one observation tells no pace")
	}
	p.Observe(began.Add(10*time.Second), 0.3, 4500)
	now := began.Add(15 * time.Second)
	for _, c := range []struct {
		width int
		want  string
	}{
		{
			120,
			"pagerduty/main  history of incidents  [===========>                         ]   30%  4,500 records, 350/s, 1 minute left",
		},
		{90, "pagerduty/main  history of incidents   30%  4,500 records, 350/s, 1 minute left"},
		{70, "pagerduty/main  history of…   30%  4,500 records, 350/s, 1 minute left"},
		{30, "pagerduty/m…   30%  4,500 rec…"},
	} {
		got := ProgressLine("pagerduty/main", "history of incidents", &p, now, c.width)
		if got != c.want || textWidth(got) > c.width {
			t.Errorf("at %d columns:\n%q, not\n%q", c.width, got, c.want)
		}
	}
	// It continues an earlier run: 10 % in 10 s, so 70 s for the rest, and 5 s
	// of them are over.
	if left, ok := p.Left(now); !ok || left != 65*time.Second {
		t.Errorf("%s left, %v", left, ok)
	}
	p.Observe(now, 1, 9000)
	if got, want := ProgressDone("pagerduty/main", "history of incidents", &p),
		"pagerduty/main  history of incidents: 9,000 records in 15 seconds"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestAPaceIsOfWhatWasTold(t *testing.T) {
	began := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	var p Pace
	p.Observe(began, 0.5, 10)
	p.Observe(began.Add(time.Second), 0.4, 5) // a step never goes back
	p.Observe(began.Add(2*time.Second), math.NaN(), 5)
	p.Observe(began.Add(3*time.Second), -1, 5)
	if p.Share() != 0.5 || p.Text(began.Add(time.Hour)) != "10 records" {
		t.Errorf("%v, %q", p.Share(), p.Text(began))
	}
	p.Observe(began.Add(4*time.Second), 7, 11)
	if p.Share() != 1 || p.Text(began) != "11 records, 0.2/s" {
		t.Errorf("%v, %q", p.Share(), p.Text(began))
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -1234: "-1,234", 1234567: "1,234,567",
		-999: "-999"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
}
