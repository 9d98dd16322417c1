package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// Values fit the rules to an installation. They are read from the file of
// `collector rules --values`.
type Values struct {
	// Without is the team and the organisation of services that have none.
	Without string `yaml:"without"`
	// CollectorTeam is the team of alerts about the collector and the criteria.
	CollectorTeam string `yaml:"collector_team"`
	// Runbooks and Grafana are the addresses under which the runbooks and Grafana are.
	Runbooks   string     `yaml:"runbooks_url"`
	Grafana    string     `yaml:"grafana_url"`
	Severity   Severity   `yaml:"severity"`
	Thresholds Thresholds `yaml:"thresholds"`
	// Kubernetes is for the rules as a manifest.
	Kubernetes Kubernetes `yaml:"kubernetes"`
}

// Severity is the label severity of alerts about services.
type Severity struct {
	// OnCallGap is for alerts about gaps in on-call rotations, Service for all other alerts
	// about services.
	Service   Severities `yaml:"service"`
	OnCallGap Severities `yaml:"oncall_gap"`
}

// Severities are those by tier. Other is for tiers above 3.
type Severities struct {
	Tier1 string `yaml:"tier_1"`
	Tier2 string `yaml:"tier_2"`
	Tier3 string `yaml:"tier_3"`
	Other string `yaml:"other"`
}

// Thresholds say when alerts fire.
type Thresholds struct {
	// NewsFor is for how long alerts about a change fire.
	NewsFor         model.Duration `yaml:"news_for"`
	BadgeLapsesIn   model.Duration `yaml:"badge_lapses_in"`
	MinimumBadge    string         `yaml:"minimum_badge"`
	OnCallGapIn     model.Duration `yaml:"oncall_gap_in"`
	SourceFailing   float64        `yaml:"source_failing_ratio"`
	BudgetLeft      float64        `yaml:"budget_left_ratio"`
	ExemptionEndsIn model.Duration `yaml:"exemption_ends_in"`
	PinEndsIn       model.Duration `yaml:"pin_ends_in"`
	TokenExpiresIn  model.Duration `yaml:"token_expires_in"`
	TargetLateBy    model.Duration `yaml:"target_late_by"`
	ReviewOverdueBy model.Duration `yaml:"review_overdue_by"`
	DriftedFor      model.Duration `yaml:"drifted_for"`
	NoiseRatio      float64        `yaml:"noise_ratio"`
	NoiseIncidents  int            `yaml:"noise_incidents"`
}

// Defaults are the values of the committed rules. Grafana is where the demo has it.
func Defaults() Values {
	const day = model.Duration(24 * time.Hour)
	return Values{
		Without: "none", CollectorTeam: "platform",
		Runbooks: "https://github.com/prodready/collector/blob/main/rules/runbooks",
		Grafana:  "http://127.0.0.1:3000",
		Severity: Severity{
			Service:   Severities{Tier1: "warning", Tier2: "warning", Tier3: "info", Other: "info"},
			OnCallGap: Severities{Tier1: "critical", Tier2: "warning", Tier3: "warning", Other: "info"},
		},
		Thresholds: Thresholds{
			NewsFor: day, BadgeLapsesIn: 7 * day, MinimumBadge: "bronze",
			OnCallGapIn: 7 * day, SourceFailing: 0.5, BudgetLeft: 0.1, ExemptionEndsIn: 14 * day, PinEndsIn: 14 * day,
			TokenExpiresIn: 14 * day, TargetLateBy: day, ReviewOverdueBy: day, DriftedFor: day,
			NoiseRatio: 0.5, NoiseIncidents: 10,
		},
		Kubernetes: Kubernetes{Name: "readiness-collector"},
	}
}

// Fault is a value that cannot be used.
type Fault struct {
	// Path is its key, such as thresholds.noise_ratio.
	Path string
	// Text is what is wrong and what to write instead.
	Text string
}

// word is a value of a label that needs no quotes anywhere.
var word = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

// objectName is a name of an object of Kubernetes.
var objectName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// IsObjectName reports whether an object or a namespace of Kubernetes can have a name.
func IsObjectName(name string) bool { return objectName.MatchString(name) }

// Faults lists the values that cannot be used. address says what is wrong with a base
// address.
func (v Values) Faults(address func(string) error) []Fault {
	var faults []Fault
	refuse := func(path, text string) { faults = append(faults, Fault{path, text}) }
	if v.Without == "" {
		refuse("without", "give services without a team a name, such as none")
	}
	if v.CollectorTeam == "" || strings.Contains(v.CollectorTeam, "{{") {
		refuse("collector_team", fmt.Sprintf(
			"%q: give the team that runs the collector, such as platform, for its alerts to be routed by", v.CollectorTeam,
		))
	}
	for _, a := range []struct{ path, value string }{{"runbooks_url", v.Runbooks}, {"grafana_url", v.Grafana}} {
		if err := address(a.value); err != nil {
			refuse(a.path, fmt.Sprintf("%q: %v", a.value, err))
		}
	}
	for _, s := range []struct {
		path string
		Severities
	}{{"service", v.Severity.Service}, {"oncall_gap", v.Severity.OnCallGap}} {
		for i, value := range s.all() {
			if !word.MatchString(value) {
				refuse("severity."+s.path+"."+[]string{"tier_1", "tier_2", "tier_3", "other"}[i],
					fmt.Sprintf("%q is not a severity: want one word, such as critical, warning or info", value))
			}
		}
	}
	v.Kubernetes.check(refuse)
	v.Thresholds.check(refuse)
	slices.SortFunc(faults, func(a, b Fault) int { return strings.Compare(a.Path, b.Path) })
	return faults
}

// check refuses names that Kubernetes does not take.
func (k Kubernetes) check(refuse func(path, text string)) {
	if !objectName.MatchString(k.Name) {
		refuse("kubernetes.name", fmt.Sprintf("%q: want lower-case letters, digits and hyphens", k.Name))
	}
	if n := k.Namespace; n != "" && !objectName.MatchString(n) {
		refuse("kubernetes.namespace", fmt.Sprintf("%q: want lower-case letters, digits and hyphens", n))
	}
}

// check refuses thresholds that no figure can be compared with.
func (th Thresholds) check(refuse func(path, text string)) {
	for path, d := range map[string]model.Duration{
		"news_for": th.NewsFor, "badge_lapses_in": th.BadgeLapsesIn,
		"oncall_gap_in": th.OnCallGapIn, "exemption_ends_in": th.ExemptionEndsIn, "pin_ends_in": th.PinEndsIn,
		"token_expires_in": th.TokenExpiresIn, "target_late_by": th.TargetLateBy,
		"review_overdue_by": th.ReviewOverdueBy, "drifted_for": th.DriftedFor,
	} {
		if d < model.Duration(time.Second) {
			refuse("thresholds."+path, "want a second or more, such as 14d")
		}
	}
	for path, r := range map[string]float64{
		"source_failing_ratio": th.SourceFailing, "budget_left_ratio": th.BudgetLeft, "noise_ratio": th.NoiseRatio,
	} {
		if r <= 0 || r >= 1 {
			refuse("thresholds."+path, fmt.Sprintf("%g is not a share: want a number above 0 and below 1, such as 0.5", r))
		}
	}
	if th.NoiseIncidents < 1 {
		refuse("thresholds.noise_incidents", "want 1 or more")
	}
	if _, err := level(th.MinimumBadge); err != nil {
		refuse("thresholds.minimum_badge", err.Error())
	}
}

// badges are those that a minimum can be, by level from 1.
var badges = [...]string{"bronze", "silver", "gold", "platinum", "diamond"}

// level is that of a badge.
func level(badge string) (int, error) {
	i := slices.Index(badges[:], badge)
	if i < 0 {
		return 0, fmt.Errorf("%q is not a badge: want %s", badge, strings.Join(badges[:], ", "))
	}
	return i + 1, nil
}

func (s Severities) all() []string { return []string{s.Tier1, s.Tier2, s.Tier3, s.Other} }

// label is a template of Prometheus for the label severity. It names the tiers only whose
// severity is not that of all others.
func (s Severities) label() string {
	var order []string
	tiers := map[string]string{}
	for i, severity := range s.all()[:3] {
		if severity == s.Other {
			continue
		}
		if tiers[severity] == "" {
			order = append(order, severity)
		}
		tiers[severity] += fmt.Sprintf(" \"%d\"", i+1)
	}
	text := ""
	for i, severity := range order {
		begin := "{{ if"
		if i > 0 {
			begin = "{{ else if"
		}
		text += begin + " eq $labels.tier" + tiers[severity] + " }}" + severity
	}
	if text == "" {
		return s.Other
	}
	return "'" + text + "{{ else }}" + s.Other + "{{ end }}'"
}
