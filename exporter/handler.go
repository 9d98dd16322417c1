package exporter

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// DefaultEvaluationInterval is the longest time between two evaluations.
const DefaultEvaluationInterval = time.Minute

// staleIntervals is after how many evaluation intervals without a new snapshot
// the readiness families are no longer served.
const staleIntervals = 3

// HandlerOptions configure Handler. The zero value is usable.
type HandlerOptions struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger receives failures to gather live metrics; nil discards them.
	Logger *slog.Logger
}

// Handler serves the current page followed by what the gatherer holds, as one
// exposition. current may return nil as long as there is no page.
//
// The format is negotiated between the two text formats, whatever else the
// client would like. Answers are compressed for clients that accept gzip.
func Handler(current func() *Page, gatherer prometheus.Gatherer, o HandlerOptions) http.Handler {
	h := &handler{current: current, gatherer: gatherer, now: o.Now, logger: o.Logger}
	if h.now == nil {
		h.now = time.Now
	}
	if h.logger == nil {
		h.logger = slog.New(slog.DiscardHandler)
	}
	return h
}

type handler struct {
	current  func() *Page
	gatherer prometheus.Gatherer
	now      func() time.Time
	logger   *slog.Logger
	// scratch keeps *tail values: a compressor alone is most of a megabyte.
	scratch sync.Pool
}

// tail is the live part of one answer.
type tail struct {
	raw, deflated bytes.Buffer
	compressor    *flate.Writer
}

// ServeHTTP answers one scrape.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "metrics are read with GET", http.StatusMethodNotAllowed)
		return
	}
	format := negotiate(r.Header)
	page := h.page(format)
	t, ok := h.scratch.Get().(*tail)
	if !ok {
		t = &tail{}
	}
	defer h.scratch.Put(t)
	if err := h.gather(t, format); err != nil {
		// The page does not depend on the process's own metrics, and what could
		// be gathered of them is served too.
		h.logger.Warn("gathering the metrics of the process failed in part", "error", err)
	}

	header := w.Header()
	header.Set("Content-Type", format.ContentType())
	header.Set("Vary", "Accept, Accept-Encoding")
	if !AcceptsGzip(r.Header) {
		header.Set("Content-Length", strconv.Itoa(page.size+t.raw.Len()))
		for _, c := range page.chunks {
			if _, err := w.Write(c.text); err != nil {
				return
			}
		}
		_, _ = w.Write(t.raw.Bytes())
		return
	}
	if err := t.compress(); err != nil {
		h.logger.Error("compressing the metrics of the process failed", "error", err)
		http.Error(w, "compressing failed", http.StatusInternalServerError)
		return
	}
	header.Set("Content-Encoding", "gzip")
	deflated := page.deflated()
	header.Set("Content-Length", strconv.Itoa(len(gzipHeader)+len(deflated)+t.deflated.Len()+gzipTrailerSize))
	// One member: two in a row are refused by curl and browsers. It is the page's open
	// deflate stream, the closing blocks of the live part, and the checksum and size of both.
	crc := crc32.Update(page.crc, crc32.IEEETable, t.raw.Bytes())
	var trailer [gzipTrailerSize]byte
	binary.LittleEndian.PutUint32(trailer[:4], crc)
	// The size is kept modulo 2^32, as the format has it.
	binary.LittleEndian.PutUint32(trailer[4:], uint32(page.size+t.raw.Len()))
	for _, part := range [][]byte{gzipHeader[:], deflated, t.deflated.Bytes(), trailer[:]} {
		if _, err := w.Write(part); err != nil {
			return // the client is gone
		}
	}
}

// page is what to serve of the current page: nothing when there is none, or
// when it is so old that evaluation must be stuck.
func (h *handler) page(format Format) *body {
	page := h.current()
	if !page.Served(h.now()) {
		return &body{deflated: func() []byte { return nil }}
	}
	return &page.formats[format]
}

// gather writes the live metrics and the end mark into t.raw. A family that
// cannot be written costs itself and not the answer.
func (h *handler) gather(t *tail, format Format) error {
	t.raw.Reset()
	families, err := h.gatherer.Gather()
	errs := []error{err}
	encode := expfmt.MetricFamilyToText
	if format == OpenMetrics {
		encode = func(w io.Writer, family *dto.MetricFamily) (int, error) {
			return expfmt.MetricFamilyToOpenMetrics(w, family)
		}
	}
	for _, family := range families {
		before := t.raw.Len()
		if _, err := encode(&t.raw, family); err != nil {
			t.raw.Truncate(before)
			errs = append(errs, fmt.Errorf("encoding %s: %w", family.GetName(), err))
		}
	}
	if format == OpenMetrics {
		t.raw.WriteString("# EOF\n")
	}
	return errors.Join(errs...)
}

// compress writes t.raw into t.deflated as the closing blocks of a deflate
// stream.
func (t *tail) compress() error {
	t.deflated.Reset()
	if t.compressor == nil {
		w, err := flate.NewWriter(&t.deflated, flate.BestSpeed)
		if err != nil {
			return err
		}
		t.compressor = w
	} else {
		t.compressor.Reset(&t.deflated)
	}
	if _, err := t.compressor.Write(t.raw.Bytes()); err != nil {
		return err
	}
	return t.compressor.Close()
}

// gzipHeader says deflate, no name, no time, unknown system (RFC 1952).
var gzipHeader = [...]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}

const gzipTrailerSize = 8

// negotiate picks the format. Only the two text formats are offered, since
// Prometheus prefers protobuf when native histograms are on.
func negotiate(header http.Header) Format {
	accepted := expfmt.NegotiateAccept(header, expfmt.FmtOpenMetrics_1_0_0, expfmt.FmtText)
	if accepted.FormatType() == expfmt.TypeOpenMetrics {
		return OpenMetrics
	}
	return Text
}

// AcceptsGzip reads Accept-Encoding: gzip must be named, or *, without q=0.
func AcceptsGzip(header http.Header) bool {
	accepted := false
	for part := range strings.SplitSeq(strings.Join(header.Values("Accept-Encoding"), ","), ",") {
		coding, parameter, _ := strings.Cut(part, ";")
		coding = strings.ToLower(strings.TrimSpace(coding))
		if coding != "gzip" && coding != "x-gzip" && coding != "*" {
			continue
		}
		wanted := true
		if name, q, ok := strings.Cut(strings.TrimSpace(parameter), "="); ok && strings.TrimSpace(name) == "q" {
			weight, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
			wanted = err == nil && weight > 0
		}
		if coding != "*" {
			return wanted
		}
		accepted = wanted
	}
	return accepted
}
