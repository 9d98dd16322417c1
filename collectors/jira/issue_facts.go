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
// one is the rule.
const maxProjectRetries = 5

// issuesOf is the search for the issues of a fact declared in data.
func (r *round) issuesOf(f Fact) step {
	return r.throttled(f, func(due bool) []collectors.PlannedCall {
		if !due {
			return nil
		}
		var calls []collectors.PlannedCall
		for _, part := range portions(r.mapping.keys) {
			calls = append(calls, r.planned(f.search(part), "", f.Name))
		}
		return calls
	}, r.observeIssues)
}

// observeIssues observes one fact declared in data: one search over the
// projects of all services, shared out by project and component. done is false
// when it could not.
func (r *round) observeIssues(ctx context.Context, f Fact) (done bool, err error) {
	byAge := f.Mode == ModeNewestDoneAge
	if byAge && r.categories == nil {
		return false, nil // that they could not be listed is reported already
	}
	found := map[string]*tally{}
	except := map[string]evidence.Missing{}
	needs := func(i *issue) bool { return byAge && i.category == categoryDone }
	for _, part := range portions(r.mapping.keys) {
		// The parts of a listing that is asked for again come again.
		seen := map[string]bool{}
		err := r.overProjects(ctx, part, func(projects []string) error {
			return r.list(ctx, f.search(projects), "issue", needs, func(good, bad []*issue) error {
				for _, i := range bad {
					r.exceptAll(except, r.mapping.suspects(ServiceLink{}, i), evidence.MissingUndecodable)
				}
				for _, i := range good {
					if seen[i.key] {
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
			return false, fmt.Errorf("fact %s: %w", f.Name, err)
		}
	}
	for _, service := range r.mapping.referring {
		if slices.ContainsFunc(r.mapping.projects[service], func(p string) bool { return r.absent[p] }) {
			except[service] = evidence.MissingNotFound
		}
	}
	err = r.observe(f.Name, f.Definition, except, func(service string) (evidence.Value, string) {
		t := found[service]
		if t == nil {
			t = &tally{}
		}
		if byAge {
			return t.newestDone(f)
		}
		return t.count(f)
	})
	return err == nil, err
}

// search is the search for the fact's issues of projects.
func (f Fact) search(projects []string) search {
	s := search{
		jql:    in("project", projects) + " AND (" + f.JQL + ") ORDER BY created ASC",
		fields: []string{"project", "components"},
	}
	if f.Mode == ModeNewestDoneAge {
		s.fields = append(s.fields, "status", "created", "resolutiondate")
		s.changelog = true
	}
	return s
}

// tally is what a fact needs of the issues of one service, whatever their
// number: all keys when they are counted, else the one that was done last.
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
	done, ok := r.finished(i)
	if ok && (done.at.After(t.newest) || done.at.Equal(t.newest) && i.key < t.key) {
		t.newest, t.key = done.at, i.key
	}
}

func (t *tally) count(f Fact) (evidence.Value, string) {
	keys := unique(t.keys)
	if len(keys) == 0 {
		return evidence.Int(0), "no issue with " + f.JQL
	}
	return evidence.Int(int64(len(keys))), fmt.Sprintf("%s with %s", sample(keys), f.JQL)
}

// newestDone is the time of the newest change to a done status.
func (t *tally) newestDone(f Fact) (evidence.Value, string) {
	if t.key == "" {
		return evidence.Never(), "no done issue with " + f.JQL
	}
	return evidence.Instant(t.newest), fmt.Sprintf("%s, done %s", clean(t.key), stamp(t.newest))
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
			id := "project " + p
			if !r.logged[id] && !r.logging[id] {
				r.log.Warn("the site has no such project, or the account may not browse it", "project", clean(p))
			}
			r.logging[id] = true
		}
	}
}

// unknownProjects are those that a refusal names. Its words are in the
// account's language; that values stand in quotation marks is the same in all.
func unknownProjects(err error, asked []string) []string {
	var failed *collectors.CallError
	var refused *refused
	if !errors.As(err, &failed) || failed.Status != http.StatusBadRequest || !errors.As(err, &refused) {
		return nil
	}
	var unknown []string
	for _, p := range asked {
		times := 0
		for _, message := range refused.messages {
			times += namings(message, p)
			if fold(p) == "project" {
				times-- // that is the name of the field as well
			}
		}
		if times > 0 {
			unknown = append(unknown, p)
		}
	}
	return unknown
}

// namings counts how often a value stands in quotation marks.
func namings(message, value string) int {
	const marks = `'"‘’“”„«»「」` + "`"
	message, value = strings.ToLower(message), fold(value)
	times := 0
	for rest := message; ; {
		at := strings.Index(rest, value)
		if at < 0 {
			return times
		}
		before, _ := utf8.DecodeLastRuneInString(rest[:at])
		rest = rest[at+len(value):]
		after, _ := utf8.DecodeRuneInString(rest)
		if strings.ContainsRune(marks, before) && strings.ContainsRune(marks, after) {
			times++
		}
	}
}
