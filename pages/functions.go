package pages

import (
	"html/template"
	"net/url"
	"strings"
	"time"

	"github.com/prodready/collector/handbook"
	"github.com/prodready/collector/report"
)

// functions are what templates call.
func functions() template.FuncMap {
	return template.FuncMap{
		"badge":  report.BadgeName,
		"plural": report.Plural,
		"when":   report.Minute,
		"date":   report.Day,
		"escape": url.PathEscape,
		"join":   strings.Join,
		"words":  func(word string) string { return strings.ReplaceAll(word, "_", " ") },
		"prose":  handbook.Inline,
		"max":    func(a, b int) int { return max(a, b) },
		"minus":  func(a, b int) int { return a - b },
		"tiers":  func() []int { return []int{1, 2, 3, 4} },
		"lasting": func(seconds *float64) string {
			return report.Lasting(time.Duration(*seconds * float64(time.Second)))
		},
		"scoreWords": (*report.FleetRow).ScoreWords,
		"coverage":   func(row *report.FleetRow) string { return report.Percent(*row.Coverage) },
		"sortName":   sortName,
		"targetName": targetName,
		"plainHeads": plainHeads,
		// The templates that pages share get what they show, and the way to the first page.
		"moved": func(root string, m moved) any {
			return struct {
				Root  string
				Moved moved
			}{root, m}
		},
		"moves": func(root string, list []move) any {
			return struct {
				Root string
				List []move
			}{root, list}
		},
		"table": func(root, caption, head string, rows []groupRow) any {
			return struct {
				Root, Caption, Head string
				Rows                []groupRow
			}{root, caption, head, rows}
		},
		"services": func(root, label string, heads []head, rows []serviceRow) any {
			return struct {
				Root, Label string
				Heads       []head
				Rows        []serviceRow
			}{root, label, heads, rows}
		},
		"named": func(root string, list []serviceStatus, more int) any {
			return struct {
				Root string
				List []serviceStatus
				More int
			}{root, list, more}
		},
		"reviewed": func(root string, due bool, list []reviewView, more int) any {
			return struct {
				Root string
				Due  bool
				List []reviewView
				More int
			}{root, due, list, more}
		},
		"step": func(root string, s step) any {
			return struct {
				Root string
				step
			}{root, s}
		},
	}
}

// targetName says in the form how services stand to their target.
func targetName(filter string) string {
	switch filter {
	case "below":
		return "below: due or late"
	case "none":
		return "none"
	}
	return strings.ReplaceAll(filter, "_", " ")
}

// sortName says an order in the form.
func sortName(sort report.FleetSort) string {
	switch sort {
	case report.SortWorst:
		return "worst first"
	case report.SortGap:
		return "nearest to the next badge"
	case report.SortScore:
		return "lowest score"
	case report.SortBadge:
		return "lowest badge"
	case report.SortTier:
		return "most critical tier"
	case report.SortName, report.SortTeam:
	}
	return string(sort)
}
