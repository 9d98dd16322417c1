// Package pages makes the pages that people read in a browser: the fleet, a service, a
// team, an org, a check, and the framework. They are made of the current snapshot, with
// what the store knows of the past; they need no script and load nothing but pictures of
// the same server.
package pages

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/handbook"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

//go:embed templates
var templates embed.FS

//go:embed style.css
var style string

// Past is what the store knows of the past. Its methods are safe for concurrent use.
type Past interface {
	// Moves are the badge changes of all services since a time, the oldest first.
	Moves(ctx context.Context, since time.Time) ([]scoring.Transition, error)
	// History is how the badge of a service came to be, since a time.
	History(ctx context.Context, s *snapshot.Snapshot, service string, since time.Time) (report.History, error)
	// Incidents are those that a query selects, within a window that ends now.
	Incidents(ctx context.Context, s *snapshot.Snapshot, q report.IncidentQuery) (report.Incidents, error)
	// Reviews are the names of the operational reviews that are kept, the newest first.
	Reviews(ctx context.Context) ([]string, error)
}

// Options configure a Site. Current and Past are required.
type Options struct {
	// Current returns the snapshot to show, nil before the first.
	Current func() *snapshot.Snapshot
	Past    Past
	// Waiting says why nothing can be shown yet.
	Waiting func() string
	// ReloadFailed returns when the last reload of the configuration failed, zero if it did
	// not.
	ReloadFailed func() time.Time
	// ReviewsKept reports whether operational reviews are made, which have pages of their
	// own.
	ReviewsKept func() bool
	// Links are addresses outside of the collector.
	Links func() Links
	// Logger is where failures go; nil discards them.
	Logger *slog.Logger
	// Version of the program.
	Version string
}

// Links are addresses outside of the collector, as templates; an empty one is not shown.
type Links struct {
	// Dashboard is the address of a service's dashboard; {service}, {team} and {org} become
	// its names.
	Dashboard string
	// Tickets are the addresses of tickets, by the id of their source; {key} becomes the name
	// of the ticket.
	Tickets map[string]string
	// Feedback is where an issue about a check is written; {check} and {service} become
	// their names, {label} the label that issues about the check carry, and {kind} the kind
	// of feedback, of which there is a link each then.
	Feedback string
}

// feedback are the links to write that a check is wrong; service is empty on the page of a
// check.
func (l Links) feedback(check, service string) []link {
	if l.Feedback == "" {
		return nil
	}
	to := func(kind string) string {
		return fill(l.Feedback, "{check}", check, "{service}", service, "{label}", framework.FeedbackLabel(check),
			"{kind}", kind)
	}
	if !strings.Contains(l.Feedback, "{kind}") {
		return []link{{"This check is wrong", to("")}}
	}
	var links []link
	for _, kind := range evidence.FeedbackKinds() {
		links = append(links, link{report.FeedbackWords(kind), to(string(kind))})
	}
	return links
}

// Answer is what a request for a page is answered with.
type Answer struct {
	Status int
	// Body is HTML.
	Body []byte
	// Redirect is where to go instead, relative to the page; empty for nowhere else.
	Redirect string
}

// Site makes pages. It is safe for concurrent use.
type Site struct {
	o     Options
	pages map[string]*template.Template

	mu    sync.Mutex
	fleet *fleetIndex
	books map[*framework.Framework]*handbook.Book
}

// pageNames are the templates, without those that they share.
func pageNames() []string {
	return []string{"fleet", "service", "group", "check", "framework", "message"}
}

// New makes a site.
func New(o Options) (*Site, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Site{o: o, pages: map[string]*template.Template{}, books: map[*framework.Framework]*handbook.Book{}}
	for _, name := range pageNames() {
		page, err := template.New(name).Funcs(functions()).ParseFS(templates, "templates/layout.html", "templates/parts.html",
			"templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("reading the template of the page %s: %w", name, err)
		}
		s.pages[name] = page
	}
	return s, nil
}

// Policy is the content security policy of all pages: the one style sheet that is part of
// them, by its hash, pictures of this server, and forms that lead to it.
func Policy() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

// Icon is the picture of the site in the tabs of a browser, as SVG.
func Icon() ([]byte, error) { return fs.ReadFile(templates, "templates/icon.svg") }

// frame is what surrounds every page.
type frame struct {
	CSS template.CSS
	// Title is that of the page, Root the way to the first page.
	Title, Root string
	Version     string
	Framework   string
	// At is the time of the last judgement.
	At           time.Time
	ReloadFailed time.Time
	Reviews      bool
	// Page is what the template of the page shows.
	Page any
}

// render makes a page. depth is the number of slashes in its path.
func (s *Site) render(status int, name, title string, depth int, current *snapshot.Snapshot, page any) Answer {
	f := frame{CSS: template.CSS(style), Title: title, //nolint:gosec // the style is a part of the program
		Root: strings.Repeat("../", depth), Version: s.o.Version, Page: page}
	if f.Root == "" {
		f.Root = "./"
	}
	if current != nil {
		f.At = current.At
		if current.Framework != nil {
			f.Framework = current.Framework.Name + " " + current.Framework.Version
		}
	}
	f.Reviews = s.o.ReviewsKept != nil && s.o.ReviewsKept()
	if s.o.ReloadFailed != nil {
		f.ReloadFailed = s.o.ReloadFailed()
	}
	var body bytes.Buffer
	if err := s.pages[name].ExecuteTemplate(&body, "layout", f); err != nil {
		s.o.Logger.Error("a page cannot be rendered", "page", name, "err", err)
		return Answer{Status: http.StatusInternalServerError,
			Body: []byte("<!DOCTYPE html><title>Error</title><p>The page could not be rendered; the log says why.")}
	}
	return Answer{Status: status, Body: body.Bytes()}
}

// message is a page with one message, and links to what was probably meant.
type message struct {
	Text string
	// Near are links below Root.
	Near []link
}

type link struct{ Text, Href string }

// waiting is the page before the first judgement.
func (s *Site) waiting(status, depth int) Answer {
	text := "The first evaluation has not finished yet."
	if s.o.Waiting != nil {
		if why := s.o.Waiting(); why != "" {
			text = "Nothing to show yet: " + why + "."
		}
	}
	return s.render(status, "message", "Production readiness", depth, nil, message{Text: text})
}

// notFound says that there is nothing of a name, and what was probably meant.
func (s *Site) notFound(current *snapshot.Snapshot, depth int, what, name string, near []link) Answer {
	const longest = 100
	if runes := []rune(name); len(runes) > longest {
		name = string(runes[:longest]) + "…"
	}
	return s.render(http.StatusNotFound, "message", "Not found", depth, current,
		message{Text: fmt.Sprintf("There is no %s %q.", what, name), Near: near})
}

// failed is the page when the store does not answer.
func (s *Site) failed(current *snapshot.Snapshot, depth int, doing string, err error) Answer {
	s.o.Logger.Error("a page cannot be made", "doing", doing, "err", err)
	return s.render(http.StatusInternalServerError, "message", "Error", depth, current,
		message{Text: "The store did not answer while " + doing + "; the log says why. Try again in a minute."})
}

// fill puts names into the template of an address. They are escaped, so that a name cannot
// change where it leads.
func fill(address string, names ...string) string {
	for i, name := range names {
		names[i] = name
		if i%2 == 1 {
			names[i] = url.QueryEscape(name)
		}
	}
	return strings.NewReplacer(names...).Replace(address)
}
