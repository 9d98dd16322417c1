package nearest

import "strings"

const (
	// shortestName is the length below which names are too short to be compared: most
	// names of four letters have neighbours that mean something else.
	shortestName = 5
	// shortestPart is the same for the part of a name in which they differ: order-api and
	// order-app are two services.
	shortestPart = 4
	// separators are between the parts of a name.
	separators = "-._:/ "
)

// IsSlip reports whether a name is probably the other, written wrong: one character is
// missing, one too many or another, or two neighbours are swapped. Names that differ in a
// digit or in a short part, such as api-1 and api-2, us-east and eu-east, or cart-a and
// cart-b, are names of two things.
func IsSlip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) < shortestName || len(b)-len(a) > 1 || a == b {
		return false
	}
	begin, end := 0, 0
	for begin < len(a) && a[begin] == b[begin] {
		begin++
	}
	for end < len(a)-begin && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	ofA, ofB := a[begin:len(a)-end], b[begin:len(b)-end]
	isSwap := len(ofA) == 2 && len(ofB) == 2 && ofA[0] == ofB[1] && ofA[1] == ofB[0]
	switch {
	case len(ofA) > 1 && !isSwap, strings.ContainsAny(ofA+ofB, "0123456789"):
		return false
	case strings.ContainsAny(ofA+ofB, separators):
		return true
	}
	return partLength(a, begin, len(a)-end) >= shortestPart
}

// partLength is the length of the part of a name that has the characters from begin to
// end.
func partLength(name string, begin, end int) int {
	begin = strings.LastIndexAny(name[:begin], separators) + 1
	if behind := strings.IndexAny(name[end:], separators); behind >= 0 {
		return end + behind - begin
	}
	return len(name) - begin
}

// Names finds those of many names that one of them is a slip of. Its zero value has none.
type Names struct {
	known map[string]bool
	// byEnds are the names by their first two characters, and by their last two: a slip
	// leaves one of the two as it is.
	byEnds map[string][]string
}

// ends are the keys of a name in Names.byEnds.
func ends(name string) [2]string { return [2]string{name[:2] + "*", "*" + name[len(name)-2:]} }

// Add adds a name.
func (n *Names) Add(name string) {
	if n.known == nil {
		n.known, n.byEnds = map[string]bool{}, map[string][]string{}
	}
	if n.known[name] {
		return
	}
	n.known[name] = true
	if len(name) >= shortestName {
		for _, end := range ends(name) {
			n.byEnds[end] = append(n.byEnds[end], name)
		}
	}
}

// SlipOf are the names that a name is a slip of.
// A name that was added is a slip of no other.
func (n *Names) SlipOf(name string) (found []string) {
	if len(name) < shortestName || n.known[name] {
		return nil
	}
	seen := map[string]bool{}
	for _, end := range ends(name) {
		for _, other := range n.byEnds[end] {
			if IsSlip(name, other) && !seen[other] {
				seen[other] = true
				found = append(found, other)
			}
		}
	}
	return found
}
