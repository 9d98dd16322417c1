package catalog

import (
	"fmt"
	"strings"

	"github.com/prodready/collector/evidence"
)

// List names the list that an entry was passed to Build in.
type List string

// The lists of entries.
const (
	ListServices List = "services"
	ListTeams    List = "teams"
)

// Problem is one thing that is wrong with one entry of the catalog.
type Problem struct {
	// List and Index say which entry it is, as it was passed to Build.
	List  List
	Index int
	// Origin is where the entry was read.
	Origin Origin
	// Subject names the entry for people: service "checkout".
	Subject string
	// Reason is what kind of fault it is.
	Reason evidence.UncountedReason
	// Field is the path of the faulty field within the entry, as it is written
	// in an inline entry: prometheus[0].matchers. It is empty when the fault is
	// the entry's own.
	Field string
	// Text is what is wrong and what to do about it, without the place.
	Text string
}

// Error is one line: place, subject, field, what is wrong; what to do.
func (p Problem) Error() string { return fmt.Sprintf("%s: %s: %s", p.Origin, p.Subject, p.text()) }

func (p Problem) text() string {
	if p.Field == "" {
		return p.Text
	}
	return p.Field + ": " + p.Text
}

// Problems is everything that is wrong with a catalog, in the order of the
// entries.
type Problems []Problem

// Error has one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}
