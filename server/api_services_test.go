package server

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prodready/collector/snapshot"
)

// TestTheListOfServicesIsMadeOnce for each snapshot, in both encodings and with a tag
// that says whether it has changed.
func TestTheListOfServicesIsMadeOnce(t *testing.T) {
	current := fleet("checkout")
	o := options(current)
	o.Current = func() *snapshot.Snapshot { return current }
	server := newServer(t, o)
	h := server.Handler()
	get := func(headers ...string) *http.Response {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, "/api/v1/services", nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result()
	}
	body := func(from io.Reader) []byte {
		t.Helper()
		b, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	plain := get()
	text, tag := body(plain.Body), plain.Header.Get("ETag")
	if plain.StatusCode != http.StatusOK || tag == "" || !bytes.Contains(text, []byte("checkout")) {
		t.Fatalf("%s, tag %q: %s", plain.Status, tag, text)
	}
	zipped := get("Accept-Encoding", "gzip")
	unzipped, err := gzip.NewReader(zipped.Body)
	if err != nil || zipped.Header.Get("Content-Encoding") != "gzip" || zipped.Header.Get("Vary") != "Accept-Encoding" {
		t.Fatalf("%v: %v", err, zipped.Header)
	}
	if got := body(unzipped); !bytes.Equal(got, text) {
		t.Errorf("unzipped: %s", got)
	}
	if known := get("If-None-Match", tag); known.StatusCode != http.StatusNotModified || len(body(known.Body)) != 0 {
		t.Errorf("what is known: %s", known.Status)
	}
	if other := get("If-None-Match", `W/"other"`); other.StatusCode != http.StatusOK {
		t.Errorf("another is known: %s", other.Status)
	}
	made := &server.services.plain[0]
	if get(); &server.services.plain[0] != made {
		t.Error("the list is made again")
	}
	current = fleet("checkout", "invoices")
	if changed := get("If-None-Match", tag); changed.StatusCode != http.StatusOK ||
		!bytes.Contains(body(changed.Body), []byte("invoices")) {
		t.Errorf("a new snapshot: %s", changed.Status)
	}
}
