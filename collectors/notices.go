package collectors

// Notices remembers what a source has logged, so that a fault that lasts is
// logged once and not in every round. It is not safe for concurrent use.
type Notices struct{ before, now map[string]string }

// Begin starts a round.
func (n *Notices) Begin() { n.now = map[string]string{} }

// End makes the notices of the round those that the next is compared with. A
// round that was broken off does not call it.
func (n *Notices) End() { n.before = n.now }

// Add records what is to be said about a subject, and reports whether it has to
// be logged: it is new, or differs from the round before. The first notice about
// a subject is the one that counts in a round.
func (n *Notices) Add(subject, text string) bool {
	if _, known := n.now[subject]; known {
		return false
	}
	n.now[subject] = text
	before, known := n.before[subject]
	return !known || before != text
}

// Has reports whether there is a notice about the subject in this round.
func (n *Notices) Has(subject string) bool { _, ok := n.now[subject]; return ok }

// Keep takes the notices of the round before over for subjects that this round
// does not ask about.
func (n *Notices) Keep(chosen func(subject string) bool) {
	for subject, text := range n.before {
		if chosen(subject) {
			n.now[subject] = text
		}
	}
}
