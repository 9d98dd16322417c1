package pages

import (
	"html/template"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/handbook"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// maxServices is how many services are named on the page of a check.
const maxServices = 50

// checkPage is what the page of a check shows.
type checkPage struct {
	ID, Title string
	// Text is the page of the framework.
	Text template.HTML
	// Counts are the services by status, in words.
	Counts []string
	// Failing, Unknown and Exempt are the first services of that status, the most critical
	// first.
	Failing, Unknown, Exempt             []serviceStatus
	MoreFailing, MoreUnknown, MoreExempt int
	// Basis says what it is compared by; empty if that is not known.
	Basis string
	// Worth says what to do about the check, and why.
	Worth report.Worth
	// Feedback are the links to say that the check is wrong.
	Feedback []link
}

type serviceStatus struct {
	Name, Team string
	Tier       int
}

// Check is the page of a check: what it asks, who fails it, and whether it matters.
func (s *Site) Check(id string) Answer {
	const depth = 1
	current := s.o.Current()
	if current == nil {
		return s.waiting(http.StatusServiceUnavailable, depth)
	}
	check, criteria, err := current.Check(id)
	if err != nil {
		var ids []string
		for _, c := range current.Checks() {
			ids = append(ids, c.ID)
		}
		return s.notFound(current, depth, "check", id, near(id, ids, below("checks/")))
	}
	page, err := s.book(criteria).Page(id)
	if err != nil {
		return s.failed(current, depth, "looking up the page of "+id, err)
	}
	p := checkPage{ID: id, Title: check.Title, Text: page.HTML(handbookHref("../framework/", page.Path)),
		Basis: basis(current.Correlated, id), Worth: report.WorthOf(current, check)}
	p.count(current, check)
	p.Feedback = s.links().feedback(id, "")
	return s.render(http.StatusOK, "check", id, depth, current, p)
}

func (p *checkPage) count(s *snapshot.Snapshot, check *framework.Check) {
	counts := map[scoring.Status]int{}
	for i := range s.Services {
		service := &s.Services[i]
		if service.Card == nil {
			continue
		}
		result := service.Card.Of(check)
		if result == nil {
			continue // the service is judged by criteria without the check
		}
		status := result.Status
		counts[status]++
		row := serviceStatus{service.Entry.Name, service.Entry.Team, service.Entry.Tier}
		switch status {
		case scoring.Fail:
			p.Failing = append(p.Failing, row)
		case scoring.Unknown:
			p.Unknown = append(p.Unknown, row)
		case scoring.Exempt:
			p.Exempt = append(p.Exempt, row)
		case scoring.Pass, scoring.NotApplicable, scoring.Scheduled:
		}
	}
	for _, status := range scoring.Statuses() {
		if n := counts[status]; n > 0 {
			p.Counts = append(p.Counts, report.Plural(n, "service")+" "+statusWords(status.String()))
		}
	}
	p.Failing, p.MoreFailing = firstByTier(p.Failing)
	p.Unknown, p.MoreUnknown = firstByTier(p.Unknown)
	p.Exempt, p.MoreExempt = firstByTier(p.Exempt)
}

func firstByTier(list []serviceStatus) (first []serviceStatus, more int) {
	slices.SortStableFunc(list, func(a, b serviceStatus) int { return a.Tier - b.Tier })
	return firstOf(list, maxServices)
}

// basis says by what the services that fail a check were compared with those that pass it.
func basis(result *correlation.Result, id string) string {
	if result == nil {
		return ""
	}
	return report.CheckBasis(result, id)
}

// book is the framework as pages, which are made once for each framework.
func (s *Site) book(f *framework.Framework) *handbook.Book {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.books[f] == nil {
		inUse := s.o.Current().Frameworks()
		maps.DeleteFunc(s.books, func(old *framework.Framework, _ *handbook.Book) bool {
			return !slices.Contains(inUse, old)
		})
		s.books[f] = handbook.New(f)
	}
	return s.books[f]
}

// handbookHref turns the links of a page of the framework, which lead to Markdown files,
// into those of the site. root is the way from the page to the folder of all pages.
func handbookHref(root, from string) func(href string) string {
	return func(href string) string {
		if strings.Contains(href, "://") {
			return href
		}
		target, anchor, _ := strings.Cut(href, "#")
		if anchor != "" {
			anchor = "#" + anchor
		}
		target = path.Join(path.Dir(from), target)
		return root + strings.TrimSuffix(target, ".md") + anchor
	}
}

// frameworkPage is a page of the framework.
type frameworkPage struct {
	Text template.HTML
	// Version is the name and version of the framework.
	Version string
}

// FrameworkPage is a page of the framework by its path below /framework/, without an
// extension; empty is the index.
func (s *Site) FrameworkPage(file string) Answer {
	depth := 1 + strings.Count(file, "/")
	current := s.o.Current()
	if current == nil {
		return s.waiting(http.StatusServiceUnavailable, depth)
	}
	if file == "" {
		file = "index"
	}
	book := s.book(current.Framework)
	pages := book.Pages()
	i := slices.IndexFunc(pages, func(p handbook.Page) bool { return strings.TrimSuffix(p.Path, ".md") == file })
	if i < 0 {
		var names []string
		for _, p := range pages {
			names = append(names, strings.TrimSuffix(p.Path, ".md"))
		}
		return s.notFound(current, depth, "page of the framework", file, near(file, names,
			func(name string) string { return "framework/" + name }))
	}
	root := strings.Repeat("../", depth-1)
	if root == "" {
		root = "./"
	}
	return s.render(http.StatusOK, "framework", pages[i].Title(), depth, current, frameworkPage{
		Text:    pages[i].HTML(handbookHref(root, pages[i].Path)),
		Version: current.Framework.Name + " " + current.Framework.Version,
	})
}
