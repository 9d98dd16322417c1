package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/store"
)

// UnknownNameError says that there is nothing of a name.
type UnknownNameError struct{ text string }

// Error implements error.
func (e *UnknownNameError) Error() string { return e.text }

// UnknownName tells the server that it is no fault.
func (e *UnknownNameError) UnknownName() bool { return true }

// Incidents lists what is in the store right now. It collects nothing and writes nothing,
// so it may run beside a daemon.
func Incidents(ctx context.Context, o Options, q report.IncidentQuery) (report.Incidents, error) {
	r, err := openForReading(ctx, o)
	if err != nil {
		return report.Incidents{}, err
	}
	defer r.close()
	return incidentsOf(ctx, r.store, r.runtimeConfig, q, store.IncidentFilter{}, r.options.Now())
}

// incidentsOf lists the incidents that a query selects, among those of a filter.
func incidentsOf(
	ctx context.Context, s *store.Store, rc *runtimeConfig, q report.IncidentQuery, filter store.IncidentFilter,
	now time.Time,
) (report.Incidents, error) {
	scope, group, services, err := servicesOf(&q, rc.Catalog)
	if err != nil {
		return report.Incidents{}, err
	}
	window := correlation.Window(q.Window)
	counted := rc.Catalog.Services()
	if filter.Service != "" {
		counted = services
	}
	links, measured, err := measureIncidents(ctx, s, filter, measuring{
		sources: rc.SourceIDs(), services: counted, window: window, now: now,
	})
	if err != nil {
		return report.Incidents{}, err
	}
	var figures *correlation.Figures
	if scope == scopeService {
		figures = measured.Services[group]
	}
	for i := range measured.Groups {
		if g := &measured.Groups[i]; string(g.Scope) == scope && g.Group == group {
			figures = &g.Figures
		}
	}
	list, leftOut := links.Listing(services, window, now)
	out := report.NewIncidents(list, figures, window, q.Class, now)
	out.Scope, out.Group, out.LeftOut = scope, group, leftOut
	if scope == string(correlation.ScopeFleet) {
		uncounted, err := s.Uncounted(ctx)
		if err != nil {
			return report.Incidents{}, err
		}
		out.AddUncounted(uncounted)
	}
	return out, nil
}

// measuring is what incidents are measured for.
type measuring struct {
	sources  []string
	services []*catalog.Service
	window   correlation.Window
	now      time.Time
}

// measureIncidents links the incidents of a filter that lie within the window, and
// measures them.
func measureIncidents(
	ctx context.Context, s *store.Store, filter store.IncidentFilter, m measuring,
) (*correlation.Links, correlation.Measured, error) {
	options := correlation.Options{Windows: []correlation.Window{m.window}, BadgeWindow: m.window}
	filter.Since = options.Since(m.now)
	records, err := s.Incidents(ctx, filter)
	if err != nil {
		return nil, correlation.Measured{}, fmt.Errorf("reading incidents: %w", err)
	}
	if options.Doubts, err = s.IncidentDoubts(ctx, m.sources); err != nil {
		return nil, correlation.Measured{}, err
	}
	links, meter := correlation.NewLinks(), correlation.NewMeter()
	if filter.Service == "" {
		seen, err := s.SeenSeverities(ctx)
		if err != nil {
			return nil, correlation.Measured{}, err
		}
		for _, in := range seen {
			meter.See(in.Service, in.Severity)
		}
	}
	meter.Change(links.Update(records, filter.Since))
	return links, meter.Measure(m.services, correlation.BadgeHistory{}, options, m.now), nil
}

const scopeService = "service"

// services are those that a query selects, and the group that they are.
func servicesOf(q *report.IncidentQuery, c *catalog.Catalog) (scope, group string, list []*catalog.Service, err error) {
	all := c.Services()
	if q.Service != "" {
		s, err := c.Lookup(q.Service)
		if err != nil {
			return "", "", nil, &UnknownNameError{err.Error()}
		}
		return scopeService, s.Name, []*catalog.Service{s}, nil
	}
	of := func(scope correlation.Scope, want string, name func(*catalog.Service) string) (
		string, string, []*catalog.Service, error,
	) {
		names := map[string]bool{}
		for _, s := range all {
			if name(s) != "" {
				names[name(s)] = true
			}
			if name(s) == want {
				list = append(list, s)
			}
		}
		if len(list) == 0 {
			return "", "", nil, &UnknownNameError{fmt.Sprintf("no service of %s %q in the catalog%s", scope, want,
				nearest.Suggest(want, slices.Sorted(maps.Keys(names))))}
		}
		return string(scope), want, list, nil
	}
	switch {
	case q.Team != "":
		return of(correlation.ScopeTeam, q.Team, func(s *catalog.Service) string { return s.Team })
	case q.Org != "":
		return of(correlation.ScopeOrg, q.Org, func(s *catalog.Service) string { return s.Org })
	case q.Tier != 0:
		tier := func(s *catalog.Service) string { return strconv.Itoa(s.Tier) }
		return of(correlation.ScopeTier, strconv.Itoa(q.Tier), tier)
	}
	return string(correlation.ScopeFleet), correlation.FleetGroup, all, nil
}
