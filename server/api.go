package server

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/prodready/collector/exporter"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/snapshot"
)

const (
	apiPrefix = "/api/"
	// maxHintName is the longest name that a nearest one is looked for: the
	// work grows with it, and anyone may ask.
	maxHintName = 200
	// maxHints is how many near names an error lists.
	maxHints = 3
)

// apiError is the body of every error under /api.
type apiError struct {
	Error string `json:"error"`
	// Nearest are names that were probably meant, nearest first.
	Nearest []string `json:"nearest,omitempty"`
}

// servicesAnswer is the list of all services of one snapshot, which many dashboards ask
// for: at 10,000 services it takes longer to make than to send.
type servicesAnswer struct {
	mu            sync.Mutex
	of            *snapshot.Snapshot
	plain, zipped []byte
	tag           string
}

// serveServices answers the list of all services.
func (s *Server) serveServices(w http.ResponseWriter, r *http.Request) {
	current, ok := s.current(w)
	if !ok {
		return
	}
	plain, zipped, tag, err := s.services.get(current, s.o.Reports)
	if err != nil {
		s.failedToEncode(w, err)
		return
	}
	h := w.Header()
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", tag)
	if known := r.Header.Get("If-None-Match"); known == "*" || strings.Contains(known, tag) {
		h.Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if exporter.AcceptsGzip(r.Header) {
		h.Set("Content-Encoding", "gzip")
		plain = zipped
	}
	writeBody(w, http.StatusOK, jsonType, plain)
}

// get is the answer for a snapshot, which is made once. The tag is weak, because it is
// that of both encodings.
func (a *servicesAnswer) get(
	current *snapshot.Snapshot, reports Reports,
) (plain, zipped []byte, tag string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of == current {
		return a.plain, a.zipped, a.tag, nil
	}
	if plain, err = json.Marshal(reports.Services(current)); err != nil {
		return nil, nil, "", err
	}
	plain = append(plain, '\n')
	var packed bytes.Buffer
	zipper, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		return nil, nil, "", err
	}
	if _, err = zipper.Write(plain); err != nil {
		return nil, nil, "", err
	}
	if err = zipper.Close(); err != nil {
		return nil, nil, "", err
	}
	sum := sha256.Sum256(plain)
	a.of, a.plain, a.zipped, a.tag = current, plain, packed.Bytes(), fmt.Sprintf(`W/"%x"`, sum[:8])
	return a.plain, a.zipped, a.tag, nil
}

// serveService answers one scorecard.
func (s *Server) serveService(w http.ResponseWriter, r *http.Request) {
	current, ok := s.current(w)
	if !ok {
		return
	}
	name := r.PathValue("name")
	if report, ok := s.o.Reports.Service(current, name); ok {
		s.writeJSON(w, http.StatusOK, report)
		return
	}
	s.writeJSON(w, http.StatusNotFound, unknownService(current, name))
}

// current is the snapshot to answer from; without one it answers 503 itself.
func (s *Server) current(w http.ResponseWriter) (*snapshot.Snapshot, bool) {
	current := s.o.Current()
	if current == nil {
		w.Header().Set("Retry-After", "5")
		s.writeJSON(w, http.StatusServiceUnavailable, apiError{Error: s.notReady()})
	}
	return current, current != nil
}

// unknownService says which service was probably meant.
func unknownService(s *snapshot.Snapshot, name string) apiError {
	if len(name) > maxHintName {
		return apiError{Error: fmt.Sprintf("unknown service: no name is %d bytes long", len(name))}
	}
	names := make([]string, 0, len(s.Services))
	for i := range s.Services {
		entry := s.Services[i].Entry
		if slices.Contains(entry.Aliases, name) {
			return apiError{
				Error:   fmt.Sprintf("unknown service %q: it is an alias of %q", name, entry.Name),
				Nearest: []string{entry.Name},
			}
		}
		names = append(names, entry.Name)
	}
	unknown := apiError{Error: fmt.Sprintf("unknown service %q%s", name, nearest.Suggest(name, names))}
	for range maxHints {
		near, ok := nearest.Name(name, names)
		if !ok {
			break
		}
		unknown.Nearest = append(unknown.Nearest, near)
		names = slices.DeleteFunc(names, func(n string) bool { return n == near })
	}
	return unknown
}

// writeJSON marshals before it writes, so that a failure can still be the answer.
func (s *Server) writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		s.failedToEncode(w, err)
		return
	}
	writeBody(w, status, jsonType, append(body, '\n'))
}

// jsonType is the type of the answers of the API.
const jsonType = "application/json"

// failedToEncode answers a fault of this program.
func (s *Server) failedToEncode(w http.ResponseWriter, err error) {
	s.o.Logger.Error("encoding an answer as JSON failed", "error", err)
	writeBody(w, http.StatusInternalServerError, jsonType,
		[]byte(`{"error":"the answer could not be encoded, see the log"}`+"\n"))
}

// writeBody writes a whole answer, which nothing may keep: the next snapshot
// is at most a minute away.
func writeBody(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// fail answers an error: as JSON under /api, else as a line of text.
func fail(w http.ResponseWriter, r *http.Request, status int, text string) {
	if !strings.HasPrefix(r.URL.Path, apiPrefix) {
		plain(w, status, text)
		return
	}
	// A struct of strings can always be marshalled.
	body, _ := json.Marshal(apiError{Error: text})
	writeBody(w, status, jsonType, append(body, '\n'))
}
