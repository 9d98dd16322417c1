package project

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// How the company uses its Jira. The configuration says the same in JQL.
const (
	jiraSite       = "https://jira.example.com"
	incidentType   = "Incident"
	reviewType     = "Readiness Review"
	pagerField     = "customfield_10042" // the address of the PagerDuty incident
	pagerIncidents = "https://example.pagerduty.com/incidents/"
	// feedbackForm is the form for an issue about a check, with its fields filled in. The labels
	// are those of the issues that feedback makes.
	feedbackForm = jiraSite + "/secure/CreateIssueDetails!init.jspa?pid=10000&issuetype=10001" +
		"&summary={check}%3A+{kind}+{service}&labels=readiness-feedback&labels={label}&labels={kind}"
	// automation is the account of the rules that keep tickets in step.
	automation = "app:incident-sync"
)

// Jira is the company as its Jira Cloud site knows it: incidents, readiness
// reviews with the claims made on them, and the work that checks ask about.
func Jira(c *company.Company) jiratest.Site {
	site := jiratest.Site{Statuses: []jiratest.Status{
		{ID: "10010", Name: "In Review", Category: "indeterminate"},
	}}
	services := map[string]*company.Service{}
	for _, t := range c.Teams {
		site.Projects = append(site.Projects, t.Project)
	}
	for _, s := range c.Services {
		services[s.Name] = s
	}
	for _, in := range c.Incidents {
		if in.Ticket != "" {
			original := incidentTicket(in, services[in.Service])
			site.Issues = append(site.Issues, original)
			if isReportedTwice(in) {
				site.Issues = append(site.Issues, duplicateTicket(in, original))
			}
		}
	}
	for _, r := range c.Reviews {
		site.Issues = append(site.Issues, reviewTicket(r, services[r.Service]))
		for _, claim := range r.Claims {
			site.Issues = append(site.Issues, claimTicket(r, claim))
		}
	}
	for _, t := range c.Tickets {
		site.Issues = append(site.Issues, workTicket(t, services[t.Service]))
	}
	site.Issues = append(site.Issues, feedback(c)...)
	return site
}

// Opinion is what the company's people say about a check, and in how many
// issues.
type Opinion struct {
	Check string
	Kind  evidence.FeedbackKind
	Count int
}

// Opinions is what the company's people say about the framework, in order of
// check and kind.
func Opinions() []Opinion {
	return []Opinion{
		{"cicd.test-coverage", evidence.FeedbackOverkill, 3},
		{"data.classified", evidence.FeedbackMissingDocs, 2},
		{"data.classified", evidence.FeedbackUnclear, 4},
		{company.UnrelatedCheck, evidence.FeedbackOverkill, 2},
		{"rel.spread", evidence.FeedbackWrongEvidence, 1},
	}
}

// feedback are the issues in which people say what they think of checks.
func feedback(c *company.Company) []jiratest.Issue {
	var issues []jiratest.Issue
	for _, o := range Opinions() {
		for range o.Count {
			n := len(issues)
			team := c.Teams[n%len(c.Teams)]
			issues = append(issues, jiratest.Issue{
				Key: fmt.Sprintf("READY-%d", 1+n), Summary: "About the check " + o.Check,
				Labels:  []string{"readiness-feedback", framework.FeedbackLabel(o.Check), string(o.Kind)},
				Created: c.Now.Add(-time.Duration(10+9*n) * 24 * time.Hour), Reporter: team.People[0].ID,
			})
		}
	}
	return issues
}

// varied is a number below n that a key always gets, for what the company does
// not decide.
func varied(key string, n uint64) int {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(key))
	return int(sum.Sum64() % n)
}

// member is somebody of the service's team, the same for a key.
func member(s *company.Service, key string) string {
	return s.Team.People[varied(key, uint64(len(s.Team.People)))].ID
}

// notBefore is a time, or the other if that is later.
func notBefore(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// incidentTicket is what was opened about an incident a few minutes into it.
// PagerDuty names the ticket, and the ticket names the page.
func incidentTicket(in *company.Incident, s *company.Service) jiratest.Issue {
	created := in.Start.Add(time.Duration(1+varied(in.Ticket, 6)) * time.Minute)
	issue := jiratest.Issue{
		Key: in.Ticket, Type: incidentType, Summary: in.Title, Components: []string{in.Service}, Labels: []string{"incident"},
		Priority: [...]string{"", "Highest", "High", "Medium", "Low", "Lowest"}[in.Severity],
		Created:  created, Reporter: automation, Assignee: member(s, in.Ticket),
		Description: "Opened with the page. Time line and chat are linked there.",
		Fields:      map[string]any{pagerField: pagerIncidents + in.ID},
	}
	if in.Responder != "" {
		issue.Assignee = in.Responder
	}
	if !in.Ack.IsZero() {
		// Who acknowledges the page takes the ticket.
		issue.Changes = []jiratest.Change{{
			At: notBefore(in.Ack, created.Add(time.Minute)), By: issue.Assignee, Field: "status", To: "In Progress",
		}}
	}
	if !in.Open() {
		issue.Done, issue.DoneBy = notBefore(in.End, created.Add(3*time.Minute)), automation
		if in.Resolver == company.ByPerson {
			issue.DoneBy = issue.Assignee
		}
	}
	return issue
}

// isReportedTwice reports whether a person has opened a second ticket about an incident.
func isReportedTwice(in *company.Incident) bool {
	return in.Ticket != "" && !in.Open() && varied(in.ID, 6) == 0
}

// duplicateKey is the key of the second ticket about an incident.
func duplicateKey(in *company.Incident) string { return in.Ticket + "9999" }

// duplicateTicket is the second ticket about an incident. It was closed as a duplicate
// of the first one, so that both are one incident.
func duplicateTicket(in *company.Incident, original jiratest.Issue) jiratest.Issue {
	created := original.Created.Add(time.Minute)
	return jiratest.Issue{
		Key: duplicateKey(in), Type: incidentType, Summary: "Is it down?", Components: original.Components,
		Priority: "Medium", Created: created, Reporter: original.Assignee, Assignee: original.Assignee,
		Done: notBefore(in.End, created.Add(time.Minute)), DoneBy: original.Assignee, Resolution: "Duplicate",
		Duplicates: []string{original.Key},
	}
}

// reviewTicket is a production readiness review with its history.
func reviewTicket(r *company.Review, s *company.Service) jiratest.Issue {
	manager := s.Team.People[0].ID
	issue := jiratest.Issue{
		Key: r.Key, Type: reviewType, Summary: "Production readiness review of " + s.Title, Components: []string{r.Service},
		Labels: []string{"prr"}, Priority: "Medium", Created: r.Created, Reporter: manager, Assignee: member(s, r.Key),
		Description: "The checks that nothing can measure are sub-tasks. Evidence: https://wiki.example.com/" + s.Name +
			"/review",
	}
	move := func(at time.Time, to string) {
		issue.Changes = append(issue.Changes, jiratest.Change{At: at, By: issue.Assignee, Field: "status", To: to})
	}
	if r.Completed.IsZero() {
		move(r.Created.Add(30*time.Hour), "In Progress")
		return issue
	}
	took := r.Completed.Sub(r.Created)
	move(r.Created.Add(took/10), "In Progress")
	move(r.Created.Add(took*6/10), "In Review")
	if varied(r.Key, 4) == 0 {
		// The reviewers found something.
		move(r.Created.Add(took*7/10), "In Progress")
		move(r.Created.Add(took*9/10), "In Review")
	}
	issue.Done, issue.DoneBy = r.Completed, manager
	return issue
}

// claimTicket is an attestation: a sub-task of the review that is done when
// somebody else than its assignee has accepted it.
func claimTicket(r *company.Review, claim company.Claim) jiratest.Issue {
	created := claim.At.Add(-time.Duration(20+varied(claim.Key, 60)) * time.Hour)
	issue := jiratest.Issue{
		Key: claim.Key, Summary: claim.Check + " is fulfilled", Components: []string{r.Service},
		Labels: []string{framework.AttestationLabel(claim.Check)}, Parent: r.Key,
		Created: notBefore(created, r.Created), Reporter: claim.By, Assignee: claim.By, Done: claim.At,
		DoneBy: claim.Accepted,
	}
	switch {
	case claim.Link == "":
		issue.Description = "We do this."
	case varied(claim.Key, 5) == 0:
		issue.RemoteLinks = []string{claim.Link}
	default:
		issue.Description = "See " + claim.Link
	}
	return issue
}

// workTicket is one piece of work that a check asks about.
func workTicket(t *company.Ticket, s *company.Service) jiratest.Issue {
	issue := jiratest.Issue{
		Key: t.Key, Summary: t.Summary, Components: []string{t.Service}, Labels: []string{t.Label},
		Created: t.Created, Due: t.Due, Done: t.Done,
		Reporter: s.Team.People[0].ID, Assignee: member(s, t.Key),
	}
	if !t.Done.IsZero() {
		issue.DoneBy = issue.Assignee
	}
	if t.About != "" {
		issue.Links = []string{t.About}
	}
	return issue
}
