package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evaluation"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/snapshot"
)

// PlaybookQuery selects a playbook.
type PlaybookQuery struct {
	Service string
	// Module is the id of the only module; empty for all.
	Module string
	Badge  framework.Badge
	// Launch, if not nil, is a service that is in no catalog yet: it is judged by this entry
	// alone.
	Launch *catalog.Service
	// OrDefault judges a Launch by the default framework where there is no configuration file.
	OrDefault bool
	// Tickets asks for the fields of the review's ticket; Project, IssueType, SubTaskType and
	// Parent are those of the query, the others come from the configuration.
	Tickets *report.ReviewTicketFields
}

// Playbook makes the self-assessment of a service from what is in the store right now, or
// that of a service before its launch. It collects nothing and writes nothing. The error of
// a name that there is not is an *UnknownNameError.
func Playbook(ctx context.Context, o Options, q PlaybookQuery) (report.Playbook, error) {
	none := report.Playbook{}
	o, rc, err := plan(withoutFile(o, q.Launch != nil && q.OrDefault))
	if err != nil {
		return none, err
	}
	published, service, err := q.judged(ctx, o, rc)
	if err != nil {
		return none, err
	}
	criteria, entry := published.CriteriaOf(&service), service.Entry
	modules := make([]string, 0, len(criteria.Modules))
	for _, m := range criteria.Modules {
		modules = append(modules, m.ID)
	}
	if q.Module != "" && !slices.Contains(modules, q.Module) {
		return none, &UnknownNameError{fmt.Sprintf("no module %q in the framework%s; the modules are %s", q.Module,
			nearest.Suggest(q.Module, modules), strings.Join(modules, ", "))}
	}
	card, _ := report.NewScorecard(published, entry.Name)
	if q.Tickets != nil {
		if err := addressReview(q.Tickets, rc, entry); err != nil {
			return none, err
		}
	}
	return report.NewPlaybook(card, report.PlaybookOptions{
		Module: q.Module, Badge: q.Badge, Launch: q.Launch, Attestations: rc.attestationsFor(criteria),
	}), nil
}

// judged is the snapshot that has the service, and the service.
func (q *PlaybookQuery) judged(
	ctx context.Context, o Options, rc *runtimeConfig,
) (*snapshot.Snapshot, snapshot.Service, error) {
	if q.Launch == nil {
		published, err := Inspect(ctx, o)
		if err != nil {
			return nil, snapshot.Service{}, err
		}
		found, ok := published.Find(q.Service)
		if ok {
			return published, found, nil
		}
		names := make([]string, 0, len(published.Services))
		for i := range published.Services {
			names = append(names, published.Services[i].Entry.Name)
		}
		return nil, snapshot.Service{}, &UnknownNameError{fmt.Sprintf(
			"unknown service %q%s; a service that is in no catalog yet needs --launch", q.Service,
			nearest.Suggest(q.Service, names))}
	}
	entry, err := rc.launching(q.Service, *q.Launch)
	if err != nil {
		return nil, snapshot.Service{}, err
	}
	blank := evaluation.Blank(&rc.Config, o.Now())
	found, _ := blank.Find(entry.Name)
	return blank, found, nil
}

// addressReview completes the fields of a review's ticket: how it names the service, as the
// site reads it.
func addressReview(f *report.ReviewTicketFields, rc *runtimeConfig, entry *catalog.Service) error {
	for _, site := range rc.config.Sources().Jira {
		if site.Reviews.JQL == "" {
			continue
		}
		ref, known := referenceTo(entry, site.Name)
		switch by := site.Reviews.Services; by.By {
		case config.ByLabel:
			f.Label = by.Prefix + entry.Name
		case config.ByField:
			f.Field = by.Field
		default:
			switch {
			case known:
				f.Component, f.Label = ref.Component, ref.Label
			case f.Project == "":
				continue
			default:
				f.Component = entry.Name // it gets its reference when it gets its entry
			}
			f.Project = cmp.Or(f.Project, ref.Project)
		}
		if f.Project == "" {
			return &UnknownNameError{"in which project of Jira is the review? give --project, such as --project PRR"}
		}
		return nil
	}
	return &UnknownNameError{fmt.Sprintf(
		"no site of sources.jira reads reviews of %s: give `reviews.jql` there, and `jira` in the catalog entry", entry.Name)}
}

// referenceTo is the first reference of the entry to a site.
func referenceTo(entry *catalog.Service, site string) (catalog.JiraRef, bool) {
	for _, ref := range entry.Jira {
		if ref.Site == site || ref.Site == "" {
			return ref, true
		}
	}
	return catalog.JiraRef{}, false
}
