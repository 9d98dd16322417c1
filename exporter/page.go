package exporter

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"time"

	"github.com/prodready/collector/snapshot"
)

// Options choose what is rendered.
type Options struct {
	// CheckStatusPass renders check_status for passing checks too. At 10,000
	// services with 60 checks that is 600,000 series.
	CheckStatusPass bool
	// EvaluationInterval is how often a new snapshot is due; 0 means
	// DefaultEvaluationInterval. Three intervals later the page is no longer
	// served.
	EvaluationInterval time.Duration
}

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
	// parts are the headers of this format and the series that both formats
	// share, in order.
	parts [][]byte
	// deflated is the raw deflate stream of the parts. It ends at a byte
	// boundary but is not closed: more blocks can follow.
	deflated []byte
	// crc and size are of the parts.
	crc  uint32
	size int
}

// Render makes the page of a snapshot. It fails when two services have the
// same name, or when a family emits other labels than it declares: either
// would cost the whole scrape.
func Render(s *snapshot.Snapshot, o Options) (*Page, error) {
	if s == nil {
		return nil, errors.New("rendering metrics: there is no snapshot")
	}
	if err := checkNames(s); err != nil {
		return nil, fmt.Errorf("rendering metrics: %w", err)
	}
	return render(s, o, Families())
}

func render(s *snapshot.Snapshot, o Options, families []Family) (*Page, error) {
	if o.EvaluationInterval <= 0 {
		o.EvaluationInterval = DefaultEvaluationInterval
	}
	page := &Page{at: s.At, staleAfter: staleIntervals * o.EvaluationInterval}
	var samples []byte
	var err error
	ends := make([]int, len(families))
	for i, family := range families {
		name := family.FullName()
		family.Collect(s, o, func(value float64, labels ...string) {
			if len(labels) != len(family.Labels) {
				err = fmt.Errorf("rendering metrics: %s: %d label values for the labels %q", name, len(labels), family.Labels)
				return
			}
			if math.IsNaN(value) {
				return
			}
			samples = appendSample(samples, name, family.Labels, labels, value)
			page.series++
		})
		if err != nil {
			return nil, err
		}
		ends[i] = len(samples)
	}
	for _, format := range formats {
		b := &page.formats[format]
		start := 0
		for i, end := range ends {
			if end > start {
				b.parts = append(b.parts, format.header(nil, families[i]), samples[start:end:end])
			}
			start = end
		}
		if err := b.deflate(); err != nil {
			return nil, fmt.Errorf("rendering metrics: compressing: %w", err)
		}
	}
	return page, nil
}

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

// deflate compresses the parts. Flush instead of Close leaves the stream open
// at a byte boundary, so that a scrape appends its own blocks to one and the
// same gzip member: two members in a row are refused by curl and browsers.
func (b *body) deflate() error {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestSpeed)
	if err != nil {
		return err
	}
	for _, part := range b.parts {
		if _, err := w.Write(part); err != nil {
			return err
		}
		b.crc = crc32.Update(b.crc, crc32.IEEETable, part)
		b.size += len(part)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	b.deflated = bytes.Clone(out.Bytes())
	return nil
}

// At is the time of the snapshot.
func (p *Page) At() time.Time { return p.at }

// Series is the number of series on the page.
func (p *Page) Series() int { return p.series }

// Bytes is the page in one format, without the end mark of OpenMetrics.
func (p *Page) Bytes(format Format) []byte {
	return bytes.Join(p.formats[format].parts, nil)
}
