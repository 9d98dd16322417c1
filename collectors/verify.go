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
	// Unsure says that an absent name is no fault: the upstream may only not have
	// measured it yet.
	Unsure bool
	// Partly says that some names could not be looked up.
	Partly bool
	// Note says what could not be looked up, and why, or what there is; empty for
	// nothing. It is no fault.
	Note string
	// Warning says that Note names something that is probably wrong.
	Warning bool
	// Err is why nothing is known of these names; nil when all were looked up.
	Err error
}

// AbsentName is one name that the upstream does not have.
type AbsentName struct {
	// Name is as it is written.
	Name string
	// Users are where it is written: names of services, or a key of the configuration.
	Users []string
	// Anywhere are those of Users that name no source, so that one source that has it
	// is enough; see Settle.
	Anywhere []string
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
	if !v.Unsure {
		for _, name := range v.Absent[:min(len(v.Absent), maxAbsent)] {
			faults = append(faults, errors.New(name.Error()))
		}
		if more := len(v.Absent) - maxAbsent; more > 0 {
			faults = append(faults, fmt.Errorf("%d more %s are not there", more, v.What))
		}
	}
	if v.Err != nil {
		faults = append(faults, v.Err)
	}
	return faults
}

// Summary says how many names were found, and what could not be looked up; empty
// when there is neither.
func (v Verified) Summary() string {
	var parts []string
	if v.Found > 0 {
		parts = append(parts, fmt.Sprintf("%d found", v.Found))
	}
	for _, note := range []string{v.Note, v.unseen()} {
		if note != "" {
			parts = append(parts, note)
		}
	}
	return strings.Join(parts, "; ")
}

// unseen names what is absent and no fault.
func (v Verified) unseen() string {
	if !v.Unsure || len(v.Absent) == 0 {
		return ""
	}
	var names []string
	for _, a := range v.Absent[:min(len(v.Absent), 5)] {
		names = append(names, fmt.Sprintf("%s of %s", a.Name, a.Users[0]))
	}
	if more := len(v.Absent) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return "no series has " + evidence.Clean(strings.Join(names, ", "), 300) +
		": is it misspelled, or does the exporter not watch it?"
}

// Settle decides about the names whose users name no source, from the answers of all
// sources of one kind, nil for one that did not answer: such a name is at fault if no
// source that could have it has it, and then once, where the nearest name is known.
func Settle(answers [][]Verified) {
	absent := map[kindName]*absence{}
	for i, list := range answers {
		for _, v := range list {
			for _, a := range v.Absent {
				key := kindName{v.What, a.Name}
				if absent[key] == nil {
					absent[key] = &absence{where: i}
				}
				found := absent[key]
				found.sources++
				if !found.suggested && strings.Contains(a.Suggestion, didYouMean) {
					found.where, found.suggested = i, true
				}
			}
		}
	}
	for i, list := range answers {
		for k := range list {
			v := &list[k]
			able := 0
			for _, other := range answers {
				if mayHave(other, v.What) {
					able++
				}
			}
			for k := range v.Absent {
				a := &v.Absent[k]
				if found := absent[kindName{v.What, a.Name}]; found.sources < able || found.where != i {
					a.Users = slices.DeleteFunc(a.Users, func(user string) bool { return slices.Contains(a.Anywhere, user) })
				}
			}
			v.Absent = slices.DeleteFunc(v.Absent, func(a AbsentName) bool { return len(a.Users) == 0 })
		}
	}
}

// kindName is a name of one kind.
type kindName struct{ what, name string }

// absence is a name that sources do not have.
type absence struct {
	sources int
	// where is the source that is nearest to having it, and suggested that it has a
	// name like it.
	where     int
	suggested bool
}

// mayHave reports whether a source could have names of a kind: it looked them up, or
// was not able to.
func mayHave(answers []Verified, what string) bool {
	return len(answers) == 0 || slices.ContainsFunc(answers, func(v Verified) bool {
		return v.Err != nil || v.What == what && (v.Found > 0 || len(v.Absent) > 0 || v.Partly)
	})
}

// NameUsers collects names with those who use them.
type NameUsers map[string][]string

// Add notes that the user uses the name.
func (u NameUsers) Add(name, user string) {
	if !slices.Contains(u[name], user) {
		u[name] = append(u[name], user)
	}
}

// FoundAnywhere notes which users of absent names name no source.
func (v *Verified) FoundAnywhere(users NameUsers) {
	for i := range v.Absent {
		v.Absent[i].Anywhere = users[v.Absent[i].Name]
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

// didYouMean is in every suggestion that has a name.
const didYouMean = "did you mean"

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
		return fmt.Sprintf(", "+didYouMean+" %q?", candidates[slices.Index(folded, found)])
	}
}
