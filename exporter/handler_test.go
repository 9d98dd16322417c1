package exporter

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

const (
	// prometheusAccept is what Prometheus sends, with native histograms on.
	prometheusAccept = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6," +
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4," +
		"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
	openMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8"
	textType        = "text/plain; version=0.0.4; charset=utf-8"
)

// liveRegistry holds one live counter and nothing that changes by itself.
func liveRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "readiness_collector_test_total", Help: "A live counter.",
	})
	counter.Add(3)
	registry.MustRegister(counter)
	return registry
}

func fixed(page *Page) func() *Page { return func() *Page { return page } }

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func scrape(t testing.TB, h http.Handler, method, accept, encoding string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, "/metrics", nil)
	r.Header.Set("Accept", accept)
	r.Header.Set("Accept-Encoding", encoding)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func read(t testing.TB, r io.Reader) []byte {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestServesBothPartsAsOneExposition(t *testing.T) {
	page := mustRender(t, smallSnapshot(), Options{})
	h := Handler(fixed(page), liveRegistry(), HandlerOptions{Now: at(now)})

	resp := scrape(t, h, "GET", "", "")
	if got := resp.Header.Get("Content-Type"); got != textType {
		t.Errorf("Content-Type %q, want %q", got, textType)
	}
	text := read(t, resp.Body)
	want := string(page.Bytes(Text)) + "# HELP readiness_collector_test_total A live counter.\n" +
		"# TYPE readiness_collector_test_total counter\nreadiness_collector_test_total 3\n"
	if string(text) != want {
		t.Errorf("text page:\n%s", firstDifference([]byte(want), text))
	}
	parseText(t, text)

	resp = scrape(t, h, "GET", prometheusAccept, "")
	if got := resp.Header.Get("Content-Type"); got != openMetricsType {
		t.Errorf("Content-Type %q, want %q", got, openMetricsType)
	}
	open := read(t, resp.Body)
	want = string(page.Bytes(OpenMetrics)) + "# HELP readiness_collector_test A live counter.\n" +
		"# TYPE readiness_collector_test counter\nreadiness_collector_test_total 3.0\n# EOF\n"
	if string(open) != want {
		t.Errorf("OpenMetrics page:\n%s", firstDifference([]byte(want), open))
	}
	if n := bytes.Count(open, []byte("# EOF")); n != 1 {
		t.Errorf("%d end marks", n)
	}
}

func TestNegotiation(t *testing.T) {
	h := Handler(fixed(mustRender(t, smallSnapshot(), Options{})), liveRegistry(), HandlerOptions{Now: at(now)})
	for accept, want := range map[string]string{
		"":                    textType,
		"*/*":                 textType,
		"text/html,*/*;q=0.8": textType,
		prometheusAccept:      openMetricsType,
		"application/json":    textType,
		"text/plain":          textType,
		"garbage;;q=,":        textType,
		"application/openmetrics-text;version=1.0.0":                                                   openMetricsType,
		"application/openmetrics-text;version=0.0.1":                                                   textType,
		"application/openmetrics-text;version=1.0.0;q=0.1,text/plain;version=0.0.4;q=0.9":              textType,
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited":   textType,
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text;q=0.99": textType,
	} {
		if got := scrape(t, h, "GET", accept, "").Header.Get("Content-Type"); got != want {
			t.Errorf("Accept %q is answered with %q, want %q", accept, got, want)
		}
	}
	for encoding, want := range map[string]string{
		"": "", "gzip": "gzip", "deflate, gzip;q=1.0, *;q=0.5": "gzip", "GZIP": "gzip", "gzip;q=0": "", "gzip;q=0, *": "",
		"*": "gzip", "*;q=0": "", "identity": "", "br, zstd": "", "gzip;q=nonsense": "",
	} {
		if got := scrape(t, h, "GET", "", encoding).Header.Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %q is answered with %q, want %q", encoding, got, want)
		}
	}
}

func TestGzipIsOneMember(t *testing.T) {
	for name, s := range map[string]*Page{
		"small": mustRender(t, smallSnapshot(), Options{}),
		"large": mustRender(t, largeSnapshot(300), Options{Detail: Full, CheckStatusPass: true}),
		"none":  nil,
	} {
		h := Handler(fixed(s), liveRegistry(), HandlerOptions{Now: at(now)})
		for _, accept := range []string{"text/plain", prometheusAccept} {
			want := read(t, scrape(t, h, "GET", accept, "").Body)
			// Twice, so that the second answer uses a compressor again.
			for range 2 {
				resp := scrape(t, h, "GET", accept, "gzip")
				packed := read(t, resp.Body)
				if got := resp.Header.Get("Content-Length"); got != strconv.Itoa(len(packed)) {
					t.Errorf("%s: Content-Length %s of %d bytes", name, got, len(packed))
				}
				checkGzip(t, name, packed, want)
			}
		}
	}
}

func checkGzip(t *testing.T, name string, packed, want []byte) {
	t.Helper()
	// Without multistream a second member would be left over, as for curl.
	input := bytes.NewReader(packed)
	z, err := gzip.NewReader(input)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	z.Multistream(false)
	if got := read(t, z); !bytes.Equal(got, want) {
		t.Errorf("%s: compress/gzip reads another page: %s", name, firstDifference(want, got))
	}
	if input.Len() != 0 {
		t.Errorf("%s: %d bytes after the first gzip member", name, input.Len())
	}
	command, err := exec.LookPath("gzip")
	if err != nil {
		t.Skip("gzip is not installed: the page was only read by compress/gzip")
	}
	var stderr bytes.Buffer
	unpack := exec.Command(command, "-dc")
	unpack.Stdin, unpack.Stderr = bytes.NewReader(packed), &stderr
	got, err := unpack.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s: gzip -dc: %v: %s", name, err, &stderr)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: gzip -dc reads another page: %s", name, firstDifference(want, got))
	}
}

func TestCurlReadsGzip(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed: the page was only read by compress/gzip and gzip")
	}
	h := Handler(fixed(mustRender(t, largeSnapshot(100), Options{})), liveRegistry(), HandlerOptions{Now: at(now)})
	server := httptest.NewServer(h)
	defer server.Close()
	got, err := exec.Command(curl, "-sS", "--fail", "--compressed", server.URL).Output()
	if err != nil {
		t.Fatalf("curl --compressed: %v", err)
	}
	if want := read(t, scrape(t, h, "GET", "*/*", "").Body); !bytes.Equal(got, want) {
		t.Errorf("curl reads another page: %s", firstDifference(want, got))
	}
}

func TestStaleSnapshotIsNotServed(t *testing.T) {
	page := mustRender(t, smallSnapshot(), Options{EvaluationInterval: 10 * time.Second})
	for _, c := range []struct {
		age  time.Duration
		want bool
	}{{0, true}, {-time.Hour, true}, {30 * time.Second, true}, {30*time.Second + 1, false}, {24 * time.Hour, false}} {
		h := Handler(fixed(page), liveRegistry(), HandlerOptions{Now: at(now.Add(c.age))})
		for _, encoding := range []string{"", "gzip"} {
			resp := scrape(t, h, "GET", prometheusAccept, encoding)
			var body io.Reader = resp.Body
			if encoding == "gzip" {
				z, err := gzip.NewReader(resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				body = z
			}
			got := string(read(t, body))
			if served := strings.Contains(got, "readiness_badge_level"); served != c.want {
				t.Errorf("age %s, encoding %q: readiness families served: %v, want %v", c.age, encoding, served, c.want)
			}
			if !strings.HasSuffix(got, "readiness_collector_test_total 3.0\n# EOF\n") {
				t.Errorf("age %s: no process metrics", c.age)
			}
		}
	}
}

func TestMethods(t *testing.T) {
	server := httptest.NewServer(Handler(
		fixed(mustRender(t, smallSnapshot(), Options{})), liveRegistry(), HandlerOptions{Now: at(now)},
	))
	defer server.Close()
	get, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer get.Body.Close()
	head, err := http.Head(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer head.Body.Close()
	if head.StatusCode != http.StatusOK || head.Header.Get("Content-Type") != textType || len(read(t, head.Body)) != 0 {
		t.Errorf("HEAD: %s %v", head.Status, head.Header)
	}
	post, err := http.Post(server.URL, "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	defer post.Body.Close()
	if post.StatusCode != http.StatusMethodNotAllowed || post.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %s, Allow %q", post.Status, post.Header.Get("Allow"))
	}
}

func TestFailedGatherCostsNoPage(t *testing.T) {
	broken := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		// Its header is written before the missing value is found.
		hollow := &dto.MetricFamily{Name: new("hollow_total"), Type: dto.MetricType_COUNTER.Enum(), Metric: []*dto.Metric{{}}}
		families, _ := liveRegistry().Gather()
		return append([]*dto.MetricFamily{hollow}, families...), errors.New("a collector broke")
	})
	var log bytes.Buffer
	h := Handler(
		fixed(mustRender(t, smallSnapshot(), Options{})), broken,
		HandlerOptions{Now: at(now), Logger: slog.New(slog.NewTextHandler(&log, nil))},
	)
	body := string(read(t, scrape(t, h, "GET", prometheusAccept, "").Body))
	for _, want := range []string{"readiness_badge_level{", "readiness_collector_test_total 3.0\n# EOF\n"} {
		if !strings.Contains(body, want) {
			t.Errorf("the answer lacks %q", want)
		}
	}
	if strings.Contains(body, "hollow") {
		t.Error("half of a family was served")
	}
	if !strings.Contains(log.String(), "a collector broke") || !strings.Contains(log.String(), "hollow_total") {
		t.Errorf("not logged: %s", &log)
	}
}

func TestConcurrentScrapesDuringSwap(t *testing.T) {
	pages := []*Page{mustRender(t, smallSnapshot(), Options{}), mustRender(t, largeSnapshot(20), Options{}), nil}
	var mu sync.Mutex
	turn := 0
	current := func() *Page {
		mu.Lock()
		defer mu.Unlock()
		turn++
		return pages[turn%len(pages)]
	}
	h := Handler(current, liveRegistry(), HandlerOptions{Now: at(now)})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				z, err := gzip.NewReader(scrape(t, h, "GET", prometheusAccept, "gzip").Body)
				if err != nil {
					t.Error(err)
					return
				}
				if body := read(t, z); !bytes.HasSuffix(body, []byte("# EOF\n")) {
					t.Error("a page without an end")
				}
			}
		})
	}
	wg.Wait()
}
