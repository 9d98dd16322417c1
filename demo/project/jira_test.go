package project

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	directory "github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// ticketed is what the collector's own source reads of a company's Jira.
type ticketed struct {
	company   *company.Company
	facts     map[string]map[string]evidence.Value // by service and name
	incidents map[string]evidence.Incident         // by key
	reviews   map[string]evidence.Review           // by key
	feedback  []evidence.Feedback
}

// readJira runs the source over the wire, as the demo's configuration says.
func readJira(t *testing.T, seed uint64) *ticketed {
	t.Helper()
	c := simulated(t, seed)
	clock := func() time.Time { return c.Now }
	fake := jiratest.New(jiratest.Options{
		Site: Jira(c), Now: clock, Email: "collector@example.com", Token: "secret",
		Fail: func(message string) { t.Errorf("Jira does not know a request: %s", message) },
	})
	server := httptest.NewServer(fake)
	defer server.Close()

	folder := t.TempDir()
	token := filepath.Join(folder, "token")
	path := filepath.Join(folder, "config.yaml")
	text, err := Configuration(c, Place{
		Store: filepath.Join(folder, "x.db"), Listen: "127.0.0.1:0", PagerDutyURL: "http://127.0.0.1:1",
		PagerDutyTokenFile: token,
		JiraURL:            server.URL, JiraEmail: "collector@example.com", JiraTokenFile: token,
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{token: []byte("secret"), path: text} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	valid, err := config.Load(config.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := directory.Rules{Sources: valid.SourceNames()}.Build(directory.Entries{
		Services: valid.Catalog().Services, Teams: valid.Catalog().Teams,
	})
	if err != nil {
		t.Fatal(err)
	}
	client := server.Client()
	client.Transport = basic{client.Transport, "collector@example.com", "secret"}
	site := valid.Sources().Jira[0]
	var opinions []jira.Opinion
	for _, check := range attestations(t).Checks() {
		opinions = append(opinions, jira.Opinion{Check: check, Label: framework.FeedbackLabel(check)})
	}
	source, err := jira.New(jira.Options{
		Name: site.Name, Deployment: jira.Deployment(site.Deployment), URL: site.URL, BrowseURL: site.BrowseURL,
		HTTPClient: client, Now: clock, OnlySite: true,
		Incidents: site.Incidents, Reviews: site.Reviews,
		Attestations: claimable(t), Opinions: opinions,
	})
	if err != nil {
		t.Fatal(err)
	}
	definitions := map[string]evidence.Definition{}
	for _, d := range source.Facts() {
		definitions[d.Name] = d
	}
	read := &ticketed{
		company: c, facts: map[string]map[string]evidence.Value{}, incidents: map[string]evidence.Incident{},
		reviews: map[string]evidence.Review{},
	}
	covered := map[string]bool{}
	err = source.Collect(t.Context(), collectors.Request{Services: catalog.Services(), Now: c.Now},
		func(b evidence.Batch) error {
			for _, r := range b.Records {
				if read.facts[r.Service] == nil {
					read.facts[r.Service] = map[string]evidence.Value{}
				}
				d := definitions[r.Fact]
				read.facts[r.Service][r.Fact] = d.Read(r.Value, c.Now)
			}
			for _, in := range b.Incidents {
				read.incidents[in.Key] = in
			}
			for _, r := range b.Reviews {
				read.reviews[r.Key] = r
			}
			for _, group := range b.Covered {
				for _, fact := range group.Facts {
					covered[fact] = true
				}
				if len(group.Except) > 0 {
					t.Errorf("%s is not known of %v", group.Group, group.Except)
				}
			}
			if b.Feedback != nil {
				read.feedback = b.Feedback
			}
			for what, n := range b.Skipped {
				t.Errorf("%d of %s could not be read", n, what)
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	for name := range definitions {
		if !covered[name] {
			t.Errorf("%s is not covered", name)
		}
	}
	return read
}

func TestTicketsSayWhatIsPractised(t *testing.T) {
	type values func(name string) float64
	held := map[string][2]int{}
	for seed := range uint64(3) {
		read := readJira(t, seed)
		for _, s := range read.company.Services {
			number := func(name string) float64 {
				v, ok := read.facts[s.Name][name]
				if !ok {
					t.Errorf("%s has no %s", s.Name, name)
				}
				return v.Number()
			}
			access, restore := 180.0, 180.0
			if s.Does("data.classified") && s.DataClass == "cardholder" {
				access = 90
			}
			if s.Tier == 1 {
				restore = 90
			}
			for check, holds := range map[string]func(v values) bool{
				"rel.fault-injected":   func(v values) bool { return v("jira.last_gameday_age_days") <= 90 },
				"rel.failover-proven":  func(v values) bool { return v("jira.last_failover_test_age_days") <= 180 },
				"sec.threat-model":     func(v values) bool { return v("jira.last_threat_model_age_days") <= 365 },
				"inc.exercised":        func(v values) bool { return v("jira.last_gameday_age_days") <= 180 },
				"data.access-reviewed": func(v values) bool { return v("jira.last_access_review_age_days") <= access },
				"data.restore-tested":  func(v values) bool { return v("jira.last_restore_test_age_days") <= restore },
				"inc.actions-done":     func(v values) bool { return v("jira.overdue_postmortem_actions") == 0 },
				"sec.findings-in-time": func(v values) bool {
					return v("jira.overdue_security_issues") == 0 && v("jira.undated_security_issues") == 0
				},
				"data.privacy-current": func(v values) bool {
					return v("jira.overdue_privacy_issues") == 0 && v("jira.last_privacy_review_age_days") <= 365
				},
				"inc.postmortems": func(v values) bool {
					return v("jira.major_incidents_180d") == 0 || v("jira.postmortem_ratio_180d") >= 1
				},
			} {
				if check == "inc.postmortems" && number("jira.major_incidents_180d") == 0 {
					continue // there was nothing to write about
				}
				got := holds(number)
				if got != s.Does(check) {
					t.Errorf("seed %d: tickets of %s (tier %d, %s) say %t of %s", seed, s.Name, s.Tier, s.DataClass, got, check)
				}
				count := held[check]
				if got {
					count[0]++
				} else {
					count[1]++
				}
				held[check] = count
			}
		}
	}
	for check, count := range held {
		if count[0] == 0 || count[1] == 0 {
			t.Errorf("%s: %d services do it and %d do not: nothing is compared", check, count[0], count[1])
		}
	}
}

func TestClaimsAreReadAsMade(t *testing.T) {
	linked, wishful := 0, 0
	for seed := range uint64(3) {
		read := readJira(t, seed)
		claimed := map[string]map[string]bool{}
		for _, r := range read.company.Reviews {
			claimed[r.Service] = map[string]bool{}
			for _, claim := range r.Claims {
				claimed[r.Service][claim.Check] = true
				linked += len(claim.Link)
			}
		}
		for _, s := range read.company.Services {
			for _, a := range claimable(t) {
				v, ok := read.facts[s.Name][a.Fact.Name]
				if !ok {
					t.Fatalf("%s has no %s", s.Name, a.Fact.Name)
				}
				if v.Truth() != claimed[s.Name][a.Check] {
					t.Errorf("seed %d: %s attests %s: %t, want %t", seed, s.Name, a.Check, v.Truth(), claimed[s.Name][a.Check])
				}
				habit := s.Practice[a.Check]
				switch {
				case habit.Done && habit.Shown == framework.ByAttested && !v.Truth():
					t.Errorf("seed %d: %s does %s, which nothing else shows, and no claim says so", seed, s.Name, a.Check)
				case !habit.Done && v.Truth():
					wishful++
				}
			}
		}
	}
	if linked == 0 || wishful == 0 {
		t.Errorf("%d links, %d wishful claims", linked, wishful)
	}
}

func TestIncidentsAndReviewsAreReadAsTheyWere(t *testing.T) {
	read := readJira(t, 1)
	tickets, twice := 0, 0
	for _, in := range read.company.Incidents {
		if in.Ticket == "" {
			continue
		}
		tickets++
		got, ok := read.incidents[in.Ticket]
		switch {
		case !ok:
			if read.company.Now.Sub(in.Start) > 10*time.Minute {
				t.Errorf("there is no %s", in.Ticket)
			}
		case !slices.Equal(got.Services, []string{in.Service}) || got.Severity != in.Severity:
			t.Errorf(
				"%s is of %v and severity %d, want %s and %d", in.Ticket, got.Services, got.Severity, in.Service, in.Severity,
			)
		case !slices.Contains(got.Links, in.ID) || !slices.Contains(got.Links, browse+in.Ticket):
			t.Errorf("%s is linked to %v, want %s", in.Ticket, got.Links, in.ID)
		case !got.AcksKnown || got.AcknowledgedAt.IsZero() != in.Ack.IsZero() || !in.Ack.IsZero() &&
			got.AcknowledgedAt.Sub(in.Ack).Abs() > 10*time.Minute:
			t.Errorf("%s was acknowledged at %s, want %s", in.Ticket, got.AcknowledgedAt, in.Ack)
		case got.StartedAt.Sub(in.Start).Abs() > 10*time.Minute || !in.Open() &&
			got.ResolvedAt.Sub(in.End).Abs() > 10*time.Minute:
			t.Errorf("%s lasted from %s to %s, want %s to %s", in.Ticket, got.StartedAt, got.ResolvedAt, in.Start, in.End)
		}
		if again, ok := read.incidents[duplicateKey(in)]; ok != isReportedTwice(in) || ok && again.MergedInto != got.ID {
			t.Errorf("%s has the duplicate %+v", in.Ticket, again)
		} else if ok {
			twice++
		}
	}
	var said []evidence.Feedback
	for _, o := range Opinions() {
		said = append(said, evidence.Feedback(o))
	}
	if !slices.Equal(read.feedback, said) {
		t.Errorf("feedback is %v, want %v", read.feedback, said)
	}
	if tickets < 20 || twice == 0 {
		t.Errorf("%d incidents have tickets, %d have two", tickets, twice)
	}
	done := 0
	for _, r := range read.company.Reviews {
		got, ok := read.reviews[r.Key]
		if !ok || got.Service != r.Service || !got.CreatedAt.Equal(r.Created) || !got.CompletedAt.Equal(r.Completed) {
			t.Errorf("review %s is %+v, want %+v", r.Key, got, r)
		}
		if !r.Completed.IsZero() {
			done++
		}
	}
	if len(read.reviews) != len(read.company.Reviews) || done == 0 || done == len(read.reviews) {
		t.Errorf("%d reviews of %d, %d of them done", len(read.reviews), len(read.company.Reviews), done)
	}
}

func TestOneCompanyHasOneJira(t *testing.T) {
	site := Jira(simulated(t, 1))
	if !reflect.DeepEqual(site, Jira(simulated(t, 1))) {
		t.Error("one company has two sites")
	}
	keys := map[string]bool{}
	for _, i := range site.Issues {
		if keys[i.Key] {
			t.Errorf("%s is there twice", i.Key)
		}
		keys[i.Key] = true
	}
	for _, i := range site.Issues {
		for _, key := range append(slices.Clone(i.Links), i.Parent) {
			if key != "" && !keys[key] {
				t.Errorf("%s names %s, which is not there", i.Key, key)
			}
		}
	}
}

// claimable are the claims that the default framework knows.
func claimable(t *testing.T) []jira.Attestation {
	t.Helper()
	var all []jira.Attestation
	for _, a := range attestations(t).Attestations() {
		all = append(
			all, jira.Attestation{Check: a.Check, Level: a.Level, NeedsLink: a.NeedsLink(),
				NeedsSecondPerson: a.NeedsSecondPerson(), ValidFor: a.ValidFor(),
				Label: framework.AttestationLabel(a.Check), Fact: a.Fact},
		)
	}
	return all
}

// basic adds a credential to requests.
type basic struct {
	next        http.RoundTripper
	user, token string
}

func (b basic) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.SetBasicAuth(b.user, b.token)
	return b.next.RoundTrip(r)
}
