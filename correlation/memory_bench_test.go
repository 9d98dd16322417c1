package correlation

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// bytesBound is how many bytes an incident that figures are made of may keep.
const bytesBound = 200

// BenchmarkIncidentMemory compares what is kept of 100,000 incidents of 2,000 services in
// 90 days with what is kept of a tenth of them: the figures of services and groups take as
// much for few incidents.
func BenchmarkIncidentMemory(b *testing.B) {
	const services, incidents = 2000, 100_000
	var bytes int64
	for b.Loop() {
		if bytes == 0 {
			few, many := keptBytes(services, incidents/10), keptBytes(services, incidents)
			bytes = (many - few) / (incidents - incidents/10)
		}
	}
	b.ReportMetric(float64(bytes), "bytes/incident")
	verdict := "ok"
	if bytes > bytesBound {
		verdict = "short"
		b.Errorf("an incident keeps %d bytes, want at most %d", bytes, bytesBound)
	}
	_, _ = fmt.Fprintf(os.Stdout, "\nfigure: bytes_an_incident %d B <=%d %s\n", bytes, bytesBound, verdict)
}

// keptBytes is how much memory is kept for the figures of some incidents.
func keptBytes(services, incidents int) int64 {
	list := make([]*catalog.Service, services)
	held := make([]BadgeHeld, services)
	for i := range list {
		list[i] = &catalog.Service{
			Name: fmt.Sprintf("service-%05d", i), Team: fmt.Sprintf("team-%d", i%200), Org: fmt.Sprintf("org-%d", i%10),
			Tier: 1 + i%4,
		}
		held[i] = BadgeHeld{Service: list[i].Name, Badge: framework.Badge(i % 4), FirstJudged: noon.Add(-200 * day)}
	}
	o := Options{Windows: []Window{Window(30 * day), Window(7 * day), Window(90 * day)}}
	before := heapBytes()
	links, meter := NewLinks(), NewMeter()
	meter.Change(links.Update(recordsOf(list, incidents), noon.Add(-100*day)))
	meter.Measure(list, NewBadgeHistory(held, nil), o, noon)
	after := heapBytes()
	runtime.KeepAlive(links)
	runtime.KeepAlive(meter)
	runtime.KeepAlive(list)
	return after - before
}

// recordsOf are incidents of services in 90 days, of which a tenth has a ticket.
func recordsOf(services []*catalog.Service, n int) []evidence.Incident {
	var records []evidence.Incident
	for i := range n {
		at := noon.Add(-time.Duration(i) * (90 * day / time.Duration(n))).Truncate(time.Second)
		in := evidence.Incident{
			Source: "pagerduty/main", ID: fmt.Sprintf("Q%012d", i), Services: []string{services[i*7%len(services)].Name},
			StartedAt: at, AcknowledgedAt: at.Add(time.Minute), AcksKnown: true, UpdatedAt: at.Add(time.Hour),
			ResolvedAt: at.Add(time.Duration(i*7919%80_000) * time.Second), Resolver: evidence.ResolverPerson, Urgent: true,
			Interruptions: evidence.Interruptions{Known: true, Business: i % 3, Off: i % 2, Sleep: i / 2 % 2},
			Severity:      i % 6, Template: fmt.Sprintf("problem %d", i%40),
			Links: []string{fmt.Sprintf("https://pages.example.com/incidents/Q%012d", i)},
		}
		if i%10 == 0 {
			key := fmt.Sprintf("OPS-%d", i)
			in.Links = append(in.Links, "https://tickets.example.com/browse/"+key)
			records = append(records, evidence.Incident{
				Source: "jira/main", ID: strconv.Itoa(i), Key: key, Services: in.Services, StartedAt: at.Add(time.Minute),
				UpdatedAt: in.UpdatedAt, ResolvedAt: in.ResolvedAt, Resolver: evidence.ResolverPerson,
			})
		}
		records = append(records, in)
	}
	return records
}

func heapBytes() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
