package server

import (
	"io"
	"net/http"
	"time"
)

// notReady is why there is nothing to answer from.
func (s *Server) notReady() string {
	if s.o.Waiting != nil {
		if why := s.o.Waiting(); why != "" {
			return why
		}
	}
	return "the first evaluation has not finished yet"
}

// serveHealthy says that the process answers.
func (s *Server) serveHealthy(w http.ResponseWriter, _ *http.Request) {
	plain(w, http.StatusOK, "healthy")
}

// emptyCatalog is why there is nothing in the answers.
const emptyCatalog = "the catalog has no services; `collector check` says what it has read"

// serveReady says whether there is a snapshot to answer from, whether it is young
// enough, and whether it has services: an empty catalog is a fault of the
// configuration.
func (s *Server) serveReady(w http.ResponseWriter, _ *http.Request) {
	switch current := s.o.Current(); {
	case current == nil:
		plain(w, http.StatusServiceUnavailable, "not ready: "+s.notReady())
	case len(current.Services) == 0:
		plain(w, http.StatusServiceUnavailable, "not ready: "+emptyCatalog)
	case s.o.Overdue != nil && s.o.Overdue():
		plain(w, http.StatusServiceUnavailable, "not ready: services were last judged at "+
			current.At.UTC().Format(time.RFC3339)+", so that no metric of them is served; the log says why")
	default:
		plain(w, http.StatusOK, "ready")
	}
}

// plain writes one line of text.
func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}
