package exporter

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// compactBound is the largest number of series of a service on a compact page, in a fleet
// like that of typicalSnapshot.
const compactBound = 60

// typicalSnapshot has services with 60 checks, of which 29 pass, 12 fail, 5 are unknown
// and 14 do not count, and 10 incidents a year each.
func typicalSnapshot(services int) *snapshot.Snapshot {
	s := largeSnapshot(services)
	var incidents []*correlation.Incident
	for i := range s.Services {
		card := s.Services[i].Card
		counts := map[*framework.Module]map[scoring.Status]int{}
		for k := range card.Checks {
			status := scoring.NotApplicable
			switch n := (i + k*7) % 60; {
			case n < 29:
				status = scoring.Pass
			case n < 41:
				status = scoring.Fail
			case n < 46:
				status = scoring.Unknown
			}
			card.Checks[k].Status = status
			module := card.Checks[k].Check.Module
			if counts[module] == nil {
				counts[module] = map[scoring.Status]int{}
			}
			counts[module][status]++
		}
		for k := range card.Modules {
			for _, status := range scoring.Statuses() {
				card.Modules[k].Count[status] = counts[card.Modules[k].Module][status]
			}
		}
		for n := range 10 {
			// They are spread over the services and the year as if by chance.
			at := now.Add(-time.Duration((i*10+n)*7919%8760) * time.Hour)
			incidents = append(incidents, &correlation.Incident{
				Services: []string{s.Services[i].Entry.Name}, StartedAt: at, ResolvedAt: at.Add(time.Hour), Severity: 1 + n%2,
				Resolver: evidence.ResolverPerson, Urgent: true, AcksKnown: true, AcknowledgedAt: at.Add(time.Minute),
			})
		}
	}
	meter := correlation.NewMeter()
	meter.Change(nil, incidents)
	s.Measure(snapshot.History{Incidents: meter}, correlation.Options{})
	return s
}

// seriesPerService counts the series of services.
func seriesPerService(tb testing.TB, s *snapshot.Snapshot, detail Detail) float64 {
	tb.Helper()
	page := mustRender(tb, s, Options{Detail: detail})
	return float64(bytes.Count(page.Bytes(Text), []byte("{"+ServiceLabel+`="`))) / float64(len(s.Services))
}

// TestACompactPageHasFewSeries: a full one has half as many again.
func TestACompactPageHasFewSeries(t *testing.T) {
	s := typicalSnapshot(500)
	compact, full := seriesPerService(t, s, Compact), seriesPerService(t, s, Full)
	t.Logf("compact %.1f, full %.1f series a service", compact, full)
	if compact > compactBound || compact < compactBound/2 || full < 1.5*compact {
		t.Errorf("compact %.1f and full %.1f series a service", compact, full)
	}
}

// BenchmarkCompactSeries prints the number of series of a service.
func BenchmarkCompactSeries(b *testing.B) {
	s := typicalSnapshot(1000)
	var series float64
	for b.Loop() {
		series = seriesPerService(b, s, Compact)
	}
	verdict := "ok"
	if series > compactBound {
		verdict = "short"
		b.Errorf("%.1f series a service, want at most %d", series, compactBound)
	}
	_, _ = fmt.Fprintf(os.Stdout, "\nfigure: compact_series_per_service %.1f series <=%d %s\n", series, compactBound, verdict)
}
