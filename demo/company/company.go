// Package company is a simulated company: teams, people, services, what each
// service practises of the readiness framework, and a year of incidents,
// changes, reviews and tickets that follow from it. It is pure: the same plan
// gives the same company, byte for byte. Nothing in it knows a wire format;
// projections turn it into what PagerDuty, Jira or Prometheus would say.
package company

import (
	"errors"
	"fmt"
	"time"

	"github.com/prodready/collector/framework"
)

// Defaults and bounds of a Plan.
const (
	DefaultServices = 48
	MinServices     = 1
	MaxServices     = 5000
)

// History is how far back the simulated past reaches.
const History = 365 * 24 * time.Hour

// Plan says which company to make.
type Plan struct {
	// Seed chooses the company; each seed is another one.
	Seed uint64
	// Services is how many it has, MinServices to MaxServices; 0 means
	// DefaultServices.
	Services int
	// Now is the moment up to which the past is made. It is cut to the minute.
	Now time.Time
	// UselessReviews makes a company whose reviews change nothing.
	UselessReviews bool
}

// Company is what a plan gives. It is not changed after New.
type Company struct {
	Seed uint64
	Now  time.Time
	// Teams in the order of the roster, Services in name order.
	Teams    []*Team
	Services []*Service
	// Policies and Schedules are who is paged, in id order.
	Policies  []*Policy
	Schedules []*Schedule
	// Incidents of all services, oldest first.
	Incidents []*Incident
	// Changes of all services, oldest first.
	Changes []*Change
	// Reviews are the production readiness reviews, oldest first.
	Reviews []*Review
	// Tickets are all other tickets, oldest first.
	Tickets []*Ticket
}

// Service is one service of the company.
type Service struct {
	// Name is unique; Title is for people.
	Name, Title string
	Team        *Team `json:"-"`
	TeamName    string
	Tier        int
	Runtime     string
	Exposure    string
	Stateful    bool
	// DataClass is what the data really is; the catalog tells it only when the
	// service practises data.classified.
	DataClass string
	// DependsOn names what it calls, as alert titles mention it.
	DependsOn string
	// Goal is the badge its practice is enough for.
	Goal framework.Badge
	// Practice is what it fulfils, by check id.
	Practice Practice
	// Registration is how the service is known to PagerDuty.
	Registration Registration
	// PagerID is its id in PagerDuty; empty when it is not there.
	PagerID string
	// PolicyID is the escalation policy that is paged.
	PolicyID string
	// Maintenance are its announced windows.
	Maintenance []Span
	// AckTimeout and AutoResolve are 0 for off.
	AckTimeout, AutoResolve time.Duration
	// Odd is what it alone shows.
	Odd Oddity
	// Quiet services have had no incident that paged anybody.
	Quiet bool
	// Reviewed services have had a review.
	Reviewed bool
}

// Does reports whether the service fulfils the check.
func (s *Service) Does(check string) bool { return s.Practice[check].Done }

// Team is one team.
type Team struct {
	// Name is unique; Title is for people.
	Name, Title string
	Org         string
	// Zone is the time zone its people live in.
	Zone string
	// Project is the key of its Jira project.
	Project string
	People  []Person

	location *time.Location
}

// Person is somebody of a team. All names are invented.
type Person struct{ ID, Name, Email string }

// Orgs lists the organisations in the order of the roster.
func (c *Company) Orgs() []string {
	var orgs []string
	seen := map[string]bool{}
	for _, t := range c.Teams {
		if !seen[t.Org] {
			seen[t.Org] = true
			orgs = append(orgs, t.Org)
		}
	}
	return orgs
}

// Service finds a service by name.
func (c *Company) Service(name string) (*Service, bool) {
	for _, s := range c.Services {
		if s.Name == name {
			return s, true
		}
	}
	return nil, false
}

// New makes the company of a plan. It fails only for a plan out of bounds.
func New(plan Plan) (*Company, error) {
	if plan.Services == 0 {
		plan.Services = DefaultServices
	}
	if plan.Services < MinServices || plan.Services > MaxServices {
		return nil, fmt.Errorf("a company of %d services: want %d to %d", plan.Services, MinServices, MaxServices)
	}
	if plan.Now.IsZero() {
		return nil, errors.New("the plan of a company needs the time that its past ends at")
	}
	checks, err := Checks()
	if err != nil {
		return nil, err
	}
	b := &builder{
		Company: &Company{Seed: plan.Seed, Now: plan.Now.UTC().Truncate(time.Minute)},
		checks:  checks,
		life:    map[string]*life{},

		uselessReviews: plan.UselessReviews,
	}
	if err := b.teams(); err != nil {
		return nil, err
	}
	b.services(plan.Services)
	b.practices()
	b.odd()
	b.register()
	b.policies()
	b.reviews()
	for _, s := range b.Services {
		b.incidents(s)
		b.changes(s)
		b.tickets(s)
	}
	b.finish()
	return b.Company, nil
}

// builder is a company in the making.
type builder struct {
	*Company
	checks []Check
	life   map[string]*life
	// ticketNumbers counts the tickets of each project.
	ticketNumbers map[string]int
	// uselessReviews is that of the plan.
	uselessReviews bool
}

// life is the past of one service while it is being made.
type life struct {
	incidents []*Incident
	review    *Review
}

func (b *builder) dice(parts ...string) *dice { return newDice(b.Seed, parts...) }

func (b *builder) ago(d time.Duration) time.Time { return b.Now.Add(-d) }
