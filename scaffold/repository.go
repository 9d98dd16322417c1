package scaffold

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// repository is where the code of a service is.
type repository struct {
	// key is the key of the catalog that names it, github or gitlab.
	key string
	// slug is its name there: owner/repository, or group/project.
	slug string
}

func (r repository) is(other repository) bool {
	return r.key == other.key && strings.EqualFold(r.slug, other.slug)
}

var (
	// slugCharacters are those that names of repositories have.
	slugCharacters = regexp.MustCompile(`^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+$`)
	// notOwners are the first parts of addresses of GitHub and GitLab behind which no
	// repository is.
	notOwners = []string{"about", "apps", "collections", "dashboard", "enterprises", "explore", "features", "groups",
		"help", "marketplace", "notifications", "orgs", "search", "settings", "sponsors", "stars", "topics", "trending",
		"users"}
	// gitLabPages are the parts of old addresses of GitLab that follow a project. Newer
	// ones have /-/ before them.
	gitLabPages = []string{"blob", "commit", "commits", "issues", "merge_requests", "pipelines", "raw", "tree", "wikis"}
)

// repositoryOf is the repository that a web address is of. The host has to be called
// github or gitlab, as github.com and gitlab.example.com are, or the address has /-/,
// which only GitLab writes.
func repositoryOf(address string) (r repository, ok bool) {
	u, err := url.Parse(address)
	if err != nil {
		return r, false
	}
	project, _, isGitLab := strings.Cut(strings.Trim(u.Path, "/"), "/-/")
	parts := strings.Split(strings.TrimSuffix(project, "/-"), "/")
	switch host, _, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(u.Hostname()), "www."), "."); {
	case len(parts) < 2 || slices.Contains(notOwners, parts[0]):
		return r, false
	case host == "gitlab" || isGitLab:
		r.key = "gitlab"
		if at := slices.IndexFunc(parts, func(p string) bool { return slices.Contains(gitLabPages, p) }); at >= 2 {
			parts = parts[:at]
		}
	case host == "github":
		r.key, parts = "github", parts[:2]
	default:
		return r, false
	}
	r.slug = strings.TrimSuffix(strings.Join(parts, "/"), ".git")
	return r, slugCharacters.MatchString(r.slug)
}

// repositoriesOf are the repositories that web addresses are of, each once.
func repositoriesOf(links []string) (found []repository) {
	for _, link := range links {
		if r, ok := repositoryOf(link); ok && !slices.ContainsFunc(found, r.is) {
			found = append(found, r)
		}
	}
	return found
}

// fillRepository fills in the repository that Jira links to: of several the one that is
// called like the service, and of those that a whole project links to no other. Where
// that leaves it open, and where series have another than Jira, none is filled in.
func (s *draftService) fillRepository() {
	found, sure := repositoriesOf(s.links), true
	if len(found) == 0 {
		found, sure = repositoriesOf(s.projectLinks), false
	}
	if s.GitHub != "" || s.GitLab != "" {
		ofSeries := repository{"github", s.GitHub}
		if s.GitHub == "" {
			ofSeries = repository{"gitlab", s.GitLab}
		}
		if sure && len(found) > 0 && !slices.ContainsFunc(found, ofSeries.is) {
			s.GitHub, s.GitLab, s.repositories = "", "", append(found, ofSeries)
		}
		return
	}
	named := slices.DeleteFunc(slices.Clone(found), func(r repository) bool { return !lastPartIs(r.slug, "/", s.Name) })
	if len(named) == 0 && sure {
		named = found
	}
	if len(named) != 1 {
		s.repositories = found
		return
	}
	s.LinkedInJira = true
	if named[0].key == "github" {
		s.GitHub = named[0].slug
	} else {
		s.GitLab = named[0].slug
	}
}

// suggestedRepositories are the lines for those that were found, of which a person has
// to choose.
func (s draftService) suggestedRepositories() []string {
	lines := make([]string, len(s.repositories))
	for i, r := range s.repositories {
		lines[i] = r.key + ": " + r.slug + " # found: is it?"
	}
	return lines
}

// isRepositoryKey reports whether the key of a gap, or one of its alternatives, names a
// repository.
func isRepositoryKey(key string) bool {
	return slices.ContainsFunc(strings.Split(key, " or "), func(k string) bool { return k == "github" || k == "gitlab" })
}
