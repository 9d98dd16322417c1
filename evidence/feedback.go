package evidence

import "cmp"

// Feedback is how many issues are feedback of one kind about one check.
type Feedback struct {
	// Check is the id of the check.
	Check string `json:"check"`
	// Kind is the kind of feedback.
	Kind FeedbackKind `json:"kind"`
	// Count is the number of issues, 1 or more.
	Count int `json:"count"`
}

// Compare orders feedback by check and then by kind.
func (f Feedback) Compare(g Feedback) int {
	return cmp.Or(cmp.Compare(f.Check, g.Check), cmp.Compare(f.Kind, g.Kind))
}

// FeedbackKind is a kind of feedback about a check.
type FeedbackKind string

// The kinds of feedback.
const (
	FeedbackUnclear       FeedbackKind = "unclear"
	FeedbackOverkill      FeedbackKind = "overkill"
	FeedbackWrongEvidence FeedbackKind = "wrong-evidence"
	FeedbackMissingDocs   FeedbackKind = "missing-docs"
)

// FeedbackKinds are all kinds of feedback.
func FeedbackKinds() []FeedbackKind {
	return []FeedbackKind{FeedbackUnclear, FeedbackOverkill, FeedbackWrongEvidence, FeedbackMissingDocs}
}
