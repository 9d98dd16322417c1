package report

import (
	"encoding/xml"
	"fmt"
	"io"
)

// junitSuites is the XML that JUnit made common: a suite for each module.
type junitSuites struct {
	XMLName  xml.Name      `xml:"testsuites"`
	Name     string        `xml:"name,attr"`
	Tests    int           `xml:"tests,attr"`
	Failures int           `xml:"failures,attr"`
	Errors   int           `xml:"errors,attr"`
	Suites   []*junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class string `xml:"classname,attr"`
	Name  string `xml:"name,attr"`
	File  string `xml:"file,attr,omitempty"`
	// At most one of these is set: it failed, it could not be told, it was left out.
	Failure *junitText `xml:"failure,omitempty"`
	Error   *junitText `xml:"error,omitempty"`
	Skipped *junitText `xml:"skipped,omitempty"`
}

type junitText struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// add adds a case of a module. Those of a module stand together.
func (s *junitSuites) add(module string, c junitCase) {
	if len(s.Suites) == 0 || s.Suites[len(s.Suites)-1].Name != module {
		s.Suites = append(s.Suites, &junitSuite{Name: module})
	}
	suite := s.Suites[len(s.Suites)-1]
	s.Tests++
	suite.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
		suite.Failures++
	case c.Error != nil:
		s.Errors++
		suite.Errors++
	case c.Skipped != nil:
		suite.Skipped++
	}
	suite.Cases = append(suite.Cases, c)
}

func (s *junitSuites) write(w io.Writer) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(s); err != nil {
		return fmt.Errorf("writing results as XML: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}
