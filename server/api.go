package server

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	_ "embed" // the description of the API
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/exporter"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/snapshot"
)

//go:embed openapi.yaml
var openAPI []byte

const (
	apiPrefix = "/api/"
	// maxHintName is the longest name that a nearest one is looked for: the
	// work grows with it, and anyone may ask.
	maxHintName = 200
	// maxHints is how many near names an error lists.
	maxHints = 3
	// maxLimit is the largest number of services that can be asked for at once; without a
	// limit there are all.
	maxLimit = 1000
	// historySince and incidentsWindow are how far back is answered where it is not asked.
	historySince, incidentsWindow = "90d", "30d"
)

// servicesAnswer is the list of all services of one snapshot, which many dashboards ask
// for: at 10,000 services it takes longer to make than to send.
type servicesAnswer struct {
	mu            sync.Mutex
	of            *snapshot.Snapshot
	fleet         report.Fleet
	plain, zipped []byte
	tag           string
}

// serveServices answers the list of all services, or of those that are asked for.
func (s *Server) serveServices(w http.ResponseWriter, r *http.Request) {
	current, ok := s.current(w)
	if !ok {
		return
	}
	if r.URL.RawQuery != "" {
		s.serveSelected(w, r, current)
		return
	}
	plain, zipped, tag, err := s.services.get(current)
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

// serveSelected answers the services that a query selects, a part of them at a time.
func (s *Server) serveSelected(w http.ResponseWriter, r *http.Request, current *snapshot.Snapshot) {
	values := r.URL.Query()
	q, err := report.ParseFleetQuery(values, "limit", "cursor")
	limit := maxLimit
	if text := values.Get("limit"); err == nil && text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxLimit {
			err = fmt.Errorf("limit=%q: want a number from 1 to %d", text, maxLimit)
		}
	}
	if err != nil {
		writeProblem(w, http.StatusBadRequest, err.Error())
		return
	}
	fleet := s.services.fleetOf(current)
	rows := q.Select(fleet.Services)
	from := 0
	if cursor := values.Get("cursor"); cursor != "" {
		last, err := base64.RawURLEncoding.DecodeString(cursor)
		at := slices.IndexFunc(rows, func(row *report.FleetRow) bool { return row.Service == string(last) })
		if err != nil || at < 0 {
			writeProblem(w, http.StatusBadRequest, "the cursor is of no service that is selected now: begin again without it")
			return
		}
		from = at + 1
	}
	to := min(from+limit, len(rows))
	page := report.ServicesPage{Fleet: fleet, Total: len(rows)}
	page.Services = make([]report.FleetRow, 0, to-from)
	for _, row := range rows[from:to] {
		page.Services = append(page.Services, *row)
	}
	if to < len(rows) {
		page.NextCursor = base64.RawURLEncoding.EncodeToString([]byte(rows[to-1].Service))
	}
	s.writeJSON(w, page)
}

// fleetOf are all services of a snapshot, which are listed once.
func (a *servicesAnswer) fleetOf(current *snapshot.Snapshot) report.Fleet {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list(current)
	return a.fleet
}

// list lists the services of a snapshot, if they are not listed yet.
func (a *servicesAnswer) list(current *snapshot.Snapshot) {
	if a.of != current {
		a.of, a.fleet, a.plain = current, report.NewFleet(current), nil
	}
}

// get is the answer for a snapshot, which is made once. The tag is weak, because it is
// that of both encodings.
func (a *servicesAnswer) get(current *snapshot.Snapshot) (plain, zipped []byte, tag string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list(current)
	if a.plain != nil {
		return a.plain, a.zipped, a.tag, nil
	}
	plain, err = json.Marshal(report.ServicesPage{Fleet: a.fleet, Total: len(a.fleet.Services)})
	if err != nil {
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
	a.plain, a.zipped, a.tag = plain, packed.Bytes(), fmt.Sprintf(`W/"%x"`, sum[:8])
	return a.plain, a.zipped, a.tag, nil
}

// serveService answers one scorecard.
func (s *Server) serveService(w http.ResponseWriter, r *http.Request) {
	s.ofService(w, r, func(_ context.Context, current *snapshot.Snapshot, name string) (any, error) {
		card, _ := report.NewScorecard(current, name)
		return card, nil
	})
}

// serveHistory answers how the badge of a service came to be.
func (s *Server) serveHistory(w http.ResponseWriter, r *http.Request) {
	text := cmp.Or(r.URL.Query().Get("since"), historySince)
	since, err := model.ParseDuration(text)
	if err != nil || since <= 0 {
		writeProblem(w, http.StatusBadRequest, fmt.Sprintf("since=%q: want a duration such as 30d", text))
		return
	}
	s.ofService(w, r, func(ctx context.Context, current *snapshot.Snapshot, name string) (any, error) {
		return s.o.Past.History(ctx, current, name, current.At.Add(-time.Duration(since)))
	}, "since")
}

// ofService answers something of a service, and 404 if no service has the name.
func (s *Server) ofService(
	w http.ResponseWriter, r *http.Request,
	answer func(ctx context.Context, current *snapshot.Snapshot, name string) (any, error), parameters ...string,
) {
	current, ok := s.current(w)
	if !ok || !s.knows(w, r, parameters...) {
		return
	}
	name := r.PathValue("name")
	if _, ok := current.Find(name); !ok {
		unknownService(w, current, name)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), storeTimeout)
	defer cancel()
	body, err := answer(ctx, current, name)
	s.writeAnswer(w, r, body, err)
}

// serveIncidents answers the incidents of the fleet, or of a part of it.
func (s *Server) serveIncidents(w http.ResponseWriter, r *http.Request) {
	current, ok := s.current(w)
	if !ok || !s.knows(w, r, "service", "team", "org", "tier", "window", "class") {
		return
	}
	values := r.URL.Query()
	q := report.IncidentQuery{Service: values.Get("service"), Team: values.Get("team"), Org: values.Get("org"),
		Class: values.Get("class")}
	var err error
	if text := values.Get("tier"); text != "" {
		q.Tier, err = strconv.Atoi(text)
	}
	if err == nil {
		err = q.Complete(cmp.Or(values.Get("window"), incidentsWindow), "")
	}
	if err != nil {
		writeProblem(w, http.StatusBadRequest, err.Error())
		return
	}
	if _, known := current.Find(q.Service); q.Service != "" && !known {
		unknownService(w, current, q.Service)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), storeTimeout)
	defer cancel()
	body, err := s.o.Past.Incidents(ctx, current, q)
	s.writeAnswer(w, r, body, err)
}

// serveTeams, serveChecks, serveFramework and serveEffect answer from the snapshot alone.
func (s *Server) serveTeams(w http.ResponseWriter, r *http.Request) {
	s.fromSnapshot(w, r, func(current *snapshot.Snapshot) any { return report.NewTeams(s.services.fleetOf(current)) })
}

func (s *Server) serveChecks(w http.ResponseWriter, r *http.Request) {
	s.fromSnapshot(w, r, func(current *snapshot.Snapshot) any { return report.NewChecks(current) })
}

func (s *Server) serveFramework(w http.ResponseWriter, r *http.Request) {
	s.fromSnapshot(w, r, func(current *snapshot.Snapshot) any { return report.NewFrameworkInfo(current) })
}

func (s *Server) serveEffect(w http.ResponseWriter, r *http.Request) {
	s.fromSnapshot(w, r, func(current *snapshot.Snapshot) any { return report.LastCorrelation(current) })
}

func (s *Server) fromSnapshot(w http.ResponseWriter, r *http.Request, answer func(*snapshot.Snapshot) any) {
	if current, ok := s.current(w); ok && s.knows(w, r) {
		s.writeJSON(w, answer(current))
	}
}

// knows answers 400 for a parameter that is none of these.
func (s *Server) knows(w http.ResponseWriter, r *http.Request, parameters ...string) bool {
	for _, name := range slices.Sorted(maps.Keys(r.URL.Query())) {
		if !slices.Contains(parameters, name) {
			detail := fmt.Sprintf("unknown parameter %q%s", name, nearest.Suggest(name, parameters))
			writeProblem(w, http.StatusBadRequest, detail)
			return false
		}
	}
	return true
}

// writeAnswer answers what was read from the store.
func (s *Server) writeAnswer(w http.ResponseWriter, r *http.Request, body any, err error) {
	var unknown interface{ UnknownName() bool }
	switch {
	case err == nil:
		s.writeJSON(w, body)
	case errors.As(err, &unknown):
		writeProblem(w, http.StatusNotFound, err.Error())
	case r.Context().Err() == nil:
		s.o.Logger.Error("the store did not answer a request to the API", "path", r.URL.Path, "err", err)
		writeProblem(w, http.StatusInternalServerError, "the store did not answer; the log says why")
	}
}

// serveOpenAPI answers the description of the API.
func (s *Server) serveOpenAPI(w http.ResponseWriter, r *http.Request) {
	writeTagged(w, r, "no-cache", "application/yaml", openAPI)
}

// current is the snapshot to answer from; without one it answers 503 itself.
func (s *Server) current(w http.ResponseWriter) (*snapshot.Snapshot, bool) {
	current := s.o.Current()
	if current == nil {
		w.Header().Set("Retry-After", "5")
		writeProblem(w, http.StatusServiceUnavailable, s.notReady())
	}
	return current, current != nil
}

// unknownService says which service was probably meant.
func unknownService(w http.ResponseWriter, s *snapshot.Snapshot, name string) {
	if len(name) > maxHintName {
		writeProblem(w, http.StatusNotFound, fmt.Sprintf("unknown service: no name is %d bytes long", len(name)))
		return
	}
	names := make([]string, 0, len(s.Services))
	for i := range s.Services {
		entry := s.Services[i].Entry
		if slices.Contains(entry.Aliases, name) {
			detail := fmt.Sprintf("unknown service %q: it is an alias of %q", name, entry.Name)
			writeProblem(w, http.StatusNotFound, detail, entry.Name)
			return
		}
		names = append(names, entry.Name)
	}
	detail := fmt.Sprintf("unknown service %q%s", name, nearest.Suggest(name, names))
	var near []string
	for range maxHints {
		found, ok := nearest.Name(name, names)
		if !ok {
			break
		}
		near = append(near, found)
		names = slices.DeleteFunc(names, func(n string) bool { return n == found })
	}
	writeProblem(w, http.StatusNotFound, detail, near...)
}

// writeJSON marshals before it writes, so that a failure can still be the answer.
func (s *Server) writeJSON(w http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		s.failedToEncode(w, err)
		return
	}
	writeBody(w, http.StatusOK, jsonType, append(body, '\n'))
}

// jsonType is the type of the answers of the API.
const jsonType = "application/json"

// failedToEncode answers a fault of this program.
func (s *Server) failedToEncode(w http.ResponseWriter, err error) {
	s.o.Logger.Error("encoding an answer as JSON failed", "error", err)
	writeProblem(w, http.StatusInternalServerError, "the answer could not be encoded, see the log")
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
	writeProblem(w, status, text)
}
