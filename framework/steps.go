package framework

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
)

// stepID is the id of the step of a check at a level: obs.noise.level-4.
func stepID(check string, level int) string { return fmt.Sprintf("%s.level-%d", check, level) }

// steps makes of a check with steps one check for each of its levels, which differ in id, level,
// threshold and attestation alone. Each is a requirement of its level, with a status, exemptions
// and fixtures of its own.
func (m *moduleDoc) steps() (faults []error) {
	var added []checkDoc
	for i := range m.Checks {
		c := &m.Checks[i]
		fail := func(format string, args ...any) {
			faults = append(faults, fmt.Errorf("%s: steps: %w", c.place(), fmt.Errorf(format, args...)))
		}
		if len(c.Steps) > 0 && c.Value == "" {
			fail("value is missing: it is the threshold at level %d, from which the steps go on", c.Level)
			continue
		}
		numbers := []float64{c.Value.float()}
		for _, key := range slices.Sorted(maps.Keys(c.Steps)) {
			level, err := strconv.Atoi(key)
			if err != nil || level <= c.Level || level > levelCount {
				fail("%q is no level above that of the check: want %d to %d", key, c.Level+1, levelCount)
				continue
			}
			added = append(added, c.step(level, c.Steps[key]))
			numbers = append(numbers, c.Steps[key].float())
		}
		falling := slices.IsSortedFunc(numbers, func(a, b float64) int { return cmp.Compare(b, a) })
		if !falling && !slices.IsSorted(numbers) {
			fail("the thresholds rise and fall from level to level: each level has to be as strict as the one below, or stricter")
		}
	}
	for _, c := range added {
		if i := slices.IndexFunc(m.Checks, func(other checkDoc) bool { return other.ID == c.ID }); i >= 0 {
			faults = append(faults, fmt.Errorf("%s: the step at %s:%d has the same id; give the check another one",
				m.Checks[i].place(), c.file, c.Line))
			continue
		}
		at := len(m.Checks)
		for at > 0 && m.Checks[at-1].Level > c.Level {
			at--
		}
		m.Checks = slices.Insert(m.Checks, at, c)
	}
	return faults
}

// float is the number.
func (n number) float() float64 {
	value, _ := strconv.ParseFloat(string(n), 64)
	return value
}

// step is the check at another level, with the threshold of that level.
func (c *checkDoc) step(level int, value number) checkDoc {
	out := *c
	out.ID, out.Level, out.Value, out.Steps, out.isStep = stepID(c.ID, level), level, value, nil, true
	out.Proofs = slices.Clone(c.Proofs)
	// Not a part of the name of another check's attestation.
	attestation := regexp.MustCompile(regexp.QuoteMeta(AttestationFact(c.ID)) + `\b`)
	for i := range out.Proofs {
		out.Proofs[i].Pass = attestation.ReplaceAllLiteralString(out.Proofs[i].Pass, AttestationFact(out.ID))
	}
	out.Remediation, out.Remedies = slices.Clone(c.Remediation), maps.Clone(c.Remedies)
	return out
}
