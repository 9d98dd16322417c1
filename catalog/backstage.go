package catalog

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/strictyaml"
)

// annotationPrefix is the name space of our own annotations.
const annotationPrefix = "readiness/"

// entity is what is read of a Backstage entity. All other keys are ignored.
type entity struct {
	Kind     string `yaml:"kind"`
	Metadata struct {
		Name        string            `yaml:"name"`
		Namespace   string            `yaml:"namespace"`
		Title       string            `yaml:"title"`
		Tags        []string          `yaml:"tags"`
		Annotations map[string]string `yaml:"annotations"`
		Labels      map[string]string `yaml:"labels"`
		Links       []struct {
			URL   string `yaml:"url"`
			Title string `yaml:"title"`
			Type  string `yaml:"type"`
		} `yaml:"links"`
	} `yaml:"metadata"`
	Spec struct {
		Owner     string `yaml:"owner"`
		Type      string `yaml:"type"`
		Lifecycle string `yaml:"lifecycle"`
		Parent    string `yaml:"parent"`
		Profile   struct {
			DisplayName string `yaml:"displayName"`
		} `yaml:"profile"`
	} `yaml:"spec"`
}

// ParseBackstage reads a catalog-info.yaml file: one or more documents, of which
// those of kind Component become services and those of kind Group become teams.
// Other kinds are ignored, and so are components with the annotation
// readiness/ignore: "true". Join keys are read from the annotations the plugins
// of Backstage use, and from our own under readiness/.
//
// The error joins everything that is wrong, each with file and line. The checks
// that need the whole catalog are Build's.
func ParseBackstage(file string, data []byte) ([]Service, []Team, error) {
	var services []Service
	var teams []Team
	var errs []error
	documents, syntax := strictyaml.ParseAll(data)
	for _, document := range documents {
		if document.Values == nil {
			continue
		}
		origin := Origin{File: file, Line: document.Positions[""].Line}
		var e entity
		if faults := (strictyaml.Decoder{AllowUnknownKeys: true}).Decode(document, &e); len(faults) > 0 {
			errs = append(errs, fmt.Errorf(
				"%s: not a Backstage entity: %w", origin, &strictyaml.Faults{File: file, List: faults}))
			continue
		}
		switch e.Kind {
		case "Component":
			if e.Metadata.Annotations[annotationPrefix+"ignore"] == "true" {
				continue
			}
			r := componentReader{entity: &e, origin: origin}
			services = append(services, r.service())
			errs = append(errs, r.errs...)
		case "Group":
			teams = append(teams, Team{
				Name: e.Metadata.Name, Title: e.Spec.Profile.DisplayName, Org: reference(e.Spec.Parent), Origin: origin,
			})
		}
	}
	if syntax != nil {
		// What follows a syntax error cannot be read.
		errs = append(errs, strictyaml.Located(file, syntax))
	}
	return services, teams, errors.Join(errs...)
}

// reference is the name in an entity reference: payments of
// group:default/payments.
func reference(ref string) string {
	if _, name, ok := strings.Cut(ref, ":"); ok {
		ref = name
	}
	if i := strings.LastIndexByte(ref, '/'); i >= 0 {
		ref = ref[i+1:]
	}
	return ref
}

// componentReader turns one component into a service.
type componentReader struct {
	entity *entity
	origin Origin
	errs   []error
}

func (r *componentReader) fail(where, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(
		"%s: component %q: %s: %s", r.origin, r.entity.Metadata.Name, where, fmt.Sprintf(format, args...)))
}

func (r *componentReader) annotation(name string) string { return r.entity.Metadata.Annotations[name] }

// word reads a label, or the annotation of the same name.
func (r *componentReader) word(name string) string {
	if v, ok := r.entity.Metadata.Labels[name]; ok {
		return v
	}
	if v, ok := r.entity.Metadata.Annotations[name]; ok {
		return v
	}
	return r.annotation(annotationPrefix + name)
}

func (r *componentReader) service() Service {
	m := r.entity.Metadata
	s := Service{
		Name: m.Name, Title: m.Title, Labels: m.Labels, Tags: m.Tags, Origin: r.origin,
		Source: SourceBackstage, Namespace: m.Namespace, Type: r.entity.Spec.Type, Lifecycle: r.entity.Spec.Lifecycle,
		Team: reference(r.entity.Spec.Owner), Org: r.word("org"), Environment: r.word("environment"),
		Runtime: r.word("runtime"), Exposure: r.word("exposure"),
		DataClass: r.word("data-classification"), DataOwner: reference(r.word("data-owner")),
		GitHub: r.annotation("github.com/project-slug"), GitLab: r.annotation("gitlab.com/project-slug"),
		SourceLocation: r.annotation("backstage.io/source-location"),
		SonarQube:      r.annotation("sonarqube.org/project-key"), ArgoCD: r.annotation("argocd/app-name"),
		Kubernetes: KubernetesRef{
			Workload: r.annotation(
				"backstage.io/kubernetes-id"), Namespace: r.annotation("backstage.io/kubernetes-namespace"),
			Selector: r.annotation("backstage.io/kubernetes-label-selector"),
		},
		SLO: r.list("slo"), Aliases: r.list("aliases"),
		Backup: BackupRef{
			VeleroSchedule:   r.annotation(annotationPrefix + "backup-velero-schedule"),
			PgBackRestStanza: r.annotation(annotationPrefix + "backup-pgbackrest-stanza"),
			PostgresInstance: r.annotation(annotationPrefix + "backup-postgres-instance"),
		},
		Prometheus: r.prometheus(),
	}
	s.Tier = int(r.number("tier", strings.TrimPrefix(r.word("tier"), "tier-")))
	s.CoverageTarget = r.number("coverage-target", r.word("coverage-target"))
	s.RPOMinutes = r.number("rpo-minutes", r.word("rpo-minutes"))
	switch text := r.word("stateful"); text {
	case "", "false":
	case "true":
		s.Stateful = true
	default:
		r.fail("stateful", "%q: want true or false", text)
	}
	for _, id := range split(r.annotation("pagerduty.com/service-id")) {
		s.PagerDuty = append(s.PagerDuty, PagerDutyRef{Account: r.annotation("pagerduty.com/account"), ServiceID: id})
	}
	for _, project := range split(r.annotation("jira/project-key")) {
		s.Jira = append(s.Jira,
			JiraRef{Site: r.annotation(annotationPrefix + "jira-site"), Project: project, Component: r.annotation(
				"jira/component")})
	}
	for _, role := range JobRoles {
		if name := r.annotation(annotationPrefix + "job-" + strings.ReplaceAll(role, "_", "-")); name != "" {
			if s.Jobs == nil {
				s.Jobs = map[string]string{}
			}
			s.Jobs[role] = name
		}
	}
	for _, name := range []string{"grafana/dashboard-selector", "grafana/overview-dashboard"} {
		if s.Dashboard == "" {
			s.Dashboard = r.annotation(name)
		}
	}
	for _, link := range m.Links {
		s.Links = append(s.Links, Link{Title: link.Title, URL: link.URL, Type: link.Type})
		if link.Type == "production" {
			s.PublicURLs = append(s.PublicURLs, link.URL)
		}
	}
	r.unknownAnnotations()
	return s
}

func (r *componentReader) number(where, text string) float64 {
	if text == "" {
		return 0
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || where == "tier" && n != float64(int(n)) {
		r.fail(where, "%q is not a number", text)
	}
	return n
}

func (r *componentReader) list(name string) []string {
	return split(r.annotation(annotationPrefix + name))
}

func split(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// prometheus reads readiness/prometheus: one line per server, such as
// `prod-eu: job=checkout, namespace=shop` or, for every server,
// `job=checkout`. The matcher cluster names the cluster.
func (r *componentReader) prometheus() []PrometheusRef {
	var refs []PrometheusRef
	for line := range strings.SplitSeq(r.annotation(annotationPrefix+"prometheus"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		ref := PrometheusRef{Matchers: map[string]string{}}
		if server, rest, ok := strings.Cut(line, ":"); ok && !strings.Contains(server, "=") {
			ref.Server, line = strings.TrimSpace(server), rest
		}
		for _, matcher := range split(line) {
			name, value, ok := strings.Cut(matcher, "=")
			name, value = strings.TrimSpace(name), strings.TrimSpace(value)
			if !ok || name == "" || value == "" {
				r.fail(annotationPrefix+"prometheus", "matcher %q: want label=value", matcher)
				continue
			}
			if name == "cluster" {
				ref.Cluster = value
				continue
			}
			ref.Matchers[name] = value
		}
		refs = append(refs, ref)
	}
	return refs
}

// ownAnnotations are the names under readiness/.
func ownAnnotations() []string {
	return []string{
		"ignore", "slo", "aliases", "prometheus", "jira-site", "backup-velero-schedule", "backup-pgbackrest-stanza",
		"backup-postgres-instance",
		"job-retention", "job-masking", "job-restore-check", "tier", "org", "environment", "runtime", "exposure",
		"data-classification",
		"data-owner", "stateful", "coverage-target", "rpo-minutes",
	}
}

// unknownAnnotations reports annotations in our name space that have no meaning.
func (r *componentReader) unknownAnnotations() {
	for _, name := range slices.Sorted(maps.Keys(r.entity.Metadata.Annotations)) {
		own, ok := strings.CutPrefix(name, annotationPrefix)
		if ok && !slices.Contains(ownAnnotations(), own) {
			r.fail(name, "unknown annotation%s", nearest.Suggest(own, ownAnnotations()))
		}
	}
}
