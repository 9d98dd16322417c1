package sourcetest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/internal/fault"
)

// WrongName is a name of something that the upstream with the data Normal does not have,
// in the catalog or in the configuration.
type WrongName struct {
	// Name is as it is written, and Nearest the existing one that was meant.
	Name, Nearest string
	// User is where it is written: the name of a service, or a key of the configuration.
	User string
	// Service is an entry of the catalog that has it; nil when the source's options do.
	Service *catalog.Service
	// Source makes the source whose options have it; nil when the catalog does.
	Source NewSource
}

// wrongNames are the cases of names that are written wrongly, and of an upstream that
// does not answer, which has lost none.
func (s *suite) wrongNames() []testCase {
	var list []testCase
	for _, wrong := range s.WrongNames {
		list = append(list, testCase{"a wrong name/" + wrong.Name, []string{"a wrong name"}, func(c *check) error {
			return s.wrongName(c, wrong)
		}})
	}
	return append(list, testCase{"a wrong name/no answer", []string{"no names"}, s.namesWithoutAnswer})
}

// verifier is the world's source if it can look names up; nil if it cannot, and then the
// subject has no wrong ones.
func (w *world) verifier() collectors.Verifier {
	verifier, verifies := w.source.(collectors.Verifier)
	if verifies != (len(w.suite.WrongNames) > 0) {
		w.check.errorf("the source looks names up: %t, and the subject has %d that are wrong", verifies,
			len(w.suite.WrongNames))
	}
	return verifier
}

// wrongName compares what is absent with the name and without it.
func (s *suite) wrongName(c *check, wrong WrongName) error {
	before, err := s.absentNames(c, WrongName{})
	if err != nil {
		return err
	}
	after, err := s.absentNames(c, wrong)
	if err != nil {
		return err
	}
	found := slices.DeleteFunc(after, func(n collectors.AbsentName) bool {
		return slices.ContainsFunc(before, func(old collectors.AbsentName) bool { return old.Error() == n.Error() })
	})
	if len(found) != 1 {
		c.errorf("%d names are absent beside those that were before, want 1: %v", len(found), found)
		return nil
	}
	switch n := found[0]; {
	case n.Name != wrong.Name || !slices.Contains(n.Users, wrong.User) || n.Why == "":
		c.errorf("%+v, want the name %q of %s, and why it is wrong", n, wrong.Name, wrong.User)
	case !strings.Contains(n.Suggestion, "did you mean") || !strings.Contains(n.Suggestion, wrong.Nearest):
		c.errorf("the suggestion is %q, want %q", n.Suggestion, wrong.Nearest)
	}
	return nil
}

// absentNames are the names that the upstream does not have, with a wrong one.
func (s *suite) absentNames(c *check, wrong WrongName) (absent []collectors.AbsentName, err error) {
	w, err := s.of(&Scenario{Source: wrong.Source}).newWorld(c, Normal, 0)
	if err != nil {
		return nil, err
	}
	defer w.close()
	services := slices.Clone(s.Services)
	if wrong.Service != nil {
		services = append(services, wrong.Service)
	}
	verifier := w.verifier()
	if verifier == nil {
		return nil, fmt.Errorf("%s cannot look names up", w.source.ID())
	}
	for _, v := range verifier.Verify(context.Background(), services) {
		if v.Err != nil {
			c.errorf("%s cannot be looked up: %v", v.What, v.Err)
		}
		absent = append(absent, v.Absent...)
	}
	return absent, nil
}

// namesWithoutAnswer looks names up while the upstream refuses every request.
func (s *suite) namesWithoutAnswer(c *check) error {
	w, err := s.newWorld(c, Normal, 0)
	if err != nil {
		return err
	}
	defer w.close()
	verifier := w.verifier()
	if verifier == nil {
		return nil
	}
	w.upstream.Inject(fault.Fault{Status: http.StatusServiceUnavailable})
	answers := verifier.Verify(context.Background(), s.Services)
	if len(answers) == 0 {
		c.errorf("nothing is said of names that could not be looked up")
	}
	for _, v := range answers {
		if v.Err == nil || len(v.Absent) > 0 {
			c.errorf("%s without an answer: %d absent, error %v", v.What, len(v.Absent), v.Err)
		}
	}
	return nil
}
