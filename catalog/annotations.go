package catalog

import (
	"maps"
	"slices"
	"strings"

	"github.com/prodready/collector/nearest"
)

// annotationPrefix is the name space of our own annotations.
const annotationPrefix = "readiness/"

// Annotation is an annotation of a Backstage component that is read.
type Annotation struct {
	// Name is the annotation's.
	Name string
	// Key is the inline key that it sets; empty where it sets none.
	Key string
	// Label says that a label of the name, with or without our prefix, is read too,
	// and the annotation without the prefix.
	Label bool
	// Help says what it is, Example is a value.
	Help, Example string
	set           func(r *componentReader, s *Service, value string)
}

// Annotations lists what is read of components, in the order of the page about it.
func Annotations() []Annotation {
	return slices.Concat(referenceAnnotations(), ownAnnotations(), wordAnnotations())
}

// text sets a field to the annotation's value.
func text(field func(*Service) *string) func(*componentReader, *Service, string) {
	return func(_ *componentReader, s *Service, value string) { *field(s) = value }
}

// texts adds words with commas between them to a list.
func texts(field func(*Service) *[]string) func(*componentReader, *Service, string) {
	return func(_ *componentReader, s *Service, value string) { *field(s) = append(*field(s), split(value)...) }
}

// referenceAnnotations are those of Backstage and of its plugins.
func referenceAnnotations() []Annotation {
	return []Annotation{
		{Name: "pagerduty.com/service-id", Key: "pagerduty[].service_id", Example: "PABC123",
			Help: "The id of the PagerDuty service; several with commas between them.",
			set:  func(r *componentReader, _ *Service, value string) { r.pagerDuty = split(value) }},
		{Name: "pagerduty.com/integration-key", Key: "pagerduty[].integration_key",
			Example: "0123456789abcdef0123456789abcdef",
			Help: "The key of an integration of the PagerDuty service, which is looked up; several with commas between " +
				"them. pagerduty.com/service-id counts before it.",
			set: func(r *componentReader, _ *Service, value string) { r.integrationKeys = split(value) }},
		{Name: "pagerduty.com/account", Key: "pagerduty[].account", Example: "main",
			Help: "The account, a name under sources.pagerduty.",
			set:  func(r *componentReader, _ *Service, value string) { r.account = value }},
		{Name: "jira/project-key", Key: "jira[].project", Example: "SHOP",
			Help: "The key of the Jira project; several with commas between them.",
			set:  func(r *componentReader, _ *Service, value string) { r.addProjects(value) }},
		{Name: "jira/component", Key: "jira[].component", Example: "checkout, cart",
			Help: "Components that narrow the project: an issue has one of them.",
			set:  func(r *componentReader, _ *Service, value string) { r.addComponents(value) }},
		{Name: "jira/label", Key: "jira[].label", Example: "fees",
			Help: "Labels that narrow the project: an issue has one of them.",
			set:  func(r *componentReader, _ *Service, value string) { r.labels = split(value) }},
		{Name: "jira.com/project-key", Key: "jira[].project", Example: "SHOP, main/FEES",
			Help: "As jira/project-key, of the plugin jira-dashboard. What stands before a slash is the site, unless it is default.",
			set:  func(r *componentReader, _ *Service, value string) { r.addProjects(value) }},
		{Name: "jira.com/components", Key: "jira[].component", Example: "checkout",
			Help: "As jira/component, of the plugin jira-dashboard.",
			set:  func(r *componentReader, _ *Service, value string) { r.addComponents(value) }},
		{Name: "github.com/project-slug", Key: "github", Example: "example/checkout",
			Help: "The project on GitHub.", set: text(func(s *Service) *string { return &s.GitHub })},
		{Name: "gitlab.com/project-slug", Key: "gitlab", Example: "shop/checkout",
			Help: "The project on GitLab.", set: text(func(s *Service) *string { return &s.GitLab })},
		{Name: "backstage.io/source-location", Key: "source_location", Example: "url:https://git.example.com/shop/checkout",
			Help: "Where the source is.", set: text(func(s *Service) *string { return &s.SourceLocation })},
		{Name: "sonarqube.org/project-key", Key: "sonarqube", Example: "shop_checkout",
			Help: "The project in SonarQube.", set: text(func(s *Service) *string { return &s.SonarQube })},
		{Name: "argocd/app-name", Key: "argocd", Example: "checkout",
			Help: "The application in Argo CD.", set: text(func(s *Service) *string { return &s.ArgoCD })},
		{Name: "backstage.io/kubernetes-id", Key: "kubernetes.workload", Example: "checkout",
			Help: "The workload.", set: text(func(s *Service) *string { return &s.Kubernetes.Workload })},
		{Name: "backstage.io/kubernetes-namespace", Key: "kubernetes.namespace", Example: "shop",
			Help: "Its namespace.", set: text(func(s *Service) *string { return &s.Kubernetes.Namespace })},
		{Name: "backstage.io/kubernetes-label-selector", Key: "kubernetes.selector", Example: "app=checkout",
			Help: "A label selector.", set: text(func(s *Service) *string { return &s.Kubernetes.Selector })},
		{Name: "grafana/dashboard-selector", Key: "dashboard", Example: "tags @> 'checkout'",
			Help: "The dashboard a responder opens first.", set: text(func(s *Service) *string { return &s.Dashboard })},
		{Name: "grafana/overview-dashboard", Key: "dashboard", Example: "https://grafana.example.com/d/checkout",
			Help: "The same; grafana/dashboard-selector counts before it.",
			set: func(_ *componentReader, s *Service, value string) {
				if s.Dashboard == "" {
					s.Dashboard = value
				}
			}},
	}
}

// ownAnnotations are those that stand under our prefix only.
func ownAnnotations() []Annotation {
	own := []Annotation{
		{Name: "ignore", Example: "true", Help: "Leaves the component out.", set: func(*componentReader, *Service, string) {}},
		{Name: "prometheus", Key: "prometheus[]", Example: "prod-eu: job=checkout, cluster=eu-1",
			Help: "One line for each server or cluster; the server may be left out, and cluster names the cluster.",
			set:  func(r *componentReader, s *Service, value string) { s.Prometheus = r.prometheus(value) }},
		{Name: "jira-site", Key: "jira[].site", Example: "main", Help: "The Jira site, a name under sources.jira.",
			set: func(r *componentReader, _ *Service, value string) { r.site = value }},
		{Name: "slo", Key: "slo", Example: "checkout-availability, checkout-latency",
			Help: "The names of its objectives.", set: texts(func(s *Service) *[]string { return &s.SLO })},
		{Name: "aliases", Key: "aliases", Example: "checkout-api",
			Help: "Other names of the service.", set: texts(func(s *Service) *[]string { return &s.Aliases })},
		{Name: "backup-velero-schedule", Key: "backup.velero_schedule", Example: "shop-daily",
			Help: "The schedule in Velero.", set: text(func(s *Service) *string { return &s.Backup.VeleroSchedule })},
		{Name: "backup-pgbackrest-stanza", Key: "backup.pgbackrest_stanza", Example: "checkout",
			Help: "The stanza of pgBackRest.", set: text(func(s *Service) *string { return &s.Backup.PgBackRestStanza })},
		{Name: "backup-postgres-instance", Key: "backup.postgres_instance", Example: "checkout-db:5432",
			Help: "The instance of postgres_exporter.", set: text(func(s *Service) *string { return &s.Backup.PostgresInstance })},
	}
	for _, role := range JobRoles {
		own = append(own, Annotation{
			Name: "job-" + strings.ReplaceAll(role, "_", "-"), Key: "jobs." + role, Example: "checkout-" + role,
			Help: "The CronJob of this role.",
			set: func(_ *componentReader, s *Service, value string) {
				if s.Jobs == nil {
					s.Jobs = map[string]string{}
				}
				s.Jobs[role] = value
			},
		})
	}
	for i := range own {
		own[i].Name = annotationPrefix + own[i].Name
	}
	return own
}

// wordAnnotations are words that may be labels, too.
func wordAnnotations() []Annotation {
	words := []Annotation{
		{Name: "tier", Key: "tier", Example: "2", Help: "1 to 4, or tier-1 to tier-4.",
			set: func(*componentReader, *Service, string) {}}, // see componentReader.tier
		{Name: "org", Key: "org", Example: "commerce", Help: "The organisation.",
			set: text(func(s *Service) *string { return &s.Org })},
		{Name: "environment", Key: "environment", Example: "production", Help: "A free word.",
			set: text(func(s *Service) *string { return &s.Environment })},
		{Name: "runtime", Key: "runtime", Example: "kubernetes", Help: "kubernetes, vm, serverless or other.",
			set: text(func(s *Service) *string { return &s.Runtime })},
		{Name: "exposure", Key: "exposure", Example: "internal", Help: "internal or external.",
			set: text(func(s *Service) *string { return &s.Exposure })},
		{Name: "data-classification", Key: "data_class", Example: "personal",
			Help: "none, public, internal, confidential, personal or cardholder.",
			set:  text(func(s *Service) *string { return &s.DataClass })},
		{Name: "data-owner", Key: "data_owner", Example: "group:default/payments",
			Help: "The team that answers for the data.",
			set: func(r *componentReader, s *Service, value string) {
				s.DataOwner = r.teamOf("data-owner", value)
			}},
		{Name: "stateful", Key: "stateful", Example: "true", Help: "Whether it keeps data: true or false.",
			set: func(r *componentReader, s *Service, value string) { s.Stateful = r.boolean("stateful", value) }},
		{Name: "coverage-target", Key: "coverage_target", Example: "0.8", Help: "The test coverage the team promises.",
			set: func(r *componentReader, s *Service, value string) {
				s.CoverageTarget = r.number("coverage-target", value)
			}},
		{Name: "rpo-minutes", Key: "rpo_minutes", Example: "5", Help: "How many minutes of data may be lost.",
			set: func(r *componentReader, s *Service, value string) { s.RPOMinutes = r.number("rpo-minutes", value) }},
	}
	for i := range words {
		words[i].Name, words[i].Label = annotationPrefix+words[i].Name, true
	}
	return words
}

// UnreadAnnotations are annotations of known plugins that are not read, with what
// to write in their place.
func UnreadAnnotations() map[string]string {
	const narrow = "narrow the project with jira/component or jira/label"
	return map[string]string{
		"jira/team":                       narrow,
		"jira/custom-filter":              narrow,
		"jira/all-issues-jql":             narrow,
		"jira.com/filter-ids":             narrow,
		"jira.com/jql":                    narrow,
		"grafana.com/dashboard-selector":  "write grafana/dashboard-selector",
		"grafana/alert-label-selector":    "name the series by readiness/prometheus",
		"prometheus.io/rule":              "name the series by readiness/prometheus",
		"prometheus.io/alert":             "name the series by readiness/prometheus",
		"argocd/app-selector":             "name the application by argocd/app-name",
		"sonarqube.org/instance":          "the project's key is enough",
		"backstage.io/kubernetes-cluster": "name the cluster by readiness/prometheus",
	}
}

// unread notes annotations that look like those that are read, and are not.
// Those of our own name space are faults.
func (r *componentReader) unread() {
	known := make([]string, 0, len(r.known))
	for _, a := range r.known {
		known = append(known, a.Name)
	}
	instead := UnreadAnnotations()
	for _, name := range slices.Sorted(maps.Keys(r.entity.Metadata.Annotations)) {
		own, ours := strings.CutPrefix(name, annotationPrefix)
		remedy, foreign := instead[name]
		switch {
		case slices.Contains(known, name):
		case ours:
			var names []string
			for _, name := range known {
				if short, ok := strings.CutPrefix(name, annotationPrefix); ok {
					names = append(names, short)
				}
			}
			r.fail(name, "unknown annotation%s", nearest.Suggest(own, names))
		case foreign:
			r.note("the annotation %s is not read; %s", name, remedy)
		case nearest.Suggest(name, known) != "":
			r.note("the annotation %s is not read%s", name, nearest.Suggest(name, known))
		}
	}
}
