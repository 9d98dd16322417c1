package jira

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// maxProjectRetries bounds how often one search is repeated without the
// projects that the site does not have. An answer names all of them, so that
// one repeat is usual.
const maxProjectRetries = 5

// issuesOf searches for the issues of a fact declared in data.
func (r *round) issuesOf(f Fact) listing {
	return listing{
		kind: "issue",
		searches: func() []search {
			if !r.due(f) {
				return nil
			}
			return mapSlice(portions(r.mapping.keys), f.search)
		},
		read: func(ctx context.Context, _ []search) error { return r.observeIssues(ctx, f) },
	}
}

// search is the search for the fact's issues of projects.
func (f Fact) search(projects []string) search {
	s := search{
		jql:    in("project", projects) + " AND (" + f.JQL + ") ORDER BY created ASC",
		fields: []string{"project", "components", "labels"},
		facts:  []string{f.Name},
	}
	switch {
	case f.Mode == ModeNewestDoneAge:
		s.fields = append(s.fields, "status", "resolution", "created", "resolutiondate")
		s.changelog = true
	case f.countsDoneWork():
		s.fields = append(s.fields, "status", "resolution")
	}
	return s
}

// observeIssues observes one fact declared in data: one search over the projects
// of all services, whose issues are counted by project and component.
func (r *round) observeIssues(ctx context.Context, f Fact) error {
	byAge := f.Mode == ModeNewestDoneAge
	if byAge && r.statuses == nil {
		return nil // that they could not be listed is reported already
	}
	t := tallies{of: map[string]*tally{}, except: map[string]evidence.Missing{}, marks: newMarks()}
	needsLog := func(i *issue) bool { return byAge && i.category == categoryDone }
	for _, part := range portions(r.mapping.keys) {
		// A listing that is asked for again has the same issues again.
		seen := map[string]bool{}
		err := r.overProjects(ctx, part, func(projects []string) error {
			return r.list(ctx, f.search(projects), "issue", needsLog, func(good, bad []*issue) error {
				for _, i := range bad {
					r.exceptAll(t.except, r.mapping.affected(ServiceLink{}, i), evidence.MissingUndecodable)
				}
				for _, i := range good {
					if !seen[i.key] {
						seen[i.key] = true
						r.tally(&t, f, i)
					}
				}
				return nil
			})
		})
		if err != nil {
			return fmt.Errorf("fact %s: %w", f.Name, err)
		}
	}
	for _, service := range r.mapping.referring {
		if slices.ContainsFunc(r.mapping.projects[service], func(p string) bool { return r.absent[p] }) {
			t.except[service] = evidence.MissingNotFound
		}
	}
	err := r.observe(f.Name, []string{f.Name}, t.except, func(service, _ string) collectors.Answer {
		return t.service(service).answer(f)
	})
	if err == nil {
		r.markObserved(f, "")
		t.marks.complete = true
		r.marks[f.Name] = t.marks
	}
	return err
}

// provesNothing reports whether the fact is about work that was done, and the issue
// was closed as not done.
func (f Fact) provesNothing(notDone closings, i *issue) bool {
	return (f.Mode == ModeNewestDoneAge || f.countsDoneWork()) && notDone.of(i) != ""
}

// tallies are what was found for a fact, by service.
type tallies struct {
	of map[string]*tally
	// except are the services whose answer is unknown.
	except map[string]evidence.Missing
	marks  *marks
}

// tally is what a fact needs of the issues of one service: all keys where they
// are counted, else the one that was done last.
type tally struct {
	keys   []string
	newest time.Time
	key    string
	// doubt is the latest time at which an issue may have been done that may be the
	// service's and could not be used; doubted reports that there is one.
	doubt   time.Time
	doubted bool
}

func (t *tallies) service(name string) *tally {
	if t.of[name] == nil {
		t.of[name] = &tally{}
	}
	return t.of[name]
}

// tally adds an issue to the services that have it. One that belongs to no service, or
// that was done at an unknown time, may change the answer of those that it may belong
// to. A component that no service has beside one of a service is counted, and changes
// nothing.
func (r *round) tally(t *tallies, f Fact, i *issue) {
	if f.provesNothing(r.notDone, i) {
		return
	}
	var done change
	if f.Mode == ModeNewestDoneAge {
		var isDone bool
		if done, isDone = r.finished(i); !isDone {
			return
		}
	}
	services := r.mapping.owners(i)
	isUnmatched := len(services) == 0
	isUndated := f.Mode == ModeNewestDoneAge && done.at.IsZero()
	switch {
	case isUnmatched:
		services = r.mapping.ofProject(i.project)
		t.marks.set(i.id, r.mapping.unmatched(ServiceLink{}, i))
	case isUndated:
		t.marks.set(i.id, undated(done, "issues", i))
	default:
		t.marks.set(i.id, r.mapping.partlyUnknown(ServiceLink{}, i))
	}
	for _, name := range services {
		s := t.service(name)
		switch {
		case isUndated:
			s.doubted, s.doubt = true, r.now
		case isUnmatched:
			s.doubted, s.doubt = true, later(s.doubt, done.at)
		case f.Mode == ModeCount:
			s.keys = append(s.keys, clean(i.key))
		case done.at.After(s.newest) || done.at.Equal(s.newest) && i.key < s.key:
			s.newest, s.key = done.at, i.key
		}
	}
}

// answer is the number of issues, or the time of the newest change to a done
// status. It is unknown when an issue could change it that may be the service's.
func (t *tally) answer(f Fact) collectors.Answer {
	keys := unique(t.keys)
	switch {
	case t.doubted && (f.Mode == ModeCount || t.doubt.After(t.newest)):
		return collectors.Answer{Missing: evidence.MissingUncounted}
	case f.Mode == ModeCount && len(keys) == 0:
		return collectors.Answer{Value: evidence.Int(0), Detail: "no issue with " + f.JQL}
	case f.Mode == ModeCount:
		return collectors.Answer{Value: evidence.Int(int64(len(keys))), Detail: sample(keys) + " with " + f.JQL}
	case t.key == "":
		return collectors.Answer{Value: evidence.Never(), Detail: "no done issue with " + f.JQL}
	}
	return collectors.Answer{Value: evidence.Instant(t.newest), Detail: clean(t.key) + ", done " + stamp(t.newest)}
}

// overProjects makes a search over projects. Jira refuses the whole search when it
// does not have one of the projects, or the account may not see it. The search is
// then repeated without that project.
func (r *round) overProjects(ctx context.Context, projects []string, do func([]string) error) error {
	for n := 0; ; n++ {
		known := slices.DeleteFunc(slices.Clone(projects), func(p string) bool { return r.absent[fold(p)] })
		if len(known) == 0 {
			return nil
		}
		err := do(known)
		unknown := unknownProjects(err, known)
		if len(unknown) == 0 || n == maxProjectRetries || ctx.Err() != nil {
			return err
		}
		for _, p := range unknown {
			r.absent[fold(p)] = true
			if r.notices.Add("project "+p, "") {
				r.log.Warn("the site has no such project, or the account may not browse it", "project", clean(p))
			}
		}
	}
}

// unknownProjects are those that a refusal names. The message is in the language
// of the account, but in every language it has values in quotation marks.
func unknownProjects(err error, asked []string) []string {
	failed, ok := errors.AsType[*collectors.CallError](err)
	refused, isRefusal := errors.AsType[*refusal](err)
	if !ok || !isRefusal || failed.Status != http.StatusBadRequest {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(asked), func(p string) bool {
		times := 0
		for _, message := range refused.messages {
			times += countQuoted(message, p)
			if fold(p) == "project" {
				times-- // that is the name of the field as well
			}
		}
		return times <= 0
	})
}

// countQuoted counts how often a value stands in quotation marks.
func countQuoted(message, value string) int {
	const marks = `'"‘’“”„«»「」` + "`"
	parts := strings.Split(strings.ToLower(message), fold(value))
	times := 0
	for n := range parts[1:] {
		before, _ := utf8.DecodeLastRuneInString(parts[n])
		after, _ := utf8.DecodeRuneInString(parts[n+1])
		if strings.ContainsRune(marks, before) && strings.ContainsRune(marks, after) {
			times++
		}
	}
	return times
}
