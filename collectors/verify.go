package collectors

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/nearest"
)

// Verifier is a Source that can look up what the configuration and the catalog name.
// A wrong name is no error of a round: its facts stay unknown.
type Verifier interface {
	// Verify looks up, without collecting, every name that the source's options and
	// the services give to something of the upstream. It reads listings page by page:
	// the number of requests does not grow with services. When the upstream does not
	// answer, the result is an error and never an absent name.
	Verify(ctx context.Context, services []*catalog.Service) []Verified
}

// Verified is the answer about the names of one kind.
type Verified struct {
	// What names the kind for people, in the plural: services, projects.
	What string
	// Found counts the names that the upstream has.
	Found int
	// Absent are the names that it does not have, in order.
	Absent []AbsentName
	// Note says what could not be looked up, and why; empty for nothing. It is no
	// fault.
	Note string
	// Err is why nothing is known of these names; nil when all were looked up.
	Err error
}

// AbsentName is one name that the upstream does not have.
type AbsentName struct {
	// Name is as it is written.
	Name string
	// Users are where it is written: names of services, or a key of the configuration.
	Users []string
	// Why says what the upstream answered.
	Why string
	// Suggestion continues Why: `, did you mean "x"?`, or nothing.
	Suggestion string
}

// maxUsers bounds how many users of an absent name are named.
const maxUsers = 3

// Error says which name is absent, and who uses it.
func (n AbsentName) Error() string {
	users := n.Users[:min(len(n.Users), maxUsers)]
	text := strings.Join(users, ", ")
	if more := len(n.Users) - len(users); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("%q of %s: %s%s", n.Name, evidence.Clean(text, 300), n.Why, n.Suggestion)
}

// maxAbsent bounds how many absent names of one kind are listed.
const maxAbsent = 50

// Faults are all that is wrong with the names.
func (v Verified) Faults() []error {
	var faults []error
	for _, name := range v.Absent[:min(len(v.Absent), maxAbsent)] {
		faults = append(faults, errors.New(name.Error()))
	}
	if more := len(v.Absent) - maxAbsent; more > 0 {
		faults = append(faults, fmt.Errorf("%d more %s are not there", more, v.What))
	}
	if v.Err != nil {
		faults = append(faults, v.Err)
	}
	return faults
}

// Summary says how many names were found, and what could not be looked up; empty
// when there is neither.
func (v Verified) Summary() string {
	switch {
	case v.Note != "" && v.Found > 0:
		return fmt.Sprintf("%d found; %s", v.Found, v.Note)
	case v.Note != "":
		return v.Note
	case v.Found > 0:
		return fmt.Sprintf("%d found", v.Found)
	}
	return ""
}

// NameUsers collects names with those who use them.
type NameUsers map[string][]string

// Add notes that the user uses the name.
func (u NameUsers) Add(name, user string) {
	if !slices.Contains(u[name], user) {
		u[name] = append(u[name], user)
	}
}

// LookUp compares the names with what the upstream has, in order of the names. has
// reports whether it has one; why says what it means that it has not; suggest
// returns the end of that sentence, a suggestion or nothing.
func (u NameUsers) LookUp(what, why string, has func(name string) bool, suggest func(name string) string) Verified {
	v := Verified{What: what}
	for _, name := range slices.Sorted(maps.Keys(u)) {
		if has(name) {
			v.Found++
			continue
		}
		v.Absent = append(v.Absent, AbsentName{Name: name, Users: u[name], Why: why, Suggestion: suggest(name)})
	}
	return v
}

// Nearest suggests the candidate that is nearest to a name, without regard to
// letter case, or nothing.
func Nearest(candidates []string) func(name string) string {
	folded := make([]string, len(candidates))
	for i, c := range candidates {
		folded[i] = strings.ToLower(c)
	}
	return func(name string) string {
		found, ok := nearest.Name(strings.ToLower(name), folded)
		if !ok {
			return ""
		}
		return fmt.Sprintf(", did you mean %q?", candidates[slices.Index(folded, found)])
	}
}
