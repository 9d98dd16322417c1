package jiratest

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// FromLink is the issue that the vendor's form makes of a link to it, for a person who
// submits it as it was filled in. The link is that of "Creating issues via direct HTML
// links": numbers of a project and a type, a summary, and labels, each of which is a word.
func FromLink(key, link string) (Issue, error) {
	u, err := url.Parse(link)
	if err != nil {
		return Issue{}, fmt.Errorf("following a link: %w", err)
	}
	if !strings.HasSuffix(u.Path, "/secure/CreateIssueDetails!init.jspa") {
		return Issue{}, fmt.Errorf("%s is no form for a new issue", u.Path)
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Issue{}, fmt.Errorf("reading the fields of %s: %w", link, err)
	}
	for _, number := range []string{"pid", "issuetype"} {
		if _, err := strconv.Atoi(values.Get(number)); err != nil {
			return Issue{}, fmt.Errorf("%s=%q: want a number", number, values.Get(number))
		}
	}
	if values.Get("summary") == "" {
		return Issue{}, fmt.Errorf("%s has no summary, without which the form makes no issue", link)
	}
	for _, label := range values["labels"] {
		if label == "" || strings.ContainsFunc(label, func(r rune) bool { return r == ' ' }) {
			return Issue{}, fmt.Errorf("%q is no label", label)
		}
	}
	return Issue{Key: key, Summary: values.Get("summary"), Labels: values["labels"]}, nil
}
