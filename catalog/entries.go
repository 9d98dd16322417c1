package catalog

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prodready/collector/evidence"
)

// Entries are what was read of inline services, files and discovery before it is
// a catalog.
type Entries struct {
	Services []Service
	Teams    []Team
	// Users are the people that Backstage files name, as namespace/name. They own
	// nothing: a person is never a label.
	Users []string
	// Targets are files that entities of kind Location name.
	Targets []Target
	// Refused are entities that cannot be used, LeftOut those that are not wanted.
	Refused []Refusal
	LeftOut []LeftOut
	// Notes are what a person should know of entities that are used.
	Notes []Note
	// qualified says that names and owners are those of the catalog.
	qualified bool
}

// Add appends other entries.
func (e *Entries) Add(other Entries) {
	e.Services = append(e.Services, other.Services...)
	e.Teams = append(e.Teams, other.Teams...)
	e.Users = append(e.Users, other.Users...)
	e.Targets = append(e.Targets, other.Targets...)
	e.Refused = append(e.Refused, other.Refused...)
	e.LeftOut = append(e.LeftOut, other.LeftOut...)
	e.Notes = append(e.Notes, other.Notes...)
}

// Target is a file, or a pattern of files, that a Location names.
type Target struct {
	Origin Origin
	// Path is as it is written: relative to the file of the Location, or an address.
	Path string
	// Optional says that it need not be there.
	Optional bool
}

// Refusal is one entity, or one file without entities that can be read, that is
// not in the catalog because something is wrong with it.
type Refusal struct {
	Origin Origin
	// Source is the kind of the entry.
	Source EntrySource
	// Subject names the entity for people: component "checkout". It is empty for a
	// file.
	Subject string
	// Reason is the first thing that is wrong, Texts is everything, with the remedy.
	Reason evidence.UncountedReason
	Texts  []string
}

// Lines are one line for each thing that is wrong: place, entity, what.
func (r Refusal) Lines() []string {
	lines := make([]string, len(r.Texts))
	for i, text := range r.Texts {
		lines[i] = line(r.Origin, r.Subject, text)
	}
	return lines
}

// LeftOut is an entity that the rules of the catalog leave out: a library, or a
// service that is deprecated.
type LeftOut struct {
	Origin Origin
	// Subject names the entity, Why says what it is: type library.
	Subject, Why string
}

// Note is what a person should know of an entity that is in the catalog.
type Note struct {
	Origin        Origin
	Subject, Text string
}

// Line is place, entity and text.
func (n Note) Line() string { return line(n.Origin, n.Subject, n.Text) }

func line(origin Origin, subject, text string) string {
	if subject != "" {
		text = subject + ": " + text
	}
	return origin.String() + ": " + text
}

// Refused lists the entities that could not be used, in the order they were read.
// The caller must not change them.
func (c *Catalog) Refused() []Refusal { return c.refused }

// LeftOut counts the entities that are not wanted, by what they are.
func (c *Catalog) LeftOut() map[string]int {
	counts := map[string]int{}
	for _, l := range c.leftOut {
		counts[l.Why]++
	}
	return counts
}

// Notes are what a person should know of entities that are in the catalog.
func (c *Catalog) Notes() []Note { return c.notes }

// Uncounted counts the entities that were refused. Their group is the file.
func (c *Catalog) Uncounted() evidence.Uncounted {
	u := evidence.Uncounted{
		Kind: evidence.UncountedEntity, Total: len(c.refused), Reasons: map[evidence.UncountedReason]int{},
	}
	groups := map[evidence.UncountedGroup]int{}
	for _, r := range c.refused {
		u.Reasons[r.Reason]++
		name := r.Subject
		if name == "" {
			name = r.Origin.File
		}
		groups[evidence.UncountedGroup{Name: name, Reason: r.Reason}]++
	}
	for group, n := range groups {
		group.Count = n
		u.Largest = append(u.Largest, group)
	}
	slices.SortFunc(u.Largest, evidence.UncountedGroup.Compare)
	u.Largest = u.Largest[:min(len(u.Largest), largestGroups)]
	return u
}

// largestGroups is how many groups of refused entities are named.
const largestGroups = 10

// TooManyRefused is a catalog of files of which too large a share is refused:
// rather a rule that fits none of them than that many mistakes.
type TooManyRefused struct {
	Refused []Refusal
	// Services is how many are left.
	Services int
	// Limit is the share that is allowed.
	Limit float64
}

// shownRefusals is how many refused entities the error lists.
const shownRefusals = 20

// Error counts by reason, says what to do and lists the first.
func (e *TooManyRefused) Error() string {
	counts := map[evidence.UncountedReason]int{}
	for _, r := range e.Refused {
		counts[r.Reason]++
	}
	var reasons []string
	for _, reason := range slices.SortedFunc(maps.Keys(counts), func(a, b evidence.UncountedReason) int {
		return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b))
	}) {
		reasons = append(reasons, fmt.Sprintf("%d %s", counts[reason], reason.Text()))
	}
	out := []string{fmt.Sprintf(
		"catalog.backstage: %d of %d entities are refused: %s; that is more than the %g %% of "+
			"catalog.entities.max_refused_ratio: correct them, give what they lack under catalog.defaults, or raise the ratio",
		len(e.Refused), len(e.Refused)+e.Services, strings.Join(reasons, ", "), 100*e.Limit)}
	for _, r := range e.Refused[:min(len(e.Refused), shownRefusals)] {
		out = append(out, r.Lines()...)
	}
	if n := len(e.Refused) - shownRefusals; n > 0 {
		out = append(out, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(out, "\n")
}
