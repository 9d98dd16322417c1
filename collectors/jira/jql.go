package jira

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// overlap is how much further back than the last round is asked: Jira compares
// times by the minute, and its index runs behind.
const overlap = 10 * time.Minute

// mostList is how many bytes of values one query lists, since queries travel in
// addresses, which servers and proxies bound.
const mostList = 3000

var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// quote makes a JQL value of any text.
func quote(value string) string { return `"` + quoted.Replace(value) + `"` }

// ago is a relative time of JQL. Absolute ones would be read in the time zone
// of the account.
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

// portions cuts a list into parts that each fit into a query.
func portions(values []string) [][]string {
	var parts [][]string
	size := mostList + 1
	for _, v := range values {
		// Quotes, comma and blank are three bytes each in an address.
		n := len(v) + 12
		if size += n; size > mostList {
			parts = append(parts, nil)
			size = n
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], v)
	}
	return parts
}

// checkJQL reports what keeps a query from being put into parentheses and
// joined with others. It knows no fields: the server does.
func checkJQL(jql string) error {
	if strings.TrimSpace(jql) == "" {
		return errors.New("the query is empty")
	}
	depth := 0
	var open byte
	var plain strings.Builder
	for i := 0; i < len(jql); i++ {
		c := jql[i]
		switch {
		case open != 0:
			switch c {
			case '\\':
				i++
			case open:
				open = 0
			}
			plain.WriteByte('x')
			continue
		case c == '"' || c == '\'':
			open = c
			plain.WriteByte('x')
			continue
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth < 0 {
				return errors.New("a parenthesis is closed that was not opened")
			}
		}
		plain.WriteByte(c)
	}
	switch {
	case open != 0:
		return errors.New("a quotation is not closed")
	case depth > 0:
		return errors.New("a parenthesis is not closed")
	}
	words := strings.Fields(strings.ToLower(plain.String()))
	for i := 1; i < len(words); i++ {
		if strings.HasSuffix(words[i-1], "order") && words[i] == "by" {
			return errors.New("it has ORDER BY: leave the order out, since the query is joined with others")
		}
	}
	return nil
}
