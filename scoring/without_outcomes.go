package scoring

import "slices"

// WithoutOutcomes is the card as it would be if no check that reads facts about incidents
// or alerts applied. What services are compared by must not explain outcomes by outcomes.
func (c *Scorecard) WithoutOutcomes() Scorecard {
	out := Scorecard{Service: c.Service, At: c.At, Checks: slices.Clone(c.Checks), Basis: c.Basis, Until: c.Until}
	for i := range out.Checks {
		if r := &out.Checks[i]; r.Check.Outcome {
			*r = CheckResult{Check: r.Check, Status: NotApplicable}
		}
	}
	aggregate(&out, c.Basis.Framework)
	return out
}
