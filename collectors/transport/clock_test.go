package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/config"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// TestTheClockOfAnotherMachine: an answer that is dated far from this machine's clock
// is refused, whoever of the two is wrong, and the offset is observed.
func TestTheClockOfAnotherMachine(t *testing.T) {
	t.Parallel()
	here := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		date   string
		age    string
		offset time.Duration
		says   string
	}{
		"the same time":       {here.Format(http.TimeFormat), "", 0, ""},
		"no date":             {"-", "", 0, ""},
		"no date that is one": {"yesterday", "", 0, ""},
		"a little ahead":      {here.Add(-time.Hour).Format(http.TimeFormat), "", time.Hour - time.Second, ""},
		"three hours ahead":   {here.Add(-3 * time.Hour).Format(http.TimeFormat), "", 3*time.Hour - time.Second, "2h59m59s ahead of"},
		"years ahead":         {here.AddDate(-3, 0, 0).Format(http.TimeFormat), "", 26304*time.Hour - time.Second, "ahead of"},
		"three hours behind":  {here.Add(3 * time.Hour).Format(http.TimeFormat), "", -3 * time.Hour, "3h0m0s behind"},
		"kept by a cache":     {here.Add(-3 * time.Hour).Format(http.TimeFormat), "10800", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", c.date)
				if c.date == "-" {
					w.Header()["Date"] = nil
				}
				if c.age != "" {
					w.Header().Set("Age", c.age)
				}
				_, _ = io.WriteString(w, "{}")
			}))
			defer server.Close()
			var seen Observation
			client, err := New(Config{
				Source: "test/main", HTTP: config.DefaultHTTPClientConfig, Wall: func() time.Time { return here },
				Observe: func(o Observation) { seen = o },
			})
			if err != nil {
				t.Fatal(err)
			}
			request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := client.Do(request)
			if err == nil {
				_ = answer.Body.Close()
			}
			if seen.ClockOffset != c.offset || seen.Dated == (c.date == "-" || c.date == "yesterday") {
				t.Errorf("offset %s (known: %v), want %s", seen.ClockOffset, seen.Dated, c.offset)
			}
			var failed *collectors.CallError
			if c.says == "" {
				if err != nil || seen.Outcome != OutcomeOK {
					t.Errorf("%s, %v", seen.Outcome, err)
				}
			} else if !errors.As(err, &failed) || failed.Reason != evidence.ReasonClock || seen.Attempt != 1 ||
				!strings.Contains(err.Error(), c.says) || seen.Outcome != string(evidence.ReasonClock) {
				t.Errorf("attempt %d: %s, %v, want %q", seen.Attempt, seen.Outcome, err, c.says)
			}
		})
	}
}
