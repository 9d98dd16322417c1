package catalog

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/nearest"
)

var (
	gitHubSlug = regexp.MustCompile(`^[^/\s]+/[^/\s]+$`)
	gitLabSlug = regexp.MustCompile(`^[^/\s]+(/[^/\s]+)+$`)
)

// references checks where the entry says the sources know the service.
func (e entry) references(s *Service, refs Sources) {
	for i, ref := range s.PagerDuty {
		field := fmt.Sprintf("pagerduty[%d]", i)
		e.instance(field+".account", "PagerDuty account", ref.Account, refs.PagerDuty, true)
		if text := ref.IntegrationKey.fault(); text != "" {
			e.fault(field+".integration_key", text)
		}
		if ref.ServiceID != "" || ref.IntegrationKey.IsZero() {
			e.required(field+".service_id", "the PagerDuty service id", ref.ServiceID)
		}
		e.unrepeated(field, i, slices.Index(s.PagerDuty, ref))
	}
	for i, ref := range s.Jira {
		field := fmt.Sprintf("jira[%d]", i)
		e.instance(field+".site", "Jira site", ref.Site, refs.Jira, true)
		e.required(field+".project", "the Jira project key", ref.Project)
		e.unrepeated(field, i, slices.Index(s.Jira, ref))
	}
	for i, ref := range s.Prometheus {
		field := fmt.Sprintf("prometheus[%d]", i)
		e.instance(field+".server", "Prometheus server", ref.Server, refs.Prometheus, false)
		e.matchers(field+".matchers", ref.Matchers)
	}
	if s.GitHub != "" && !gitHubSlug.MatchString(s.GitHub) {
		e.problem("github", "use the project slug, owner/repository", "this is not a project slug")
	}
	if s.GitLab != "" && !gitLabSlug.MatchString(s.GitLab) {
		e.problem("gitlab", "use the project slug, group/project", "this is not a project slug")
	}
	for _, role := range slices.Sorted(maps.Keys(s.Jobs)) {
		e.oneOf("jobs."+role, role, JobRoles[:])
		e.required("jobs."+role, "the name of the job", s.Jobs[role])
	}
	for i, name := range s.SLO {
		e.required(fmt.Sprintf("slo[%d]", i), "the name of the objective", name)
	}
	for i, link := range s.Links {
		e.address(fmt.Sprintf("links[%d].url", i), link.URL)
	}
	for i, address := range s.PublicURLs {
		e.address(fmt.Sprintf("public_urls[%d]", i), address)
	}
}

// instance checks the name of a source. An empty name is only clear when it
// means all, or when there are not several to choose from.
func (e entry) instance(field, kind, name string, known []string, one bool) {
	switch {
	case name == "" && one && len(known) > 1:
		e.problem(field,
			"name one of "+strings.Join(known, ", "), "several of the kind %s are configured and none is named", kind)
	case name == "" || slices.Contains(known, name):
	case len(known) == 0:
		e.problem(field,
			"configure it under sources or remove the reference", "unknown %s %q: none is configured", kind, name)
	default:
		e.problem(field,
			"use one of "+strings.Join(known, ", "), "unknown %s %q%s", kind, name, nearest.Suggest(name, known))
	}
}

func (e entry) required(field, what, value string) {
	if strings.TrimSpace(value) == "" {
		e.problem(field, "fill it in or remove the entry", "%s is missing", what)
		return
	}
	e.word(field, value)
}

func (e entry) unrepeated(field string, i, first int) {
	if first < i {
		e.problem(field, "remove one of them", "the same reference is given twice")
	}
}

// matchers refuses selections that would match every series or none.
func (e entry) matchers(field string, matchers map[string]string) {
	if len(matchers) == 0 {
		e.problem(field,
			"give at least one label and its value",
			"there are no matchers, which would select every series of the server")
	}
	for _, label := range slices.Sorted(maps.Keys(matchers)) {
		// Since Prometheus 3 a name may have any character: service.name.
		if !model.UTF8Validation.IsValidLabelName(label) || strings.TrimSpace(label) != label {
			e.problem(field, "write the label as the server shows it", "%q is not a label name", label)
		}
		if matchers[label] == "" {
			e.problem(field+"."+label,
				"fill it in or remove the label",
				"the matcher is empty, which would select every series without the label")
		}
	}
}

// address checks an optional web address. Errors do not show it, since it may
// hold a credential.
func (e entry) address(field, address string) {
	if text := faultOfAddress(address); text != "" {
		e.fault(field, text)
	}
}

// faultOfAddress says what is wrong with a web address; empty when nothing is.
func faultOfAddress(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
		return "this is not a web address; write it as https://host/path"
	case u.User != nil:
		return "the address holds credentials; remove them"
	}
	return ""
}
