package project

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"sort"
	"strconv"
	"time"

	facts "github.com/prodready/collector/catalog"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/demo/prometheus"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	ledger "github.com/prodready/collector/store"
)

const (
	// recordedFor is how far back the series of the collector's recording rules reach.
	recordedFor = 181 * day
	// recordedWindow is the window of incidents that the dashboards show over time.
	recordedWindow = 30 * day
	// manyServices is the number from which on the past is written more coarsely.
	manyServices = 200
)

// Recorded are the series that the collector's recording rules would have left in the
// company's Prometheus over the past half year: those that the dashboards show over time.
// They follow from the judgements that Remember writes into the store and from the
// incidents of the company. They end now: from then on the rules record.
func Recorded(c *company.Company) (iter.Seq[prometheus.Series], error) {
	criteria, err := inForce(c)
	if err != nil {
		return nil, err
	}
	judgements, err := Past(c, criteria)
	if err != nil {
		return nil, err
	}
	r := &recording{Company: c, criteria: criteria, found: map[string]*recordedSeries{}, last: map[string][]string{}}
	r.judged(judgements)
	r.measured(judgements)
	fine, detail := fineRecorded(), detailRecorded()
	if len(c.Services) > manyServices {
		fine, detail = coarseRecorded(), coarseRecorded()
	}
	return func(yield func(prometheus.Series) bool) {
		for _, s := range r.order {
			resolutions := fine
			if s.detail {
				resolutions = detail
			}
			if !yield(prometheus.Series{
				Name: s.name, Labels: s.labels, Reach: recordedFor, Resolutions: resolutions, Past: true, At: s.value,
			}) {
				return
			}
		}
	}, nil
}

// fineRecorded, detailRecorded and coarseRecorded are how densely the past is written: for
// what is shown of many services at once, for what is shown of one, and for large companies.
// Grafana asks in multiples of these when a panel shows that much time.
func fineRecorded() []prometheus.Resolution {
	return []prometheus.Resolution{{Until: 8 * day, Every: 10 * time.Minute}, {Until: recordedFor, Every: time.Hour}}
}

func detailRecorded() []prometheus.Resolution {
	return []prometheus.Resolution{{Until: 8 * day, Every: 30 * time.Minute}, {Until: recordedFor, Every: 3 * time.Hour}}
}

func coarseRecorded() []prometheus.Resolution {
	return []prometheus.Resolution{{Until: 8 * day, Every: time.Hour}, {Until: recordedFor, Every: 6 * time.Hour}}
}

// recordedSeries is a series whose value changes at some times.
type recordedSeries struct {
	name   string
	labels map[string]string
	// detail is shown of one service at a time.
	detail bool
	at     []time.Time
	values []float64
}

// value is the value of the series at a time: that of its last change until then. It is
// false where the series does not exist.
func (s *recordedSeries) value(t time.Time) (float64, bool) {
	i := sort.Search(len(s.at), func(i int) bool { return s.at[i].After(t) }) - 1
	if i < 0 || math.IsNaN(s.values[i]) {
		return 0, false
	}
	return s.values[i], true
}

// recording is the making of recorded series.
type recording struct {
	*company.Company
	criteria *framework.Framework
	found    map[string]*recordedSeries
	order    []*recordedSeries
	// last has the labels of the last change of each service's badge.
	last map[string][]string
}

// set gives a series a value from a time on. Times of a series come in order.
func (r *recording) set(at time.Time, value float64, detail bool, name string, labels ...string) {
	key := name
	for _, l := range labels {
		key += "\x00" + l
	}
	s := r.found[key]
	if s == nil {
		s = &recordedSeries{name: "readiness:" + name, labels: map[string]string{}, detail: detail}
		for pair := range slices.Chunk(labels, 2) {
			s.labels[pair[0]] = pair[1]
		}
		r.found[key] = s
		r.order = append(r.order, s)
	}
	if n := len(s.values); n > 0 && (s.values[n-1] == value || math.IsNaN(s.values[n-1]) && math.IsNaN(value)) {
		return
	}
	s.at, s.values = append(s.at, at), append(s.values, value)
}

// gone is the value of a series that is not there.
func gone() float64 { return math.NaN() }

// judged records what judgements say.
func (r *recording) judged(judgements []ledger.Judgement) {
	statuses := map[string]map[string]scoring.Status{}
	badges := map[string]framework.Badge{}
	totals := map[[2]string]float64{}
	for _, j := range judgements {
		for _, t := range j.Transitions {
			key := [2]string{t.Direction(), string(t.Cause)}
			totals[key]++
			r.set(j.At, totals[key], false, "badge_transitions_total", "direction", key[0], "cause", key[1])
			r.changed(t)
		}
		for name, state := range j.Badges {
			if before, known := badges[name]; known && before != state.Badge {
				r.set(j.At, gone(), false, "badge", "service_name", name, "badge", before.String())
			}
			badges[name] = state.Badge
			r.set(j.At, 1, false, "badge", "service_name", name, "badge", state.Badge.String())
			r.set(j.At, float64(state.Badge), false, "badge_level", "service_name", name)
			if s, known := r.Service(name); known {
				r.info(j.At, s)
			}
		}
		touched := map[string]bool{}
		for _, s := range j.Statuses {
			if statuses[s.Service] == nil {
				statuses[s.Service] = map[string]scoring.Status{}
			}
			r.status(j.At, s, statuses[s.Service][s.Check])
			statuses[s.Service][s.Check] = s.Status
			touched[s.Service] = true
		}
		for name := range touched {
			r.scored(j.At, name, statuses[name])
		}
	}
}

// info records that a service is in the catalog.
func (r *recording) info(at time.Time, s *company.Service) {
	labels := []string{"service_name", s.Name, "org", s.Team.Org, "team", s.TeamName, "tier", strconv.Itoa(s.Tier)}
	if s.Odd == company.Orphaned {
		labels = []string{"service_name", s.Name, "org", "none", "team", "none", "tier", strconv.Itoa(s.Tier)}
	}
	r.set(at, 1, false, "service_info", labels...)
}

// changed records the last change of a badge.
func (r *recording) changed(t scoring.Transition) {
	const name = "badge_last_transition_timestamp_seconds"
	labels := []string{
		"service_name", t.Service, "direction", t.Direction(), "cause", string(t.Cause), "from", t.From.String(),
		"to", t.To.String(),
	}
	if last := r.last[t.Service]; last != nil && !slices.Equal(last, labels) {
		r.set(t.At, gone(), true, name, last...)
	}
	r.set(t.At, float64(t.At.Unix()), true, name, labels...)
	r.last[t.Service] = labels
}

// status records a check that does not pass.
func (r *recording) status(at time.Time, now ledger.CheckStatus, before scoring.Status) {
	check, err := r.criteria.Check(now.Check)
	if err != nil {
		return
	}
	set := func(status scoring.Status, value float64) {
		if status == scoring.Pass || status == scoring.NotApplicable || status == 0 {
			return
		}
		r.set(at, value, true, "check_status", "service_name", now.Service, "module", check.Module.ID, "check", now.Check,
			"status", status.String())
	}
	if before != now.Status {
		set(before, gone())
	}
	set(now.Status, 1)
}

// scored records what follows from the statuses of the checks of a service.
func (r *recording) scored(at time.Time, name string, statuses map[string]scoring.Status) {
	var all, passing, undecided float64
	counts, counted := map[string]map[scoring.Status]float64{}, 0.0
	for _, check := range r.criteria.Checks {
		status, known := statuses[check.ID]
		if !known {
			continue
		}
		module := check.Module.ID
		if counts[module] == nil {
			counts[module] = map[scoring.Status]float64{}
		}
		counts[module][status]++
		if !status.Counted() {
			continue
		}
		counted++
		all += check.Weight
		switch status {
		case scoring.Pass:
			passing += check.Weight
		case scoring.Unknown:
			undecided += check.Weight
		}
	}
	unknown := 0.0
	for module, of := range counts {
		unknown += of[scoring.Unknown]
		for _, status := range []scoring.Status{scoring.Pass, scoring.Fail, scoring.Unknown} {
			r.set(at, of[status], true, "module_checks", "service_name", name, "module", module, "status", status.String())
		}
	}
	if all == 0 {
		return
	}
	r.set(at, passing/all, false, "score_ratio", "service_name", name)
	r.set(at, (passing+undecided)/all, false, "score_upper_ratio", "service_name", name)
	r.set(at, (counted-unknown)/counted, false, "evidence_coverage_ratio", "service_name", name)
}

// measured records the figures of incidents, as the collector would have made them.
func (r *recording) measured(judgements []ledger.Judgement) {
	services := make([]*facts.Service, 0, len(r.Services))
	for _, s := range r.Services {
		services = append(services, &facts.Service{Name: s.Name, Tier: s.Tier, Team: s.TeamName, Org: s.Team.Org})
	}
	var held []correlation.BadgeHeld
	var changes []correlation.BadgeChange
	for name, state := range judgements[len(judgements)-1].Badges {
		held = append(held, correlation.BadgeHeld{Service: name, Badge: state.Badge, FirstJudged: state.FirstJudged})
	}
	slices.SortFunc(held, func(a, b correlation.BadgeHeld) int { return cmp.Compare(a.Service, b.Service) })
	for _, j := range judgements {
		for _, t := range j.Transitions {
			changes = append(changes, correlation.BadgeChange{
				Service: t.Service, At: t.At, From: t.From, To: t.To, Initial: t.Cause == scoring.CauseInitial,
			})
		}
	}
	meter := correlation.NewMeter()
	meter.Change(nil, linked(r.Incidents))
	history := correlation.NewBadgeHistory(held, changes)
	window := correlation.Window(recordedWindow)
	options := correlation.Options{Windows: []correlation.Window{window}, BadgeWindow: window}
	for at := r.Now.Add(-recordedFor).Truncate(day); at.Before(r.Now); at = at.Add(day / 4) {
		found := meter.Measure(services, history, options, at)
		for name, figures := range found.Services {
			w := figures.Windows[0]
			for _, s := range w.Severities {
				r.set(at, float64(s.Incidents), true, "incidents", "service_name", name, "window", w.Window.String(),
					"severity", strconv.Itoa(s.Severity))
			}
			r.estimates(at, w, true, "incident_resolution", "service_name", name, "window", w.Window.String())
		}
		for _, g := range found.Groups {
			w := g.Windows[0]
			labels := []string{"scope", string(g.Scope), "group", g.Group, "window", w.Window.String()}
			r.set(at, float64(w.Incidents), false, "group_incidents", labels...)
			r.estimates(at, w, false, "group_incident_resolution", labels...)
		}
	}
}

// estimates records the median time to resolve and the 90th percentile, where known.
func (r *recording) estimates(at time.Time, w correlation.WindowFigures, detail bool, name string, labels ...string) {
	for suffix, e := range map[string]correlation.Estimate{
		"_p50_seconds": w.Resolution.P50, "_p90_seconds": w.Resolution.P90,
	} {
		value := gone()
		if e.Known {
			value = e.Value.Seconds()
		}
		r.set(at, value, detail, name+suffix, labels...)
	}
}

// linked are the incidents of the company as the collector knows them.
func linked(incidents []*company.Incident) []*correlation.Incident {
	out := make([]*correlation.Incident, 0, len(incidents))
	for _, in := range incidents {
		one := &correlation.Incident{
			Services: []string{in.Service}, StartedAt: in.Start, AcknowledgedAt: in.Ack, AcksKnown: true, ResolvedAt: in.End,
			Urgent: in.Urgent, Severity: in.Severity, Template: in.Problem, Maintenance: in.Maintenance,
			HasTicket: evidence.AnswerOf(in.Ticket != ""), FalseAlarm: evidence.No, Flapping: in.Kind == company.Flap,
		}
		switch in.Resolver {
		case company.ByPerson:
			one.Resolver = evidence.ResolverPerson
		case company.ByIntegration:
			one.Resolver = evidence.ResolverIntegration
		case company.ByTimeout:
			one.Resolver = evidence.ResolverTimeout
		}
		out = append(out, one)
	}
	return out
}
