package review

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/statistics"
)

// The units of a Number.
const (
	unitRatio   = "ratio"
	unitCount   = "count"
	unitSeconds = "seconds"
)

const (
	// endLag is how much earlier than the end of a period the last round of a source may
	// be for the period to count as known to its end.
	endLag = time.Hour
	// few is the number of things below which a comparison is of small numbers.
	few = 10
	// mostTemplates and mostTeams bound lists.
	mostTemplates = 10
	mostTeams     = 20
)

// span is the part of a time whose incidents are known.
type span struct {
	from, to time.Time
	whole    bool
}

func (s span) none() bool { return !s.from.Before(s.to) }

// knownSpan is the part of a time whose incidents are known.
func (b *builder) knownSpan(from, to time.Time) span {
	if b.NoIncidents != "" || b.IncidentsSince.IsZero() {
		return span{}
	}
	s := span{from, to, true}
	if b.IncidentsSince.After(from) {
		s.from, s.whole = b.IncidentsSince.UTC(), false
	}
	if b.IncidentsUntil.Before(to.Add(-endLag)) {
		s.to, s.whole = b.IncidentsUntil.UTC(), false
	}
	return s
}

// began are the incidents of the scope that began within a span, outside maintenance.
func (b *builder) began(s span) []*correlation.Incident {
	var list []*correlation.Incident
	for _, in := range b.Incidents {
		if in.Maintenance || in.StartedAt.Before(s.from) || !in.StartedAt.Before(s.to) {
			continue
		}
		if slices.ContainsFunc(in.Services, func(name string) bool { return b.ofName[name] != nil }) {
			list = append(list, in)
		}
	}
	return list
}

// figures are those of the incidents of a span, as they were known at its end.
type figures struct {
	span
	began  []*correlation.Incident
	urgent int
	curve  correlation.Curve
	all    correlation.WindowFigures
	open   int
}

func (b *builder) figuresOf(s span) *figures {
	if s.none() {
		return nil
	}
	at := s.to.Add(-time.Nanosecond) // what begins at the end is of the next period
	f := &figures{span: s, began: b.began(s)}
	for _, in := range f.began {
		f.urgent += count(in.Urgent)
	}
	f.curve = correlation.CurveAt(handled(f.began, at), at)
	meter := correlation.NewMeter()
	meter.Change(nil, b.Incidents)
	var services []*catalog.Service
	for _, service := range b.services {
		services = append(services, service.Entry)
	}
	window := correlation.Window(s.to.Sub(s.from))
	measured := meter.Measure(services, correlation.BadgeHistory{},
		correlation.Options{Windows: []correlation.Window{window}, BadgeWindow: window}, at)
	for i := range measured.Groups {
		if g := &measured.Groups[i]; g.Scope == correlation.ScopeFleet {
			f.all, f.open = g.Windows[0], g.Open
		}
	}
	return f
}

// handled are the incidents without those that an integration resolved before anyone saw
// them: less noise must not look as if it took longer to resolve.
func handled(incidents []*correlation.Incident, at time.Time) []*correlation.Incident {
	var list []*correlation.Incident
	for _, in := range incidents {
		if !isNoisy(in, at) {
			list = append(list, in)
		}
	}
	return list
}

// incidents are those of the period, beside those of the previous one.
func (b *builder) incidents() Incidents {
	out := Incidents{Figures: []Number{}, Severities: []SeverityCount{}, Noise: []NoiseCount{}, Over: []Bucket{},
		Teams: []TeamIncidents{}}
	now := b.figuresOf(b.knownSpan(b.Period.From, b.end))
	if now == nil {
		out.Why = orText(b.NoIncidents, "The incidents of this period are not known"+b.incidentBounds()+".")
		return out
	}
	before := b.figuresOf(b.knownSpan(b.previous.From, b.previous.To))
	if before != nil && !before.whole {
		before = nil // it would be compared with a longer time
	}
	out.Figures = b.incidentFigures(now, before)
	out.Severities = severities(now, before)
	out.Noise, out.NoiseOf, out.NoisePreviousOf = noise(now, before), classified(now), classified(before)
	out.Over = b.buckets()
	out.Teams = b.teamIncidents(now, before)
	for name, doubt := range b.Doubts {
		if b.ofName[name] != nil && !doubt.Newest.Before(b.previous.From) {
			out.Incomplete = append(out.Incomplete, name)
		}
	}
	slices.Sort(out.Incomplete)
	return out
}

// The names of the figures that the summary takes up.
const (
	nameIncidents  = "Incidents"
	nameResolution = "Time to resolve, median"
)

func (b *builder) incidentFigures(now, before *figures) []Number {
	number := func(name, unit string, get func(*figures) (value *float64, of int)) Number {
		n := Number{Name: name, Unit: unit}
		n.Value, n.Of = get(now)
		if before != nil {
			n.Previous, n.PreviousOf = get(before)
		}
		return n
	}
	incidents := number(nameIncidents, unitCount,
		func(f *figures) (*float64, int) { return of(len(f.began)), len(f.began) })
	paged := number("Incidents that paged a person", unitCount,
		func(f *figures) (*float64, int) { return of(f.urgent), len(f.began) })
	b.compareCounts(&incidents, now, before)
	b.compareCounts(&paged, now, before)
	list := []Number{incidents, paged}
	for _, q := range []struct {
		name string
		q    float64
	}{{nameResolution, 0.5}, {"Time to resolve, 90 %", 0.9}} {
		n := number(q.name, unitSeconds, func(f *figures) (*float64, int) {
			return quantile(f.curve, q.q), f.curve.Count()
		})
		n.Lower, n.Upper = interval(now.curve, q.q)
		if before != nil {
			n.PreviousLower, n.PreviousUpper = interval(before.curve, q.q)
		}
		compareDurations(&n)
		if n.Value == nil {
			n.Why = "too few of them had ended"
		}
		list = append(list, n)
	}
	list = append(list,
		number("Acknowledged within 15 minutes", unitRatio, acknowledged),
		number("Closed by a time-out", unitRatio, func(f *figures) (*float64, int) {
			ratio, ok := f.all.Resolution.TimedOutRatio()
			return known(ratio, ok), f.all.Resolution.Count()
		}),
		number("Open at the end", unitCount, func(f *figures) (*float64, int) { return of(f.open), f.open }),
	)
	for i := range list {
		n := &list[i]
		if n.Why == "" {
			n.Why = b.incidentsWhy(now, before)
		}
		if n.Unit == unitRatio {
			compareRatios(n)
		}
	}
	return list
}

// incidentsWhy says which part of the periods is not known.
func (b *builder) incidentsWhy(now, before *figures) string {
	switch {
	case !now.whole:
		return "of " + dateText(now.from) + " to " + dateText(now.to) + " only"
	case before == nil:
		return "the previous period is not known"
	}
	return ""
}

func acknowledged(f *figures) (*float64, int) {
	if len(f.all.Within) == 0 {
		return nil, 0
	}
	ratio, ok := f.all.Within[0].Ratio()
	return known(ratio, ok), f.all.Within[0].Incidents
}

func of(n int) *float64 { return known(float64(n), true) }

func known(value float64, ok bool) *float64 {
	if !ok {
		return nil
	}
	return &value
}

func quantile(c correlation.Curve, q float64) *float64 {
	d, ok := c.Quantile(q)
	return known(d.Seconds(), ok)
}

func interval(c correlation.Curve, q float64) (lower, upper *float64) {
	l, u := c.QuantileInterval(q)
	return known(l.Value.Seconds(), l.Known), known(u.Value.Seconds(), u.Known)
}

// compareCounts says by how much a count has changed, and whether chance explains it: if
// the exact interval of the ratio of both rates has 1 in it.
func (b *builder) compareCounts(n *Number, now, before *figures) {
	if before == nil || !now.whole || n.Value == nil || n.Previous == nil {
		return
	}
	x, y := *n.Value, *n.Previous
	switch {
	case b.end.Before(b.Period.To):
		n.Change = "the period is not over"
		return
	case x == y:
		n.Change = "as many as before"
	case x > y:
		n.Change = thousands(int(x-y)) + " more"
	default:
		n.Change = thousands(int(y-x)) + " fewer"
	}
	if x+y < 2*few {
		n.Change += "; these are small numbers"
		return
	}
	ratio, ok := statistics.CompareRates(x, days(now.span), y, days(before.span))
	if ok && !ratio.Excludes(1) && x != y {
		n.Change += "; such a difference can be chance"
	}
}

func days(s span) float64 { return s.to.Sub(s.from).Hours() / 24 }

// compareDurations says by how much a duration has changed, and whether the intervals
// are apart.
func compareDurations(n *Number) {
	if n.Value == nil || n.Previous == nil {
		return
	}
	x, y := *n.Value, *n.Previous
	switch {
	case x == y:
		n.Change = "as long as before"
	case x > y:
		n.Change = durationText(x-y) + " longer"
	default:
		n.Change = durationText(y-x) + " shorter"
	}
	apart := n.Lower != nil && n.PreviousUpper != nil && *n.Lower > *n.PreviousUpper ||
		n.Upper != nil && n.PreviousLower != nil && *n.Upper < *n.PreviousLower
	switch {
	case n.Of < few || n.PreviousOf < few:
		n.Change += "; these are small numbers"
	case !apart:
		n.Change += "; the intervals overlap, so it can be chance"
	}
}

// compareRatios says by how many points a share has changed.
func compareRatios(n *Number) {
	if n.Value == nil || n.Previous == nil {
		return
	}
	points := math.Round(*n.Value*100) - math.Round(*n.Previous*100)
	switch {
	case points == 0:
		n.Change = "as before"
	case points > 0:
		n.Change = "up " + pointsText(points)
	default:
		n.Change = "down " + pointsText(-points)
	}
	if n.Of < few || n.PreviousOf < few {
		n.Change += "; these are small numbers"
	}
}

func severities(now, before *figures) []SeverityCount {
	counts := map[int]SeverityCount{}
	for _, s := range now.all.Severities {
		counts[s.Severity] = SeverityCount{Severity: s.Severity, Incidents: s.Incidents}
	}
	if before != nil {
		for _, s := range before.all.Severities {
			c := counts[s.Severity]
			c.Severity, c.Previous = s.Severity, s.Incidents
			counts[s.Severity] = c
		}
	}
	list := []SeverityCount{}
	for _, severity := range []int{1, 2, 3, 4, 5, 0} {
		if c := counts[severity]; c.Incidents+c.Previous > 0 {
			list = append(list, c)
		}
	}
	return list
}

// noise counts the classes of those that paged and can be classified.
func noise(now, before *figures) []NoiseCount {
	list := []NoiseCount{}
	for _, class := range correlation.NoiseClasses() {
		c := NoiseCount{Class: class.String(), Now: noiseOf(now, class)}
		if before != nil {
			c.Before = noiseOf(before, class)
		}
		list = append(list, c)
	}
	return list
}

func noiseOf(f *figures, class correlation.NoiseClass) *AtLeast {
	if f.all.Noise == nil {
		return nil
	}
	n, unknown := f.all.Noise.Of(class)
	return &AtLeast{n, unknown}
}

func classified(f *figures) int {
	if f == nil || f.all.Noise == nil {
		return 0
	}
	return f.all.Noise.All
}

// buckets count incidents by day or week, from the begin of the previous period on. The
// weeks of a period have 7 days or a few more: a rest of a day would look like a fall.
func (b *builder) buckets() []Bucket {
	list := []Bucket{}
	for _, p := range []Period{b.previous, b.Period} {
		n := p.Days()
		if b.Period.Days() > 14 {
			n = max(p.Days()/7, 1)
		}
		for i := range n {
			from, to := p.From.Add(time.Duration(i*p.Days()/n)*day), p.From.Add(time.Duration((i+1)*p.Days()/n)*day)
			if from.Before(b.end) {
				list = append(list, b.bucket(from, to))
			}
		}
	}
	return list
}

func (b *builder) bucket(from, to time.Time) Bucket {
	bucket := Bucket{From: from, To: to}
	s := b.knownSpan(from, earlier(to, b.end))
	if s.none() || !s.whole {
		return bucket
	}
	incidents, urgent := 0, 0
	for _, in := range b.began(s) {
		incidents++
		urgent += count(in.Urgent)
	}
	bucket.Incidents, bucket.Urgent = &incidents, &urgent
	return bucket
}

// teamIncidents are the incidents of the services of each team.
func (b *builder) teamIncidents(now, before *figures) []TeamIncidents {
	list := []TeamIncidents{}
	previous := map[string][]*correlation.Incident{}
	if before != nil {
		previous = b.byTeam(before.began)
	}
	current := b.byTeam(now.began)
	for team := range b.teams() {
		curve := correlation.CurveAt(handled(current[team], now.to), now.to.Add(-time.Nanosecond))
		t := TeamIncidents{Team: team, Incidents: len(current[team]), Ended: curve.Ended, P50Seconds: quantile(curve, 0.5)}
		if before != nil {
			n := len(previous[team])
			t.Previous = &n
		}
		for _, in := range current[team] {
			t.Urgent += count(in.Urgent)
		}
		if t.Incidents+len(previous[team]) > 0 {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(x, y TeamIncidents) int {
		return cmp.Or(cmp.Compare(y.Incidents, x.Incidents), cmp.Compare(x.Team, y.Team))
	})
	return first(list, mostTeams)
}

// byTeam are incidents by team; one of services of several teams is in each.
func (b *builder) byTeam(incidents []*correlation.Incident) map[string][]*correlation.Incident {
	of := map[string][]*correlation.Incident{}
	for _, in := range incidents {
		seen := map[string]bool{}
		for _, name := range in.Services {
			if service := b.ofName[name]; service != nil && !seen[service.Entry.Team] {
				seen[service.Entry.Team] = true
				of[service.Entry.Team] = append(of[service.Entry.Team], in)
			}
		}
	}
	return of
}

// noisiest are the problems that paged most without need.
func (b *builder) noisiest() Noisiest {
	out := Noisiest{Templates: []Template{}}
	s := b.knownSpan(b.Period.From, b.end)
	if s.none() {
		return out
	}
	type sets struct{ services, teams map[string]bool }
	of, where := map[string]*Template{}, map[string]sets{}
	for _, in := range b.began(s) {
		is, known := in.Noise(s.to)
		if !known {
			continue
		}
		t := of[in.Template]
		if t == nil {
			t = &Template{Title: in.Template}
			of[in.Template], where[in.Template] = t, sets{map[string]bool{}, map[string]bool{}}
		}
		t.Incidents++
		t.Noisy += count(is[correlation.Noisy] == evidence.Yes)
		t.Suspected += count(is[correlation.Suspected] == evidence.Yes)
		t.Flapping += count(is[correlation.Flapping] == evidence.Yes)
		t.False += count(is[correlation.ConfirmedFalse] == evidence.Yes)
		t.Noise += count(is[correlation.AnyNoise] == evidence.Yes)
		for _, name := range in.Services {
			if service := b.ofName[name]; service != nil {
				where[in.Template].services[name] = true
				if service.Entry.Team != "" {
					where[in.Template].teams[service.Entry.Team] = true
				}
			}
		}
	}
	var list []Template
	for template, t := range of {
		if t.Noise > 0 {
			t.Services = slices.Sorted(maps.Keys(where[template].services))
			t.Teams = slices.Sorted(maps.Keys(where[template].teams))
			list = append(list, *t)
		}
	}
	slices.SortFunc(list, func(x, y Template) int {
		return cmp.Or(cmp.Compare(y.Noise, x.Noise), cmp.Compare(y.Incidents, x.Incidents), cmp.Compare(x.Title, y.Title))
	})
	out.Templates = append(out.Templates, first(list, mostTemplates)...)
	out.More = len(list) - len(out.Templates)
	return out
}

// isNoisy reports whether an integration resolved the incident soon, before anyone saw it.
func isNoisy(in *correlation.Incident, at time.Time) bool {
	is, known := in.Noise(at)
	return known && is[correlation.Noisy] == evidence.Yes
}
