package jira

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// overlap is how far before the last round a search for changes begins: Jira
// compares times by the minute, and its index is some minutes late.
const overlap = 10 * time.Minute

// maxList is how many bytes of values one query lists: queries are sent in the
// address, and servers and proxies bound its length.
const maxList = 3000

var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// quote makes a JQL value of any text.
func quote(value string) string { return `"` + quoted.Replace(value) + `"` }

// ago is a relative time of JQL. An absolute one would be in the time zone of the
// account.
func ago(d time.Duration) string {
	if d >= 2*day && d%day == 0 {
		return fmt.Sprintf(`"-%dd"`, d/day)
	}
	minutes := int64((d + time.Minute - 1) / time.Minute)
	return fmt.Sprintf(`"-%dm"`, max(minutes, 1))
}

// in asks for one of the values.
func in(field string, values []string) string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = quote(v)
	}
	return field + " in (" + strings.Join(list, ", ") + ")"
}

// portions divides a list into parts that each fit into a query.
func portions(values []string) [][]string {
	var parts [][]string
	size := maxList + 1
	for _, v := range values {
		// Quotes, comma and blank are three bytes each in an address.
		n := len(v) + 12
		if size += n; size > maxList {
			parts = append(parts, nil)
			size = n
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], v)
	}
	return parts
}

// checkJQL reports why a query cannot be put into parentheses and joined with
// others. Whether its fields exist only the server knows.
func checkJQL(jql string) error {
	if strings.TrimSpace(jql) == "" {
		return errors.New("the query is empty")
	}
	plain := quotation.ReplaceAllString(jql, "x")
	if strings.ContainsAny(plain, `"'`) {
		return errors.New("a quotation is not closed")
	}
	depth := 0
	for _, c := range plain {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth < 0 {
			return errors.New("a parenthesis is closed that was not opened")
		}
	}
	if depth > 0 {
		return errors.New("a parenthesis is not closed")
	}
	if orderBy.MatchString(plain) {
		return errors.New("it has ORDER BY: leave the order out, since the query is joined with others")
	}
	return nil
}

// quotation matches a quoted text of JQL, and orderBy the words before an order.
var (
	quotation = regexp.MustCompile(`(?s)"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`)
	orderBy   = regexp.MustCompile(`(?i)order\s+by(?:\s|$)`)
)
