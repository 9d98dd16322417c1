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
	found := map[string]*tally{}
	except := map[string]evidence.Missing{}
	needsLog := func(i *issue) bool { return byAge && i.category == categoryDone }
	for _, part := range portions(r.mapping.keys) {
		// A listing that is asked for again has the same issues again.
		seen := map[string]bool{}
		err := r.overProjects(ctx, part, func(projects []string) error {
			return r.list(ctx, f.search(projects), "issue", needsLog, func(good, bad []*issue) error {
				for _, i := range bad {
					r.exceptAll(except, r.mapping.affected(ServiceLink{}, i), evidence.MissingUndecodable)
				}
				for _, i := range good {
					if seen[i.key] || f.provesNothing(r.notDone, i) {
						continue
					}
					seen[i.key] = true
					for _, service := range r.mapping.owners(i) {
						if found[service] == nil {
							found[service] = &tally{}
						}
						r.tally(found[service], f, i)
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
			except[service] = evidence.MissingNotFound
		}
	}
	err := r.observe(f.Name, []string{f.Name}, except, func(service, _ string) collectors.Answer {
		t := found[service]
		if t == nil {
			t = &tally{}
		}
		return t.answer(f)
	})
	if err == nil {
		r.markObserved(f, "")
	}
	return err
}

// provesNothing reports whether the fact is about work that was done, and the issue
// was closed as not done.
func (f Fact) provesNothing(notDone closings, i *issue) bool {
	return (f.Mode == ModeNewestDoneAge || f.countsDoneWork()) && notDone.of(i) != ""
}

// tally is what a fact needs of the issues of one service: all keys where they
// are counted, else the one that was done last.
type tally struct {
	keys   []string
	newest time.Time
	key    string
}

func (r *round) tally(t *tally, f Fact, i *issue) {
	if f.Mode == ModeCount {
		t.keys = append(t.keys, clean(i.key))
		return
	}
	done, ok := r.done(i)
	if ok && (done.at.After(t.newest) || done.at.Equal(t.newest) && i.key < t.key) {
		t.newest, t.key = done.at, i.key
	}
}

// answer is the number of issues, or the time of the newest change to a done
// status.
func (t *tally) answer(f Fact) collectors.Answer {
	keys := unique(t.keys)
	switch {
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
