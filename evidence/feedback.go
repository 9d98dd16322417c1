package evidence

import "cmp"

// Feedback is how many issues say one thing about one check.
type Feedback struct {
	// Check is the id of the check.
	Check string `json:"check"`
	// Kind is what they say.
	Kind FeedbackKind `json:"kind"`
	// Count is how many issues say so, 1 or more.
	Count int `json:"count"`
}

// Compare orders feedback by check and then by kind.
func (f Feedback) Compare(g Feedback) int {
	return cmp.Or(cmp.Compare(f.Check, g.Check), cmp.Compare(f.Kind, g.Kind))
}

// FeedbackKind is what people say about a check.
type FeedbackKind string

// What people say about checks.
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
