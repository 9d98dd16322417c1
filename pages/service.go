package pages

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/snapshot"
)

const (
	// historyFor is how far back the time line of a service goes.
	historyFor = 90 * 24 * time.Hour
	// maxEvents and maxIncidents are how many are listed.
	maxEvents, maxIncidents = 20, 8
	// maxHintName is the longest name that a near one is looked for.
	maxHintName = 200
)

// servicePage is what the page of a service shows.
type servicePage struct {
	Card report.Scorecard
	Row  *report.FleetRow
	// Words are the badge and what it is always shown with; Marks the latter alone.
	Words  string
	Marks  []string
	Clocks []report.Statement
	Target string
	// NextWords say what is left to the next badge.
	NextWords string
	Failing   []step
	Unknown   []step
	Rest      string
	Modules   []moduleView
	TimeLine  template.HTML
	Events    []report.Event
	Windows   []incidentWindow
	OnCall    string
	Exempt    []exemptCheck
	Review    reviewView
	// Reviews are those that were opened or completed within the time line.
	Reviews   []string
	Dashboard string
	// Snippet is the badge for a README.
	Snippet string
}

// step is something to do for the next badge.
type step struct {
	report.Check
	// Say is what is in the way, and what to do.
	Say []string
	// Basis is what was observed and what is wanted, where Say does not have it.
	Basis []report.Statement
	// Effort is in words.
	Effort string
}

// moduleView is a module with its checks.
type moduleView struct {
	report.ModuleDetail
	// Open shows the checks at once: one of them is in the way.
	Open   bool
	Counts []string
	Checks []checkView
}

// checkView is a check as it was judged for the service.
type checkView struct {
	report.Check
	Basis    []report.Statement
	Seen     string
	Feedback []link
}

type exemptCheck struct{ ID, Title, Words string }

// incidentWindow are the incidents of a time that ends now.
type incidentWindow struct {
	Days    int
	Figures report.IncidentFigures
	List    []incidentLine
	More    int
}

type incidentLine struct {
	At    time.Time
	Title string
	Words string
	Links []link
}

// Service is the page of a service.
func (s *Site) Service(ctx context.Context, name string) Answer {
	const depth = 1
	current := s.o.Current()
	if current == nil {
		return s.waiting(http.StatusServiceUnavailable, depth)
	}
	card, ok := report.NewScorecard(current, name)
	if !ok {
		return s.noService(current, name)
	}
	history, err := s.o.Past.History(ctx, current, name, current.At.Add(-historyFor))
	if err != nil {
		return s.failed(current, depth, "reading the history of "+name, err)
	}
	p := servicePage{
		Card: card, Row: &card.Summary, Words: card.Summary.BadgeWords(), Clocks: card.Clocks(), Target: card.TargetWords(),
		NextWords: card.NextWords(), TimeLine: timeLine(history), OnCall: onCall(current, name),
		Marks:   strings.Split(card.Summary.BadgeWords(), ", ")[1:],
		Snippet: "[![readiness](" + badgeAddress(name) + ")](" + pageAddress(name) + ")",
	}
	service, _ := current.Find(name)
	p.Review = s.reviewOf(current, &service)
	p.Review.Drifted = card.Drifted()
	steps := card.Steps()
	p.Failing, p.Unknown, p.Rest = stepsOf(card, steps.Failing), stepsOf(card, steps.Unknown), steps.Rest()
	links := s.links()
	for _, m := range card.Modules {
		p.Modules = append(p.Modules, moduleOf(card, m, links))
	}
	for i := range card.Checks {
		if c := &card.Checks[i]; c.Exemption != nil && c.Status == "exempt" {
			p.Exempt = append(p.Exempt, exemptCheck{c.ID, c.Title, card.ExemptionWords(c.Exemption)})
		}
	}
	for i := range history.Events {
		e := &history.Events[i]
		if e.Kind == report.EventReview {
			p.Reviews = append(p.Reviews, report.Day(e.At)+": "+e.Text)
		}
	}
	p.Events = history.Events[:min(len(history.Events), maxEvents)]
	for _, days := range []int{30, 90} {
		window, err := s.incidents(ctx, current, name, days)
		if err != nil {
			return s.failed(current, depth, "reading the incidents of "+name, err)
		}
		p.Windows = append(p.Windows, window)
	}
	if links.Dashboard != "" {
		p.Dashboard = fill(links.Dashboard, "{service}", name, "{team}", card.Summary.Team, "{org}", card.Summary.Org)
	}
	return s.render(http.StatusOK, "service", name, depth, current, p)
}

func (s *Site) links() Links {
	if s.o.Links == nil {
		return Links{}
	}
	return s.o.Links()
}

// badgeAddress and pageAddress are what a README needs; whoever copies them puts the
// address of the collector before them.
func badgeAddress(name string) string {
	return "https://COLLECTOR/badge/" + url.PathEscape(name) + ".svg"
}

func pageAddress(name string) string { return "https://COLLECTOR/services/" + url.PathEscape(name) }

// noService leads from a former name to the present one, and from a wrong one to those that
// were probably meant.
func (s *Site) noService(current *snapshot.Snapshot, name string) Answer {
	var names []string
	for i := range current.Services {
		entry := current.Services[i].Entry
		if slices.Contains(entry.Aliases, name) {
			return Answer{Status: http.StatusFound, Redirect: url.PathEscape(entry.Name)}
		}
		names = append(names, entry.Name)
	}
	return s.notFound(current, 1, "service", name, near(name, names, below("services/")))
}

// near are links to the names that were probably meant.
func near(name string, names []string, href func(name string) string) []link {
	const hints = 3
	var out []link
	if len(name) > maxHintName {
		return nil
	}
	for range hints {
		found, ok := nearest.Name(name, names)
		if !ok {
			break
		}
		out = append(out, link{found, href(found)})
		names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == found })
	}
	return out
}

// below are the pages of names in a folder.
func below(folder string) func(name string) string {
	return func(name string) string { return folder + url.PathEscape(name) }
}

func stepsOf(card report.Scorecard, checks []report.Check) []step {
	var out []step
	for _, c := range checks {
		s := step{Check: c, Say: c.InShort(), Effort: report.EffortWords(c.Next.Effort)}
		if c.Status == "fail" && len(s.Say) == 1 {
			for _, b := range card.Basis(c) {
				if b.Label == "observed" || b.Label == "wanted" {
					s.Basis = append(s.Basis, b)
				}
			}
		}
		out = append(out, s)
	}
	return out
}

func moduleOf(card report.Scorecard, m report.ModuleDetail, links Links) moduleView {
	v := moduleView{ModuleDetail: m}
	for _, status := range []string{"fail", "unknown", "pass", "exempt", "scheduled", "not_applicable"} {
		if n := m.Counts[status]; n > 0 {
			v.Counts = append(v.Counts, fmt.Sprintf("%d %s", n, statusWords(status)))
		}
	}
	for _, c := range card.Checks {
		if c.Module != m.ID {
			continue
		}
		v.Open = v.Open || c.InTheWay
		v.Checks = append(v.Checks, checkView{Check: c, Basis: card.Basis(c), Seen: c.Seen(),
			Feedback: links.feedback(c.ID, card.Summary.Service)})
	}
	return v
}

func statusWords(status string) string {
	switch status {
	case "pass":
		return "passing"
	case "fail":
		return "failing"
	}
	return strings.ReplaceAll(status, "_", " ")
}

// onCall says when nobody is on call next; empty if that is not known.
func onCall(s *snapshot.Snapshot, name string) (text string) {
	s.OnCallGaps(func(service *snapshot.Service, gap snapshot.OnCallGap) {
		switch {
		case service.Entry.Name != name || !gap.Known:
		case gap.Start.IsZero():
			text = "Somebody is on call at all times of the next 30 days."
		case gap.Start.After(s.At):
			text = "Nobody is on call from " + report.Minute(gap.Start) + " on."
		default:
			text = "Nobody is on call now, since " + report.Minute(gap.Start) + "."
		}
	})
	return text
}

func (s *Site) incidents(
	ctx context.Context, current *snapshot.Snapshot, name string, days int,
) (incidentWindow, error) {
	found, err := s.o.Past.Incidents(ctx, current,
		report.IncidentQuery{Service: name, Window: time.Duration(days) * 24 * time.Hour})
	if err != nil {
		return incidentWindow{}, err
	}
	w := incidentWindow{Days: days, Figures: found.Figures}
	for i := range found.Incidents {
		in := &found.Incidents[i]
		if len(w.List) == maxIncidents {
			w.More = len(found.Incidents) - maxIncidents
			break
		}
		row := incidentLine{Title: in.Title, Words: report.IncidentWords(in)}
		if in.Started != nil {
			row.At = in.Started.At
		}
		for _, r := range in.Records {
			row.Links = append(row.Links, link{r.Name, webAddress(r.URL)})
		}
		w.List = append(w.List, row)
	}
	return w, nil
}

// webAddress keeps an address of another system only if a browser may follow it.
func webAddress(address string) string {
	if u, err := url.Parse(address); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
		return address
	}
	return ""
}
