package report

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/effect"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/statistics"
)

// Correlation says whether reviews change incidents, and what goes together with
// readiness: the answer of `collector correlate`.
type Correlation struct {
	// At is the time of the figures.
	At time.Time `json:"at"`
	// Scope is fleet, tier or team, and Group which one; empty for all of the scope.
	Scope string `json:"scope"`
	Group string `json:"group"`
	// IncidentsSince is since when all incidents are known, nil if they are not; NoIncidents
	// says why not.
	IncidentsSince *time.Time `json:"incidents_since"`
	NoIncidents    string     `json:"no_incidents,omitempty"`
	// Incomplete says what sources have not read yet, and what to do: every figure may be
	// another one then.
	Incomplete []string `json:"incomplete,omitempty"`
	// Words claim no more than the intervals do.
	Words string `json:"words"`
	// Effects has each outcome of each group of the scope, resolution time first.
	Effects []ReviewEffect `json:"effects"`
	// LeftOut is how many episodes of all services do not count for resolution time, by the
	// reason, and how many count.
	LeftOut map[string]int `json:"left_out"`
	// Gold is the effect of reaching Gold on the resolution time of all services. It is
	// observational, since chance does not decide who reaches a badge; nil in other scopes
	// than fleet.
	Gold *ReviewEffect `json:"gold"`
	// Compared is nil in the scope team.
	Compared *Compared `json:"compared"`
}

// Ratio is a multiple with the bounds of its interval of 95 %; a bound that is not known
// is nil.
type Ratio struct {
	Value float64  `json:"value"`
	Lower *float64 `json:"lower"`
	Upper *float64 `json:"upper"`
}

// ReviewEffect is the effect of a review on one outcome in a group of services.
type ReviewEffect struct {
	Outcome string `json:"outcome"`
	Scope   string `json:"scope"`
	Group   string `json:"group"`
	// Ratio is what happened after a review as a multiple of what was to be expected
	// without; nil without an estimate.
	Ratio *Ratio `json:"ratio"`
	// Verdict is improved, worsened, inconclusive or insufficient_data; empty where there is
	// an estimate and no verdict, as of teams. Missing says what lacks.
	Verdict string `json:"verdict"`
	Missing string `json:"missing,omitempty"`
	// Withdrawn is true if shuffled review dates have a verdict too often.
	Withdrawn bool `json:"withdrawn"`
	// P is corrected for the number of verdicts but for the primary one.
	P float64 `json:"p"`
	// Placebo is the share of comparisons with shuffled review dates that had an effect, nil
	// without any.
	Placebo *float64 `json:"placebo_share"`
	// Services are the reviewed ones with events after their review, and Comparison those
	// that they are compared with.
	Services     int `json:"services"`
	Comparison   int `json:"comparison"`
	EventsBefore int `json:"events_before"`
	EventsAfter  int `json:"events_after"`
	// FollowsBadMonths is true if reviews follow bad months. Leads are the ratios of three
	// times before reviews.
	FollowsBadMonths bool         `json:"follows_bad_months"`
	Leads            []EffectLead `json:"leads"`
	// Severities are those of the events of reviewed services.
	Severities []SeverityMix `json:"severities"`
}

// EffectLead compares a time before reviews with what was before that time.
type EffectLead struct {
	FromDays int `json:"from_days"`
	ToDays   int `json:"to_days"`
	// Ratio is nil if there are too few events.
	Ratio *Ratio `json:"ratio"`
}

// SeverityMix is how many events had a severity before reviews, and after; 0 is unknown.
type SeverityMix struct {
	Severity int `json:"severity"`
	Before   int `json:"before"`
	After    int `json:"after"`
}

// Compared compares services with others of the same tier.
type Compared struct {
	Since        time.Time         `json:"since"`
	Until        time.Time         `json:"until"`
	Badges       []BadgeCompared   `json:"badges"`
	Correlations []RankCorrelation `json:"correlations"`
	Checks       []CheckCompared   `json:"checks"`
}

// BadgeCompared is about the episodes that began while services of a tier held a badge.
type BadgeCompared struct {
	Tier        int     `json:"tier"`
	Badge       string  `json:"badge"`
	Services    int     `json:"services"`
	ServiceDays float64 `json:"service_days"`
	Episodes    int     `json:"episodes"`
	// Rate is per service and day, nil if the badge was held for less than a day.
	Rate *float64 `json:"rate_per_service_day"`
	// P50Seconds is the median time to resolve, nil without a value.
	P50Seconds *float64 `json:"resolution_p50_seconds"`
}

// RankCorrelation is that of scores with an outcome, within tiers.
type RankCorrelation struct {
	Outcome  string  `json:"outcome"`
	Spearman float64 `json:"spearman"`
	Lower    float64 `json:"lower"`
	Upper    float64 `json:"upper"`
	Services int     `json:"services"`
}

// CheckCompared compares services that fail a check with those that pass it.
type CheckCompared struct {
	Check           string `json:"check"`
	FailingServices int    `json:"failing_services"`
	PassingServices int    `json:"passing_services"`
	FailingEpisodes int    `json:"failing_episodes"`
	PassingEpisodes int    `json:"passing_episodes"`
	// Ratio is the rate of episodes while the check fails as a multiple of that while it
	// passes, nil if there are too few; P is corrected for the number of checks.
	Ratio *Ratio   `json:"rate_ratio"`
	P     *float64 `json:"p"`
	// Drop is true where the verdict of Worth is drop. Feedback is what people said about the
	// check, by kind.
	Drop     bool           `json:"candidate_to_drop"`
	Feedback map[string]int `json:"feedback"`
	Worth    Worth          `json:"worth"`
}

// CorrelationInput is what a Correlation is made of.
type CorrelationInput struct {
	correlation.Result
	// Scope and Group select effects; an empty Group selects all of the scope.
	Scope    correlation.Scope
	Group    string
	Feedback []evidence.Feedback
	// Incomplete says what sources have not read yet.
	Incomplete []string
}

// NewCorrelation makes the view of a scope.
func NewCorrelation(in CorrelationInput) Correlation {
	out := Correlation{
		At: stamp(in.At), Scope: string(in.Scope), Group: in.Group, NoIncidents: in.NoIncidents,
		Effects: []ReviewEffect{}, LeftOut: map[string]int{}, Incomplete: in.Incomplete,
	}
	if in.NoIncidents != "" {
		out.Words = "No verdict. " + in.NoIncidents
		return out
	}
	since := stamp(in.IncidentsSince)
	out.IncidentsSince = &since
	l := in.Effects.LeftOut
	out.LeftOut = map[string]int{
		"counted": l.Counted, "maintenance": l.Maintenance, "timed_out": l.TimedOut, "false_alarm": l.FalseAlarm,
		"not_handled": l.NotHandled, "unknown": l.Unknown, "noise_unclassified": l.Unclassified,
	}
	var primary []*correlation.Effect
	for _, list := range [][]correlation.Effect{in.Effects.Verdicts, in.Effects.Teams} {
		for i := range list {
			e := &list[i]
			if e.Scope != in.Scope || in.Group != "" && e.Group != in.Group {
				continue
			}
			out.Effects = append(out.Effects, newReviewEffect(e))
			if e.Outcome == correlation.ResolutionTime {
				primary = append(primary, e)
			}
		}
	}
	out.Words = correlationWords(primary)
	if in.Scope == correlation.ScopeFleet {
		gold := newReviewEffect(&in.Gold)
		gold.Missing = in.Gold.Missing.Words("Gold", "Gold was reached", "incidents")
		out.Gold = &gold
	}
	if in.Scope != correlation.ScopeTeam {
		out.Compared = newCompared(&in)
	}
	return out
}

func newReviewEffect(e *correlation.Effect) ReviewEffect {
	out := ReviewEffect{
		Outcome: string(e.Outcome), Scope: string(e.Scope), Group: e.Group, Verdict: string(e.Verdict),
		Withdrawn: e.Withdrawn, P: e.Adjusted, Services: e.Fits[0].Treated, Comparison: e.Fits[0].Comparison,
		EventsBefore: e.Fits[0].EventsBefore, EventsAfter: e.Fits[0].EventsAfter, FollowsBadMonths: e.FollowsBadMonths,
		Leads: []EffectLead{}, Severities: []SeverityMix{},
	}
	if e.Verdict == effect.InsufficientData {
		out.Missing = missingOf(e)
	} else if e.Known {
		out.Ratio = ratioOf(e.Ratio)
	}
	if share, known := e.Placebo.FalseShare(); known {
		out.Placebo = &share
	}
	for _, lead := range e.Leads {
		row := EffectLead{FromDays: days(lead.From), ToDays: days(lead.To)}
		if lead.Known {
			row.Ratio = ratioOf(lead.Ratio())
		}
		out.Leads = append(out.Leads, row)
	}
	for severity := range e.Before {
		if e.Before[severity]+e.After[severity] > 0 {
			out.Severities = append(out.Severities, SeverityMix{severity, e.Before[severity], e.After[severity]})
		}
	}
	return out
}

func days(d time.Duration) int { return int(d / (24 * time.Hour)) }

// ratioOf is an interval; nil if its value is not a number that can be written.
func ratioOf(i statistics.Interval) *Ratio {
	value := finite(i.Value)
	if value == nil {
		return nil
	}
	return &Ratio{*value, finite(i.Lower), finite(i.Upper)}
}

func finite(v float64) *float64 {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil
	}
	return &v
}

func newCompared(in *CorrelationInput) *Compared {
	c := &in.Compared
	out := &Compared{
		Since: stamp(c.Since), Until: stamp(c.Until), Badges: []BadgeCompared{}, Correlations: []RankCorrelation{},
		Checks: []CheckCompared{},
	}
	for _, b := range c.Badges {
		if in.Scope == correlation.ScopeTier && in.Group != "" && in.Group != strconv.Itoa(b.Tier) {
			continue
		}
		row := BadgeCompared{
			Tier: b.Tier, Badge: b.Badge.String(), Services: b.Services, ServiceDays: b.ServiceDays, Episodes: b.Episodes,
			P50Seconds: secondsOf(b.Resolution.P50),
		}
		if rate, known := b.Rate(); known {
			row.Rate = &rate
		}
		out.Badges = append(out.Badges, row)
	}
	if in.Scope != correlation.ScopeFleet {
		return out
	}
	for _, r := range c.Correlations {
		out.Correlations = append(out.Correlations, RankCorrelation{
			string(r.Outcome), r.Spearman.Value, r.Spearman.Lower, r.Spearman.Upper, r.Services,
		})
	}
	said := map[string][]Feedback{}
	for _, f := range in.Feedback {
		said[f.Check] = append(said[f.Check], Feedback{string(f.Kind), f.Count})
	}
	for i := range c.Checks {
		a := &c.Checks[i]
		// Checks that are judged by incidents are not compared.
		worth := Weigh(&framework.Check{ID: a.Check}, said[a.Check], PredictionOf(a))
		row := CheckCompared{
			Check: a.Check, FailingServices: a.FailingServices, PassingServices: a.PassingServices,
			FailingEpisodes: a.FailingEpisodes, PassingEpisodes: a.PassingEpisodes, Drop: worth.Verdict == Drop, Worth: worth,
		}
		for _, f := range said[a.Check] {
			if row.Feedback == nil {
				row.Feedback = map[string]int{}
			}
			row.Feedback[f.Kind] += f.Issues
		}
		if a.Known {
			p := a.Adjusted
			row.Ratio, row.P = ratioOf(a.Ratio), &p
		}
		out.Checks = append(out.Checks, row)
	}
	return out
}

// WriteJSON writes all figures.
func (c Correlation) WriteJSON(w io.Writer) error { return writeJSON(w, c, "correlation") }

// WriteCSV writes one line for each effect of reviews.
func (c Correlation) WriteCSV(w io.Writer) error {
	head := []string{
		"outcome", "scope", "group", "ratio", "lower", "upper", "verdict", "p", "placebo_share", "services", "comparison",
		"events_before", "events_after", "follows_bad_months", "missing",
	}
	var rows [][]string
	for i := range c.Effects {
		e := &c.Effects[i]
		row := append([]string{e.Outcome, e.Scope, e.Group}, e.Ratio.cells()...)
		rows = append(rows, append(row,
			e.Verdict, strconv.FormatFloat(round(e.P, 6), 'f', -1, 64), csvFloat(e.Placebo), strconv.Itoa(e.Services),
			strconv.Itoa(e.Comparison), strconv.Itoa(e.EventsBefore), strconv.Itoa(e.EventsAfter),
			strconv.FormatBool(e.FollowsBadMonths), e.Missing))
	}
	return writeCSV(w, head, rows, "correlation")
}

func (r *Ratio) cells() []string {
	if r == nil {
		return []string{"", "", ""}
	}
	return []string{csvFloat(&r.Value), csvFloat(r.Lower), csvFloat(r.Upper)}
}

// feedbackWords are what people said about a check.
func feedbackWords(said map[string]int) string {
	text := ""
	for _, kind := range slices.Sorted(maps.Keys(said)) {
		if text != "" {
			text += ", "
		}
		text += strconv.Itoa(said[kind]) + " " + kind
	}
	return text
}

// CheckBasis says from how much the services that fail a check were compared with those
// that pass it; empty if the check was not looked at. WorthOf says what came of it.
func CheckBasis(result *correlation.Result, check string) string {
	c := &result.Compared
	for i := range c.Checks {
		a := &c.Checks[i]
		if a.Check != check {
			continue
		}
		basis := fmt.Sprintf("%s failed it, %d passed it, since %s.", Plural(a.FailingServices, "service"),
			a.PassingServices, day(c.Since))
		if !a.Known {
			return "Not compared, because too few services fail or pass it, or had too few incidents: " + basis
		}
		return "Compared: " + basis + " This is a relation (p " + probability(a.Adjusted) + "), and may have another cause."
	}
	return ""
}

// LastCorrelation is what was estimated last of the whole fleet: the answer of
// /api/v1/effect. Before the first estimate NoIncidents says so.
func LastCorrelation(s *snapshot.Snapshot) Correlation {
	in := CorrelationInput{Scope: correlation.ScopeFleet, Feedback: s.Feedback}
	in.At, in.NoIncidents = s.At, "The effects of reviews are estimated once a month, and have not been yet."
	if s.Correlated != nil {
		in.Result = *s.Correlated
	}
	return NewCorrelation(in)
}
