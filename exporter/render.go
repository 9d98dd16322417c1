package exporter

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"sync"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/snapshot"
)

// chunkServices is the number of services whose series of one family are a chunk. With
// more, the change of one service costs more; with fewer, the page is compressed worse:
// at 128, 1 % worse than in one piece.
const chunkServices = 128

// Renderer renders one snapshot after the other. What is as it was in the last one is
// neither rendered nor compressed again: the page is the one that a new Renderer makes.
// The zero value has rendered nothing. It is not safe for concurrent use.
type Renderer struct {
	// last is what the chunks are made of, with no services while that is not known.
	last rendered
	// counts are those of the checks of each chunk of services.
	counts     [][]snapshot.CheckCount
	families   []renderedFamily
	compressor *flate.Writer
	checksums  *joiner
	// text and deflated are where a chunk is made.
	text     []byte
	deflated bytes.Buffer
}

// rendered is what the chunks of services are made of.
type rendered struct {
	options  Options
	services []service
	checks   []*framework.Check
}

func renderedOf(s *snapshot.Snapshot, o Options, last *rendered) rendered {
	r := rendered{options: o, services: make([]service, len(s.Services)), checks: s.Checks()}
	for i := range s.Services {
		var before *service
		if i < len(last.services) {
			before = &last.services[i]
		}
		r.services[i] = service{&s.Services[i], shownTargetOf(s, &s.Services[i], before), s.GraceEnd(&s.Services[i])}
	}
	return r
}

// renderedFamily is a family with the chunks of its last page.
type renderedFamily struct {
	Family
	headers [len(formats)]*chunk
	chunks  []*chunk
}

// chunk is a part of a page. It is never changed.
type chunk struct {
	text []byte
	// deflated is the text as blocks of a deflate stream that need nothing of those
	// before. They end at a byte boundary, and more can follow.
	deflated []byte
	crc      uint32
	series   int
}

// Render makes the page of a snapshot. It fails when two services have the same name, or
// when a family emits other labels than it declares: either would cost the whole scrape.
func (r *Renderer) Render(s *snapshot.Snapshot, o Options) (*Page, error) {
	page, err := r.render(s, o)
	if err != nil {
		return nil, fmt.Errorf("rendering metrics: %w", err)
	}
	return page, nil
}

func (r *Renderer) render(s *snapshot.Snapshot, o Options) (*Page, error) {
	if s == nil {
		return nil, errors.New("there is no snapshot")
	}
	if err := checkNames(s); err != nil {
		return nil, err
	}
	if o.EvaluationInterval <= 0 {
		o.EvaluationInterval = DefaultEvaluationInterval
	}
	if r.families == nil {
		if err := r.begin(Families()); err != nil {
			return nil, err
		}
	}
	last := r.last
	now := renderedOf(s, o, &last)
	// Should this fail, some chunks are those of this snapshot already.
	r.last = rendered{}
	changed := changedChunks(&last, &now)
	r.count(s, &last, &now, changed[cardPart])
	page := &Page{at: s.At, staleAfter: staleIntervals * o.EvaluationInterval}
	for i := range r.families {
		f := &r.families[i]
		if f.Detail == Full && o.Detail != Full {
			continue
		}
		if err := r.family(f, s, &now, changed); err != nil {
			return nil, err
		}
		page.add(f)
	}
	r.last = now
	for _, format := range formats {
		page.formats[format].finish(r.checksums)
	}
	return page, nil
}

// begin forgets all chunks and makes those of the headers.
func (r *Renderer) begin(families []Family) error {
	r.checksums = newJoiner()
	r.families = make([]renderedFamily, len(families))
	for i, family := range families {
		f := &r.families[i]
		f.Family = family
		for _, format := range formats {
			r.text = format.header(r.text[:0], family)
			header, err := r.chunk(nil, 0)
			if err != nil {
				return err
			}
			f.headers[format] = header
		}
	}
	return nil
}

// changedChunks says of each part which chunks of services are not as they were.
func changedChunks(last, now *rendered) *[numberOfParts][]bool {
	var changed [numberOfParts][]bool
	for p := range changed {
		changed[p] = make([]bool, chunksOf(len(now.services)))
		for i := range changed[p] {
			from, to := i*chunkServices, min((i+1)*chunkServices, len(now.services))
			before := len(last.services)
			changed[p][i] = last.options != now.options || before < to || before > to && to == len(now.services)
			for k := from; k < to && !changed[p][i]; k++ {
				changed[p][i] = !part(p).same(&last.services[k], &now.services[k])
			}
		}
	}
	return &changed
}

// count counts the statuses of checks in the chunks whose scorecards have changed.
func (r *Renderer) count(s *snapshot.Snapshot, last, now *rendered, changed []bool) {
	same := slices.Equal(last.checks, now.checks)
	counts := make([][]snapshot.CheckCount, len(changed))
	for i := range counts {
		if same && !changed[i] {
			counts[i] = r.counts[i]
			continue
		}
		counts[i] = snapshot.CountChecks(now.checks, s.Services[i*chunkServices:min((i+1)*chunkServices, len(s.Services))])
	}
	r.counts = counts
}

// sum adds up the counts of all chunks.
func (r *Renderer) sum(checks []*framework.Check) []snapshot.CheckCount {
	total := snapshot.CountChecks(checks, nil)
	for _, counts := range r.counts {
		for i := range counts {
			for status, n := range counts[i].Services {
				total[i].Services[status] += n
			}
		}
	}
	return total
}

func chunksOf(services int) int { return (services + chunkServices - 1) / chunkServices }

// family makes the chunks of a family that have changed.
func (r *Renderer) family(
	f *renderedFamily, s *snapshot.Snapshot, now *rendered, changed *[numberOfParts][]bool,
) error {
	switch {
	case f.Collect.whole != nil:
		f.resize(1)
		return r.replace(f, 0, func(emit Emit) { f.Collect.whole(s, now.options, emit) })
	case f.Collect.counts != nil:
		f.resize(1)
		return r.replace(f, 0, func(emit Emit) { f.Collect.counts(r.sum(now.checks), emit) })
	}
	f.resize(chunksOf(len(now.services)))
	for i := range f.chunks {
		if !changed[f.Collect.part][i] {
			continue
		}
		services := now.services[i*chunkServices : min((i+1)*chunkServices, len(now.services))]
		err := r.replace(f, i, func(emit Emit) {
			for k := range services {
				f.Collect.one(&services[k], now.options, emit)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *renderedFamily) resize(chunks int) {
	for len(f.chunks) < chunks {
		f.chunks = append(f.chunks, nil)
	}
	clear(f.chunks[chunks:])
	f.chunks = f.chunks[:chunks]
}

// replace renders a chunk of a family. If it is as it was, it is kept.
func (r *Renderer) replace(f *renderedFamily, i int, collect func(Emit)) error {
	name := f.FullName()
	var err error
	series := 0
	r.text = r.text[:0]
	collect(func(value float64, labels ...string) {
		if len(labels) != len(f.Labels) {
			err = fmt.Errorf("%s: %d label values for the labels %q", name, len(labels), f.Labels)
			return
		}
		if math.IsNaN(value) {
			return
		}
		r.text = appendSample(r.text, name, f.Labels, labels, value)
		series++
	})
	if err != nil {
		return err
	}
	f.chunks[i], err = r.chunk(f.chunks[i], series)
	return err
}

// chunk makes a chunk of r.text, nil if that is empty; it is the last one if that has the
// same text.
func (r *Renderer) chunk(last *chunk, series int) (*chunk, error) {
	if len(r.text) == 0 {
		return nil, nil
	}
	if last != nil && bytes.Equal(last.text, r.text) {
		return last, nil
	}
	r.deflated.Reset()
	if r.compressor == nil {
		w, err := flate.NewWriter(&r.deflated, flate.BestSpeed)
		if err != nil {
			return nil, fmt.Errorf("compressing: %w", err)
		}
		r.compressor = w
	} else {
		r.compressor.Reset(&r.deflated)
	}
	if _, err := r.compressor.Write(r.text); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	// Flush instead of Close leaves the stream open.
	if err := r.compressor.Flush(); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	return &chunk{
		text: bytes.Clone(r.text), deflated: bytes.Clone(r.deflated.Bytes()), crc: crc32.ChecksumIEEE(r.text), series: series,
	}, nil
}

// add appends a family that has series.
func (p *Page) add(f *renderedFamily) {
	series := 0
	for _, c := range f.chunks {
		if c != nil {
			series += c.series
		}
	}
	if series == 0 {
		return
	}
	p.series += series
	for _, format := range formats {
		b := &p.formats[format]
		b.chunks = append(b.chunks, f.headers[format])
		for _, c := range f.chunks {
			if c != nil {
				b.chunks = append(b.chunks, c)
			}
		}
	}
}

// finish makes what is of all chunks.
func (b *body) finish(checksums *joiner) {
	size := 0
	for _, c := range b.chunks {
		b.crc = checksums.join(b.crc, c.crc, len(c.text))
		b.size += len(c.text)
		size += len(c.deflated)
	}
	chunks := b.chunks
	b.deflated = sync.OnceValue(func() []byte {
		out := make([]byte, 0, size)
		for _, c := range chunks {
			out = append(out, c.deflated...)
		}
		return out
	})
}
