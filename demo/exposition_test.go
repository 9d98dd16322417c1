package main

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// TestPrometheusOwnParsersReadTheMetrics: both formats, compressed and not, are
// read to their end by the parsers that a scrape uses, and say the same.
func TestPrometheusOwnParsersReadTheMetrics(t *testing.T) {
	d := collected(t, options{seed: 3, services: 12, listen: "127.0.0.1:0"}, time.Now)
	if err := d.collector.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	address := "http://" + d.collector.Addr() + "/metrics"
	const openMetrics = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"
	readiness := map[string]int{}
	for _, c := range []struct{ name, accept, encoding string }{
		{"text", "text/plain", ""}, {"text, compressed", "text/plain", "gzip"},
		{"OpenMetrics", openMetrics, ""}, {"OpenMetrics, compressed", openMetrics, "gzip"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", c.accept)
		request.Header.Set("Accept-Encoding", c.encoding)
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		body := io.Reader(response.Body)
		if c.encoding != "" {
			unzipped, err := gzip.NewReader(response.Body)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			unzipped.Multistream(false)
			body = unzipped
		}
		page, err := io.ReadAll(body)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		_ = response.Body.Close()
		parser, err := textparse.New(
			page, response.Header.Get("Content-Type"), labels.NewSymbolTable(), textparse.ParserOptions{},
		)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for {
			entry, err := parser.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if entry != textparse.EntrySeries {
				continue
			}
			var series labels.Labels
			parser.Labels(&series)
			if series.Get("service_name") != "" {
				readiness[c.name]++
			}
		}
	}
	for name, n := range readiness {
		if n < 500 || n != readiness["text"] {
			t.Errorf("%s has %d series of services, the plain text %d", name, n, readiness["text"])
		}
	}
	if len(readiness) != 4 {
		t.Errorf("only %v were read", readiness)
	}
}
