package scaffold

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/report"
)

// suggestion is a key that was found for a service, which a person has to confirm:
// the name says what it is for, and nothing else does.
type suggestion struct{ Key, Value string }

// fillFromSeries fills in what series are called like the service. A name that fits
// two things fills in nothing.
func (d *draft) fillFromSeries(s *draftService) {
	d.fillWorkload(s)
	if repository, ok := d.only("github", func(name string) bool { return lastPartIs(name, "/", s.Name) }); ok {
		s.GitHub = repository
	} else if project, ok := d.only("gitlab", func(name string) bool { return lastPartIs(name, "/", s.Name) }); ok {
		s.GitLab = project
	}
	if name, ok := d.only("argocd", func(name string) bool { return catalog.NameOf(name) == s.Name }); ok {
		s.ArgoCD = name
	}
	isKey := func(name string) bool { return lastPartIs(name, "_", s.Name) || lastPartIs(name, ":", s.Name) }
	if key, ok := d.only("sonarqube", isKey); ok {
		s.SonarQube = key
	}
	for _, address := range d.names["public_urls"] {
		if u, err := url.Parse(address); err == nil {
			if first, _, _ := strings.Cut(u.Hostname(), "."); catalog.NameOf(first) == s.Name {
				s.PublicURLs, s.Exposure = append(s.PublicURLs, address), "external"
			}
		}
	}
	d.fillBackup(s)
	d.suggestJobs(s)
}

// fillWorkload fills in where the service runs: the one workload that is called like
// it, in its namespace if that is known.
func (d *draft) fillWorkload(s *draftService) {
	name, ok := d.only("kubernetes.namespace/kubernetes.workload", func(name string) bool {
		namespace, workload, _ := strings.Cut(name, "/")
		return catalog.NameOf(workload) == s.Name && (s.Kubernetes.Namespace == "" || s.Kubernetes.Namespace == namespace)
	})
	if !ok {
		return
	}
	s.Kubernetes.Namespace, s.Kubernetes.Workload, _ = strings.Cut(name, "/")
	s.Runtime = "kubernetes"
}

// fillTeams makes a namespace that several services share their team, where nothing
// else says which it is.
func (d *draft) fillTeams() {
	in := map[string]int{}
	for _, s := range d.services {
		in[s.Kubernetes.Namespace]++
	}
	for i := range d.services {
		s := &d.services[i]
		team := catalog.NameOf(s.Kubernetes.Namespace)
		if s.Team != "" || team == "" || team == s.Name || in[s.Kubernetes.Namespace] < 2 {
			continue
		}
		s.Team = team
		if !slices.ContainsFunc(d.teams, func(t catalog.Team) bool { return t.Name == team }) {
			d.teams = append(d.teams, catalog.Team{Name: team, Title: team})
		}
	}
	slices.SortFunc(d.teams, func(a, b catalog.Team) int { return strings.Compare(a.Name, b.Name) })
}

// fillBackup fills in the stores that are called like the service.
func (d *draft) fillBackup(s *draftService) {
	begins := func(name string) bool {
		host, _, _ := strings.Cut(name, ":")
		plain := catalog.NameOf(host)
		ends := []string{"", "-db", "-postgres", "-postgresql", "-pg", "-daily", "-hourly", "-weekly", "-backup"}
		for _, end := range ends {
			if plain == s.Name+end {
				return true
			}
		}
		return false
	}
	found := false
	for key, into := range map[string]*string{
		"backup.velero_schedule": &s.Backup.VeleroSchedule, "backup.pgbackrest_stanza": &s.Backup.PgBackRestStanza,
		"backup.postgres_instance": &s.Backup.PostgresInstance,
	} {
		if name, ok := d.only(key, begins); ok {
			*into, found = name, true
		}
	}
	s.Stateful = s.Stateful || found
}

// jobWords are words in the names of CronJobs that tell what they are for.
var jobWords = map[string][]string{
	"retention":     {"purge", "retention", "retain", "cleanup", "expire", "delete"},
	"masking":       {"mask", "anonym", "scrub", "pseudonym"},
	"restore_check": {"restore"},
}

// suggestJobs suggests the CronJobs of the namespace that are called like the service
// and like a role.
func (d *draft) suggestJobs(s *draftService) {
	for _, role := range catalog.JobRoles {
		name, ok := d.only("kubernetes.namespace/jobs."+role, func(name string) bool {
			namespace, job, _ := strings.Cut(name, "/")
			return namespace == s.Kubernetes.Namespace && namespace != "" && strings.HasPrefix(job, s.Name+"-") &&
				slices.ContainsFunc(jobWords[role], func(word string) bool { return strings.Contains(job[len(s.Name):], word) })
		})
		if _, job, _ := strings.Cut(name, "/"); ok {
			s.Suggested = append(s.Suggested, suggestion{"jobs." + role, job})
		}
	}
}

// only is the one name of a key that fits.
func (d *draft) only(key string, fits func(name string) bool) (name string, ok bool) {
	for _, candidate := range d.names[key] {
		if fits(candidate) {
			if ok {
				return "", false
			}
			name, ok = candidate, true
		}
	}
	return name, ok
}

func lastPartIs(name, separator, service string) bool {
	return catalog.NameOf(name[strings.LastIndex(name, separator)+1:]) == service
}

// commentedKey is a key that a service lacks, as the file has it behind a comment sign.
func (s draftService) commentedKey(key string) string {
	switch key {
	case "team", "data_owner":
		return key + ": TEAM"
	case "data_class":
		return key + ": " + strings.Join(catalog.DataClasses[:], " | ")
	case "exposure":
		return key + ": " + strings.Join(catalog.Exposures[:], " | ")
	case "dashboard":
		return key + ": https://grafana.example.com/d/" + s.Name
	case "github":
		return key + ": ORG/" + s.Name
	case "gitlab":
		return key + ": GROUP/" + s.Name
	case "kubernetes.workload", "kubernetes.namespace", "kubernetes.namespace and kubernetes.workload":
		namespace := s.Kubernetes.Namespace
		if namespace == "" {
			namespace = "NAMESPACE"
		}
		return "kubernetes: {namespace: " + namespace + ", workload: " + s.Name + "}"
	case "pagerduty.service_id":
		return "pagerduty: [{service_id: ID}]"
	case "jira.project":
		return "jira: [{project: KEY, component: " + s.Name + "}]"
	case "prometheus.matchers":
		return "prometheus: [{matchers: {job: " + s.Name + "}}]"
	case "public_urls":
		return "public_urls: [https://" + s.Name + ".example.com]"
	}
	return key + ": " + s.Name
}

// nestedKey divides a key such as jobs.retention. Of several keys the last is the one
// that is not in another line.
func nestedKey(key string) (parent, child string, nested bool) {
	if at := strings.LastIndex(key, " and "); at >= 0 {
		key = key[at+len(" and "):]
	}
	parent, child, nested = strings.Cut(key, ".")
	return parent, child, nested && (parent == "jobs" || parent == "backup")
}

// Commented are the keys that the service lacks, each with a check that needs it, and
// what was found and has to be confirmed.
func (s draftService) Commented() []string {
	nested := map[string]map[string]string{"jobs": {}, "backup": s.BackupKeys()}
	notes := map[string]string{}
	for _, found := range s.Suggested {
		parent, child, _ := strings.Cut(found.Key, ".")
		nested[parent][child], notes[parent] = found.Value, "found by the name: is it?"
	}
	lines := s.suggestedRepositories()
	for _, gap := range s.gaps {
		parent, child, isNested := nestedKey(gap.CatalogKey)
		if !isNested {
			if len(s.repositories) > 0 && isRepositoryKey(gap.CatalogKey) {
				continue
			}
			line := s.commentedKey(gap.CatalogKey)
			if key, _, _ := strings.Cut(line, ":"); key == "kubernetes" && s.Kubernetes.Namespace != "" {
				line = inPlaceOf(key) + line
			}
			if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, line) }) {
				lines = append(lines, line+" # "+gap.Checks[0])
			}
			continue
		}
		if nested[parent][child] == "" {
			nested[parent][child] = strings.ToUpper(child)
		}
		if notes[parent] == "" {
			notes[parent] = gap.Checks[0]
		}
	}
	for _, parent := range slices.Sorted(maps.Keys(notes)) {
		var values []string
		for _, child := range slices.Sorted(maps.Keys(nested[parent])) {
			values = append(values, child+": "+nested[parent][child])
		}
		place := ""
		if parent == "backup" && len(s.BackupKeys()) > 0 {
			place = inPlaceOf(parent)
		}
		lines = append(lines, place+parent+": {"+strings.Join(values, ", ")+"} # "+notes[parent])
	}
	return lines
}

// inPlaceOf begins the comment with a key that the entry has already: YAML refuses a key
// that is given twice.
func inPlaceOf(key string) string { return "in place of " + key + " above: " }

// lack gives each service the gaps that it has.
func (d *draft) lack(gaps []report.Gap) {
	for i := range d.services {
		s := &d.services[i]
		s.gaps = nil
		for _, gap := range gaps {
			if _, has := slices.BinarySearch(gap.Services, s.Name); has && gap.CatalogKey != "" {
				s.gaps = append(s.gaps, gap)
			}
		}
	}
}
