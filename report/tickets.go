package report

import (
	"io"
	"strconv"
	"strings"
)

// ReviewTicketFields are the fields that make a ticket the readiness review of a service.
type ReviewTicketFields struct {
	// Project is the key of the project, IssueType and SubTaskType the names of the types.
	Project, IssueType, SubTaskType string
	// Component, Label and Field name the service, as far as the configuration asks for
	// them. Field is the id of a field, whose value is the service's name.
	Component, Label, Field string
	// Parent is the key of the review ticket; empty if that has yet to be created.
	Parent string
}

// ReviewTickets are the review of a service and a sub-task for each open check that can be
// attested, in the form in which the Jira source reads them.
type ReviewTickets struct {
	// Review is the body for POST /rest/api/2/issue; absent if there is a review.
	Review *JiraIssue `json:"review,omitempty"`
	// IssueUpdates are the sub-tasks; the object is the body for
	// POST /rest/api/2/issue/bulk, which takes 50 at most. Absent while there is no review,
	// since a sub-task names its key.
	IssueUpdates []JiraIssue `json:"issueUpdates,omitempty"`
}

// JiraIssue is an issue to create.
type JiraIssue struct {
	Fields map[string]any `json:"fields"`
}

// MaxBulkIssues is how many issues Jira creates with one request.
const MaxBulkIssues = 50

// task is one sub-task of a review.
type task struct{ summary, description, label string }

// tasks are those of the checks that are open and can be attested.
func (p Playbook) tasks() []task {
	var tasks []task
	for _, m := range p.Modules {
		for _, c := range m.Checks {
			if c.Label == "" || c.done() || c.AttestationLabel == "" {
				continue
			}
			lines := []string{c.Objective, ""}
			for i, step := range c.Next.Fix {
				lines = append(lines, strconv.Itoa(i+1)+". "+step)
			}
			lines = append(lines, "", "Needed for "+titled(c.NeededFor)+". "+c.attestText()+".")
			if c.NeedsLink {
				lines = append(lines, "Evidence (an address):")
			}
			tasks = append(tasks, task{clean(c.Title + " (" + c.ID + ")"), strings.Join(lines, "\n"), c.Label})
		}
	}
	return tasks
}

func (p Playbook) reviewSummary() string { return clean("Readiness review of " + p.Service) }

func (p Playbook) reviewText() string {
	return "Made by collector playbook. " + p.about() + "\nEach sub-task is a check that no machine can see."
}

// labels are those of the review itself.
func (f ReviewTicketFields) labels() []string {
	if f.Label == "" {
		return []string{}
	}
	return []string{f.Label}
}

// NewReviewTickets makes the tickets of a playbook.
func NewReviewTickets(p Playbook, f ReviewTicketFields) ReviewTickets {
	fields := func(kind, summary, description string, labels []string) map[string]any {
		return map[string]any{
			"project": map[string]string{"key": f.Project}, "issuetype": map[string]string{"name": kind},
			"summary": summary, "description": description, "labels": labels,
		}
	}
	if f.Parent == "" {
		review := fields(f.IssueType, p.reviewSummary(), p.reviewText(), f.labels())
		if f.Component != "" {
			review["components"] = []map[string]string{{"name": f.Component}}
		}
		if f.Field != "" {
			review[f.Field] = p.Service
		}
		return ReviewTickets{Review: &JiraIssue{review}}
	}
	out := ReviewTickets{IssueUpdates: []JiraIssue{}}
	for _, t := range p.tasks() {
		sub := fields(f.SubTaskType, t.summary, t.description, []string{t.label})
		sub["parent"] = map[string]string{"key": f.Parent}
		out.IssueUpdates = append(out.IssueUpdates, JiraIssue{sub})
	}
	return out
}

// WriteJSON writes the bodies for Jira's API.
func (t ReviewTickets) WriteJSON(w io.Writer) error { return writeJSON(w, t, "tickets") }

// WriteTicketsCSV writes the review and its sub-tasks for Jira's CSV importer, which joins
// them by "Issue Id" and "Parent Id".
func (p Playbook) WriteTicketsCSV(w io.Writer, f ReviewTicketFields) error {
	head := []string{
		"Issue Id", "Parent Id", "Project key", "Issue Type", "Summary", "Description", "Labels", "Component",
	}
	if f.Field != "" {
		head = append(head, f.Field)
	}
	row := func(id, parent, kind, summary, description, label, component, field string) []string {
		cells := []string{id, parent, f.Project, kind, summary, description, label, component}
		if f.Field != "" {
			cells = append(cells, field)
		}
		return cells
	}
	parent := f.Parent
	var rows [][]string
	if parent == "" {
		parent = "1"
		rows = append(rows, row(parent, "", f.IssueType, p.reviewSummary(), p.reviewText(), f.Label, f.Component, p.Service))
	}
	for i, t := range p.tasks() {
		rows = append(rows, row(strconv.Itoa(i+2), parent, f.SubTaskType, t.summary, t.description, t.label, "", ""))
	}
	return writeCSV(w, head, rows, "tickets")
}
