package app

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/answers"
	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evaluation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/strictyaml"
	"github.com/prodready/collector/textfile"
)

// answersID is the source of what a team answers before a launch.
const answersID = "answers"

// answersFor is longer than any attestation is good: each answer ages by the rules of its
// own check.
const answersFor = 2 * 366 * 24 * time.Hour

// maxNotApplicable is how long a check may not apply because people say so, where the
// framework has no limit for exemptions.
const maxNotApplicable = 180 * 24 * time.Hour

// LaunchQuery is a service that is in no catalog yet, and what its team has answered.
type LaunchQuery struct {
	Service string
	// Entry is what is said of the service besides the head of the file. A value that is
	// there, and another one than that of the file, is an error.
	Entry catalog.Service
	// Answers is the file.
	Answers string
	// OrDefault judges by the default framework where there is no configuration file.
	OrDefault bool
}

// Launch judges a service that is in no catalog yet by the answers of its team: as the
// daemon would judge it if there were no other source. The errors of the file are
// *InvalidError with its lines, that of a wrong name is an *UnknownNameError.
func Launch(o Options, q LaunchQuery) (report.Scorecard, report.Launch, error) {
	o, rc, err := plan(withoutFile(o, q.OrDefault))
	if err != nil {
		return report.Scorecard{}, report.Launch{}, err
	}
	if err := rc.notInCatalog(q.Service); err != nil {
		return report.Scorecard{}, report.Launch{}, err
	}
	now := o.Now()
	text, err := textfile.Read(q.Answers, answers.MaxBytes)
	if err != nil {
		return report.Scorecard{}, report.Launch{}, &InvalidError{unreadableAnswers(q.Answers, err)}
	}
	sheet, err := answers.Parse(q.Answers, text, now)
	if err != nil {
		return report.Scorecard{}, report.Launch{}, &InvalidError{err}
	}
	entry, err := entryOf(sheet, q)
	if err != nil {
		return report.Scorecard{}, report.Launch{}, &InvalidError{err}
	}
	if entry.Tier == 0 {
		return report.Scorecard{}, report.Launch{}, &InvalidError{fmt.Errorf(
			"%s:1: the tier of %s is not known: write a line `- %s: 1` (1 to 4) into the head, or give --tier", sheet.File,
			q.Service, answers.FieldTier)}
	}
	service, err := rc.launching(q.Service, entry)
	if err != nil {
		return report.Scorecard{}, report.Launch{}, err
	}
	sum := sha256.Sum256(text)
	launch := report.Launch{File: q.Answers, SHA256: hex.EncodeToString(sum[:]), Tier: service.Tier,
		DataClass: service.DataClass, Checks: map[string]report.LaunchAnswer{}}
	records, err := rc.answered(sheet, service, launch.Checks, now)
	if err != nil {
		return report.Scorecard{}, report.Launch{}, &InvalidError{err}
	}
	rc.onlyAnswers(service)
	card, _ := report.NewScorecard(evaluation.Launch(&rc.Config, answersID, records, now), service.Name)
	return card, launch, nil
}

func unreadableAnswers(file string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("--answers %s: there is no such file; `collector playbook SERVICE --launch --tier N` prints one to fill in", file)
	case errors.Is(err, textfile.ErrTooLarge):
		return fmt.Errorf("--answers %s: larger than %d MiB: this is no playbook", file, answers.MaxBytes>>20)
	case errors.Is(err, textfile.ErrNotRegular):
		return fmt.Errorf("--answers %s: this is no regular file; name the playbook that the team has filled in", file)
	}
	return fmt.Errorf("--answers: reading %s: %w", file, err)
}

// entryOf is the service as the head of the file and the flags describe it.
func entryOf(sheet *answers.Sheet, q LaunchQuery) (catalog.Service, error) {
	entry := sheet.Entry
	var faults []strictyaml.Fault
	differs := func(field, flag, inFile string) {
		faults = append(faults, strictyaml.Fault{Position: strictyaml.Position{Line: sheet.Lines[field]}, Text: fmt.Sprintf(
			"%s is %s here and %s on the command line: correct one of them", field, inFile, flag)})
	}
	if entry.Name != "" && entry.Name != q.Service {
		differs(answers.FieldService, q.Service, entry.Name)
	}
	if entry.Tier != 0 && q.Entry.Tier != 0 && entry.Tier != q.Entry.Tier {
		differs(answers.FieldTier, strconv.Itoa(q.Entry.Tier), strconv.Itoa(entry.Tier))
	}
	for _, field := range []struct {
		name       string
		flag, into *string
	}{
		{answers.FieldDataClass, &q.Entry.DataClass, &entry.DataClass},
		{answers.FieldExposure, &q.Entry.Exposure, &entry.Exposure},
		{answers.FieldRuntime, &q.Entry.Runtime, &entry.Runtime},
	} {
		if *field.flag != "" && *field.into != "" && *field.flag != *field.into {
			differs(field.name, *field.flag, *field.into)
		}
		*field.into = cmp.Or(*field.into, *field.flag)
	}
	if isNo := sheet.Lines[answers.FieldStateful] > 0 && !entry.Stateful; isNo && q.Entry.Stateful {
		differs(answers.FieldStateful, "yes", "no")
	}
	if len(faults) > 0 {
		return entry, &strictyaml.Faults{File: sheet.File, List: faults}
	}
	entry.Tier = cmp.Or(entry.Tier, q.Entry.Tier)
	entry.Stateful = entry.Stateful || q.Entry.Stateful
	return entry, nil
}

// notInCatalog is an error for a service that is in the catalog.
func (rc *runtimeConfig) notInCatalog(name string) error {
	if _, err := rc.Catalog.Lookup(name); err == nil {
		return &UnknownNameError{fmt.Sprintf("%q is in the catalog; leave --launch out", name)}
	}
	return nil
}

// launching makes the catalog that of one service which is not in it yet.
func (rc *runtimeConfig) launching(name string, entry catalog.Service) (*catalog.Service, error) {
	if err := rc.notInCatalog(name); err != nil {
		return nil, err
	}
	entry.Name = name
	alone, err := rc.config.CatalogRules().Build(catalog.Entries{Services: []catalog.Service{entry}})
	if err != nil {
		return nil, &UnknownNameError{fmt.Sprintf("%q cannot be judged: %v", name, err)}
	}
	if refused := alone.Refused(); len(refused) > 0 {
		return nil, &UnknownNameError{fmt.Sprintf("%q cannot be judged: %s", name, strings.Join(refused[0].Lines(), "; "))}
	}
	rc.Catalog = alone
	return alone.Services()[0], nil
}

// answered are the answers that count, as records of attestations: yes and no. A check that
// does not apply, as two people say, is exempt. What each check was answered, and why an
// answer does not count, goes into said.
func (rc *runtimeConfig) answered(
	sheet *answers.Sheet, service *catalog.Service, said map[string]report.LaunchAnswer, now time.Time,
) ([]evidence.Record, error) {
	criteria := rc.criteriaOf(service, now)
	attestations, ids := rc.attestationsFor(criteria), make([]string, 0, len(criteria.Checks))
	for _, c := range criteria.Checks {
		ids = append(ids, c.ID)
	}
	var faults []strictyaml.Fault
	var records []evidence.Record
	for i := range sheet.Answers {
		a := &sheet.Answers[i]
		attestation, attestable := attestations[a.Check]
		fail := func(format string, args ...any) {
			faults = append(faults, strictyaml.Fault{
				Position: strictyaml.Position{Line: a.AnswerLine}, Text: fmt.Sprintf(format, args...)})
		}
		switch {
		case !slices.Contains(ids, a.Check):
			fail("no check %q in the framework %s%s; if it was dropped, print the playbook again", a.Check, criteria.Title(),
				nearest.Suggest(a.Check, ids))
			continue
		case !attestable && a.Said != answers.Unanswered:
			fail("%s cannot be answered: only a machine or the catalog proves it; take the answer out", a.Check)
			continue
		case !attestable:
			continue
		}
		rules := answers.Rules{NeedsLink: attestation.NeedsLink(), NeedsSecondPerson: attestation.NeedsSecondPerson(),
			Level: attestation.Level, ValidFor: attestation.ValidFor()}
		if a.Said == answers.NotApplicable {
			rules.ValidFor = cmp.Or(criteria.MaxExemption, maxNotApplicable)
		}
		flaw := a.Flaw(rules, now)
		said[a.Check] = report.LaunchAnswer{Line: a.AnswerLine, Said: string(a.Said), Flaw: flaw}
		at := a.On
		if at.IsZero() || at.After(now) {
			at = now // a no counts whenever it was said; the day may have begun elsewhere
		}
		switch {
		case flaw != "":
		case a.Said == answers.NotApplicable:
			rc.Exemptions = append(rc.Exemptions, scoring.Exemption{Check: a.Check,
				Selector: scoring.Selector{Services: []string{service.Name}},
				Reason:   a.Because, Ticket: fmt.Sprintf("%s:%d", sheet.File, a.AnswerLine), Expires: a.On.Add(rules.ValidFor)})
		default:
			records = append(records, evidence.Record{Service: service.Name, Fact: attestation.Fact.Name, Source: answersID,
				Value: evidence.Bool(a.Said == answers.Yes), Detail: fmt.Sprintf("%s:%d", sheet.File, a.AnswerLine),
				Since: at, ObservedAt: at})
		}
	}
	if len(faults) > 0 {
		return nil, &strictyaml.Faults{File: sheet.File, List: faults}
	}
	return records, nil
}

// onlyAnswers leaves the answers and what is declared of the service as the only sources,
// so that checks which only machines can decide are not measurable, as without a source.
// What the entry does not declare is no evidence: it is not written yet, and lacks nothing.
func (rc *runtimeConfig) onlyAnswers(service *catalog.Service) {
	var declared, attested []string
	for _, r := range catalog.Observe(rc.Catalog, time.Time{}) {
		if r.Service == service.Name && r.Value.Truth() {
			declared = append(declared, r.Fact)
		}
	}
	for _, a := range rc.attestations() {
		attested = append(attested, a.Fact.Name)
	}
	rc.Providers = []evidence.Provider{
		{ID: catalog.SourceID, Facts: declared}, {ID: answersID, Facts: attested, FreshFor: answersFor},
	}
	rc.findNotMeasurable()
}
