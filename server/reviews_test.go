package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prodready/collector/snapshot"
)

// keptReviews has one review.
type keptReviews struct{ enabled bool }

func (k *keptReviews) Enabled() bool { return k.enabled }

func (*keptReviews) Index(context.Context) ([]byte, error) { return []byte("<p>list</p>"), nil }

func (*keptReviews) File(_ context.Context, file string) ([]byte, string, error) {
	switch file {
	case "2026-W47.html":
		return []byte("<p>review</p>"), "text/html; charset=utf-8", nil
	case "2026-W46.html":
		return nil, "", errors.New("secret of the store")
	}
	return nil, "", nil
}

func (*keptReviews) Policy() string { return "default-src 'none'; style-src 'sha256-x'" }

func TestReviewsAreServed(t *testing.T) {
	kept := &keptReviews{enabled: true}
	s := newServer(t, Options{Current: func() *snapshot.Snapshot { return nil }, Metrics: http.NotFoundHandler(),
		Past: noPast{}, Reviews: kept})
	ask := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
		return w
	}
	for _, c := range []struct {
		method, path string
		code         int
		body         string
	}{
		{http.MethodGet, "/reviews/", http.StatusOK, "<p>list</p>"},
		{http.MethodGet, "/reviews/2026-W47.html", http.StatusOK, "<p>review</p>"},
		{http.MethodHead, "/reviews/2026-W47.html", http.StatusOK, ""},
		{http.MethodGet, "/reviews/2026-W45.html", http.StatusNotFound, "no such review"},
		{http.MethodGet, "/reviews/2026-W46.html", http.StatusInternalServerError, "see the log"},
		{http.MethodGet, "/reviews/..%2f2026-W47.html", http.StatusNotFound, "no such review"},
		{http.MethodGet, "/reviews/%2e%2e%2fetc%2fpasswd", http.StatusNotFound, "no such review"},
		{http.MethodGet, "/reviews/a/b", http.StatusNotFound, "nothing at this path"},
		{http.MethodPost, "/reviews/2026-W47.html", http.StatusMethodNotAllowed, ""},
		{http.MethodDelete, "/reviews/2026-W47.html", http.StatusMethodNotAllowed, ""},
		{http.MethodGet, "/nothing", http.StatusNotFound, "GET /reviews/"},
		{http.MethodGet, "/", http.StatusOK, `href="./reviews/"`},
	} {
		w := ask(c.method, c.path)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.body) || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s %s: %d %s, want %d with %q", c.method, c.path, w.Code, w.Body, c.code, c.body)
		}
		policy := w.Header().Get("Content-Security-Policy")
		if ok := strings.HasPrefix(c.path, "/reviews/") && c.code == http.StatusOK; ok != strings.Contains(policy, "'sha256-x'") {
			t.Errorf("%s: policy %q", c.path, policy)
		}
	}
	kept.enabled = false
	for _, path := range []string{"/reviews/", "/reviews/2026-W47.html"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if w := ask(method, path); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "/reviews/") {
				t.Errorf("not configured: %s %s: %d %s", method, path, w.Code, w.Body)
			}
		}
	}
	if w := ask(http.MethodGet, "/"); strings.Contains(w.Body.String(), "reviews/") {
		t.Error("the first page names reviews that are not made")
	}
}
