package report

import "slices"

// Statement is a text with a short label: wanted, observed, next. Without a label it
// continues the one before it.
type Statement struct{ Label, Text string }

type statements []Statement

// add adds a text under a label, or continues the last statement if that has the same.
func (s *statements) add(label, text string) {
	for _, before := range slices.Backward(*s) {
		if before.Label == "" {
			continue
		}
		if before.Label == label {
			label = ""
		}
		break
	}
	*s = append(*s, Statement{label, text})
}
