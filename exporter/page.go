package exporter

import (
	"fmt"
	"time"

	"github.com/prodready/collector/snapshot"
)

// Options choose what is rendered.
type Options struct {
	// Detail is how much is said of each service; the zero value is Compact.
	Detail Detail
	// CheckStatusPass renders check_status for passing checks too. At 10,000
	// services with 60 checks that is 600,000 series.
	CheckStatusPass bool
	// EvaluationInterval is how often a new snapshot is due; 0 means
	// DefaultEvaluationInterval. Three intervals later the page is no longer
	// served.
	EvaluationInterval time.Duration
}

// Detail is how much of each service is rendered.
type Detail string

// The details of a page. A Compact one has the status of checks that fail or are
// unknown alone, no series that can be counted from these, and of the estimates of a
// service those that say most; a Full one has all but what CheckStatusPass adds.
const (
	Compact Detail = "compact"
	Full    Detail = "full"
)

// Page is a rendered snapshot in both formats. It is immutable and safe for
// concurrent use.
type Page struct {
	at         time.Time
	staleAfter time.Duration
	series     int
	formats    [len(formats)]body
}

// body is a page in one format, without the end mark of OpenMetrics, so that
// more can follow.
type body struct {
	// chunks are the headers of this format and the series that both formats share, in
	// order.
	chunks []*chunk
	// deflated is the raw deflate stream of the chunks. It ends at a byte boundary but
	// is not closed: more blocks can follow. It is made when the format is first asked
	// for in this form: most servers are scraped in one.
	deflated func() []byte
	// crc and size are of the chunks.
	crc  uint32
	size int
}

// Served reports whether the page is young enough to be served: evaluations are not
// overdue. No page is not.
func (p *Page) Served(now time.Time) bool { return p != nil && now.Sub(p.at) <= p.staleAfter }

func checkNames(s *snapshot.Snapshot) error {
	seen := make(map[string]bool, len(s.Services))
	for i := range s.Services {
		name := s.Services[i].Entry.Name
		if seen[name] {
			return fmt.Errorf("the service %q is there twice; give one of them another name in the catalog", name)
		}
		seen[name] = true
	}
	return nil
}

// At is the time of the snapshot.
func (p *Page) At() time.Time { return p.at }

// Series is the number of series on the page.
func (p *Page) Series() int { return p.series }

// Bytes is the page in one format, without the end mark of OpenMetrics.
func (p *Page) Bytes(format Format) []byte {
	var text []byte
	for _, c := range p.formats[format].chunks {
		text = append(text, c.text...)
	}
	return text
}
