package server

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/report"
)

// serveGate answers whether a service proves what is asked. The status says nothing of the
// verdict: a release controller reads the body.
func (s *Server) serveGate(w http.ResponseWriter, r *http.Request) {
	current, ok := s.current(w)
	if !ok {
		return
	}
	name := r.PathValue("name")
	card, ok := report.NewScorecard(current, name)
	if !ok {
		unknownService(w, current, name)
		return
	}
	query, err := gateQuery(r)
	if err == nil {
		var gate report.Gate
		if gate, err = report.NewGate(card, query, s.o.Now()); err == nil {
			s.writeJSON(w, gate)
			return
		}
	}
	writeProblem(w, http.StatusBadRequest, err.Error())
}

// gateQuery reads what is asked.
func gateQuery(r *http.Request) (report.GateQuery, error) {
	values := r.URL.Query()
	known := []string{"badge", "check", "max_age", "module"}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(known, name) {
			return report.GateQuery{}, fmt.Errorf("unknown parameter %q%s", name, nearest.Suggest(name, known))
		}
	}
	q := report.GateQuery{Badge: values.Get("badge"), Modules: values["module"], Checks: values["check"]}
	if text := values.Get("max_age"); text != "" {
		age, err := model.ParseDuration(text)
		if err != nil || age <= 0 {
			return q, fmt.Errorf("max_age=%q: want a duration such as 30m or 2h", text)
		}
		q.MaxAge = time.Duration(age)
	}
	return q, nil
}
