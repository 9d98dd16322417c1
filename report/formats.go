package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// writeJSON writes a view, indented, since people read it too.
func writeJSON(w io.Writer, view any, what string) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(view); err != nil {
		return fmt.Errorf("writing the %s as JSON: %w", what, err)
	}
	return nil
}

// writeCSV writes a head and rows. Cells that a spreadsheet would take for a
// formula get a leading apostrophe: names and details come from outside.
func writeCSV(w io.Writer, head []string, rows [][]string, what string) error {
	writer := csv.NewWriter(w)
	_ = writer.Write(guarded(head)) // kept by the writer and returned by Error
	for _, row := range rows {
		_ = writer.Write(guarded(row))
	}
	writer.Flush()
	if err := writer.Error(); err != nil {
		return fmt.Errorf("writing the %s as CSV: %w", what, err)
	}
	return nil
}

func guarded(row []string) []string {
	out := make([]string, len(row))
	for i, field := range row {
		// Spreadsheets skip tabs and line breaks before a formula.
		if start := strings.TrimLeft(field, "\t\r\n "); start != "" && strings.ContainsRune("=+-@", rune(start[0])) {
			field = "'" + field
		}
		out[i] = field
	}
	return out
}

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func csvFloat(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(round(*v, 6), 'f', -1, 64)
}

// WriteJSON writes the view as JSON.
func (f Fleet) WriteJSON(w io.Writer) error { return writeJSON(w, f, "fleet") }

// WriteJSON writes the view as JSON.
func (c Scorecard) WriteJSON(w io.Writer) error { return writeJSON(w, c, "scorecard") }

// WriteJSON writes the view as JSON.
func (c Coverage) WriteJSON(w io.Writer) error { return writeJSON(w, c, "coverage") }

// WriteCSV writes one line per service. What does not exist is an empty field.
func (f Fleet) WriteCSV(w io.Writer) error {
	head := []string{
		"service", "title", "team", "org", "tier", "environment",
		"badge", "no_badge", "exempt", "attested", "on_hold", "hold_reason", "target", "target_due", "on_target",
		"target_gap_checks", "late_since",
		"score", "score_upper", "coverage", "next_badge", "gap_checks", "blocked",
	}
	for _, m := range f.Modules {
		head = append(head, m.ID+"_level", m.ID+"_level_upper", m.ID+"_score")
	}
	rows := make([][]string, len(f.Services))
	for i, s := range f.Services {
		var lower, upper *float64
		if s.Score != nil {
			lower, upper = &s.Score.Lower, &s.Score.Upper
		}
		row := []string{
			s.Service, s.Title, s.Team, s.Org, strconv.Itoa(s.Tier), s.Environment,
			s.Badge, s.NoBadge, strconv.Itoa(s.Qualifiers.Exempt), strconv.Itoa(s.Qualifiers.Attested),
			strconv.FormatBool(s.OnHold), s.HoldReason, s.Target, csvTime(s.TargetDue), s.OnTarget,
			strconv.Itoa(s.TargetGapChecks), csvTime(s.LateSince),
			csvFloat(lower), csvFloat(upper), csvFloat(s.Coverage), s.NextBadge, strconv.Itoa(s.GapChecks), s.Blocked,
		}
		for j := range f.Modules {
			if j >= len(s.Modules) || !s.Modules[j].Applies {
				row = append(row, "", "", "")
				continue
			}
			m := s.Modules[j]
			row = append(row, strconv.Itoa(m.Level), strconv.Itoa(m.LevelUpper), csvFloat(m.Score))
		}
		rows[i] = row
	}
	return writeCSV(w, head, rows, "fleet")
}

// WriteCSV writes one line per check. What does not exist is an empty field.
func (c Scorecard) WriteCSV(w io.Writer) error {
	head := []string{
		"service", "module", "check", "level", "needed_for", "title", "status", "verdict", "proof", "since",
		"in_the_way", "due", "wanted", "observed", "observed_at", "age_seconds", "source", "missing", "next_step", "effort",
		"exempt_reason", "exempt_approver", "exempt_expires", "blind", "exempt_requested_by", "exempt_ticket",
	}
	rows := make([][]string, len(c.Checks))
	for i, check := range c.Checks {
		var observed, missing []string
		for _, fact := range check.Observed {
			if fact.observed() {
				observed = append(observed, fact.Name+"="+fact.Value.Text(fact.Unit))
			} else {
				missing = append(missing, fact.Name+"="+fact.Missing)
			}
		}
		seen := check.seen()
		age := ""
		if !seen.at.IsZero() {
			age = strconv.FormatInt(seen.age, 10)
		}
		var exemption Exemption
		if check.Exemption != nil {
			exemption = *check.Exemption
		}
		rows[i] = []string{
			c.Summary.Service, check.Module, check.ID, strconv.Itoa(check.Level), check.NeededFor, check.Title, check.Status,
			check.Verdict, check.Proof, csvTime(check.Since),
			strconv.FormatBool(check.InTheWay), check.Due, check.Wanted.Expression, strings.Join(observed, "; "),
			csvTime(seen.at), age, seen.sources, strings.Join(missing, "; "), strings.Join(check.Next.Fix, " "),
			check.Next.Effort,
			exemption.Reason, exemption.Approver, csvTime(exemption.Expires), strconv.FormatBool(check.Blind),
			exemption.RequestedBy, exemption.Ticket,
		}
	}
	return writeCSV(w, head, rows, "scorecard")
}
