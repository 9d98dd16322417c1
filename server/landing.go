package server

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the landing page and its style
	"encoding/base64"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/snapshot"
)

//go:embed landing.html
var landingHTML string

//go:embed landing.css
var landingCSS string

func landingTemplate() (*template.Template, error) {
	return template.New("landing").Parse(landingHTML)
}

// landingPolicy allows the one style sheet that is part of the page, by its
// hash, and nothing else.
func landingPolicy() string {
	sum := sha256.Sum256([]byte(landingCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// landingView is what the template shows.
type landingView struct {
	CSS       template.CSS
	Version   string
	Ready     bool
	NotReady  string
	At        string
	Framework string
	// Reviews reports whether there are operational reviews.
	Reviews bool
	// ReloadFailed is when the last reload failed; empty if it did not.
	ReloadFailed string
	Badges       []badgeCount
	// Count is the number of services, as text.
	Count    string
	Services []serviceRow
	Sources  []sourceRow
	// Uncounted is what sources have found and could not use.
	Uncounted []uncountedRow
}

type badgeCount struct {
	Name  string
	Count int
}

type serviceRow struct {
	Name, Title, Team string
	Link              string
	Tier              int
	// Badge is empty before the first judgement.
	Badge           string
	OnHold          bool
	Score, Coverage string
	// Next is what is missing to the next badge.
	Next report.Way
}

type sourceRow struct {
	ID, LastSuccess, Error string
}

// uncountedRow is what a source has found and could not use, of one kind.
type uncountedRow struct {
	Title   string
	Largest []evidence.UncountedGroup
}

// serveLanding shows the fleet to people.
func (s *Server) serveLanding(w http.ResponseWriter, _ *http.Request) {
	view := landingView{CSS: template.CSS(landingCSS), Version: s.o.Version, NotReady: s.notReady(),
		Reviews: s.reviewsEnabled()}
	if failed := s.reloadFailed(); !failed.IsZero() {
		view.ReloadFailed = showTime(failed)
	}
	if current := s.o.Current(); current != nil {
		view.fill(current)
	}
	var page bytes.Buffer
	if err := s.landing.Execute(&page, view); err != nil {
		s.o.Logger.Error("rendering the landing page failed", "error", err)
		plain(w, http.StatusInternalServerError, "the page could not be rendered, see the log")
		return
	}
	w.Header().Set("Content-Security-Policy", landingPolicy())
	writeBody(w, http.StatusOK, "text/html; charset=utf-8", page.Bytes())
}

// reloadFailed is when the last reload failed, zero if it did not.
func (s *Server) reloadFailed() time.Time {
	if s.o.ReloadFailed == nil {
		return time.Time{}
	}
	return s.o.ReloadFailed()
}

func (v *landingView) fill(s *snapshot.Snapshot) {
	v.Ready = true
	v.At = showTime(s.At)
	if s.Framework != nil {
		v.Framework = s.Framework.Name + " " + s.Framework.Version
	}
	counts := map[framework.Badge]int{}
	for i := range s.Services {
		service := &s.Services[i]
		if judged(service) {
			counts[service.Badge.Badge]++
		}
		v.Services = append(v.Services, newServiceRow(s, service))
	}
	badges := framework.Badges()
	for _, badge := range slices.Backward(badges) {
		v.Badges = append(v.Badges, badgeCount{badge.String(), counts[badge]})
	}
	v.Count = report.Plural(len(v.Services), "service")
	for _, source := range s.Sources {
		v.Sources = append(v.Sources, sourceRow{source.ID, showTime(source.LastSuccess), source.Error})
	}
	for _, u := range report.Uncounted(s) {
		v.Uncounted = append(v.Uncounted, uncountedRow{u.Title(), u.Largest})
	}
}

func newServiceRow(all *snapshot.Snapshot, s *snapshot.Service) serviceRow {
	row := serviceRow{
		Name: s.Entry.Name, Title: s.Entry.Title, Team: s.Entry.Team, Tier: s.Entry.Tier,
		// Relative, so that it holds behind a proxy that adds a path.
		Link:   "api/v1/services/" + url.PathEscape(s.Entry.Name),
		OnHold: s.Badge.Hold != nil,
		Score:  "no score", Coverage: "–", Next: report.Way{Gap: "–"},
	}
	if judged(s) {
		row.Badge = s.Badge.Badge.String()
	}
	if row.Title == row.Name {
		row.Title = ""
	}
	if s.Card == nil || !s.Card.HasScore {
		return row
	}
	row.Next = report.NewWay(all, s)
	lower, upper := percent(s.Card.Score.Lower), percent(s.Card.Score.Upper)
	row.Score = fmt.Sprintf("%d %%", lower)
	if lower != upper {
		row.Score = fmt.Sprintf("%d–%d %%", lower, upper)
	}
	row.Coverage = fmt.Sprintf("%d %%", percent(s.Card.Coverage))
	return row
}

func judged(s *snapshot.Service) bool {
	return !s.Badge.At.IsZero() || !s.Badge.FirstJudged.IsZero()
}

// percent rounds down, so that 100 means all.
func percent(ratio float64) int { return int(math.Floor(ratio*100 + 1e-9)) }

func showTime(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
