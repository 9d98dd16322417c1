package scoring

import (
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/framework"
)

// Target is the badge that the services of a selection should hold.
type Target struct {
	Selector
	// Badge is NoBadge for services of which none is asked.
	Badge framework.Badge
	// Since is the midnight before the first day on which the target counts, zero for
	// always. By is the midnight before the last day on which a service may be below it;
	// zero means that it has to hold the badge from Since on.
	Since, By time.Time
	// NeverLate is true for a target without a date that nobody has to have reached by
	// now: the aims that a framework sets for tiers.
	NeverLate bool
	// Reason says why, and From where the target is written: file:line, or the framework.
	Reason, From string
}

// same reports whether two targets ask the same badge by the same day.
func (t *Target) same(o *Target) bool { return t.Badge == o.Badge && t.By.Equal(o.By) }

// Ends is the first moment after By, zero without it.
func (t *Target) Ends() time.Time {
	if t.By.IsZero() {
		return time.Time{}
	}
	return t.By.AddDate(0, 0, 1)
}

// TargetOf is the target of a service: of those that count at the time and choose it, the
// most specific; of several of these the one that began to count last, and then the first.
// rival is another one that is as specific, began as late and asks something else, nil
// without one.
func TargetOf(targets []Target, service *catalog.Service, now time.Time) (found, rival *Target) {
	subject := Subject{
		Name: service.Name, Attributes: framework.Attributes{Tier: int64(service.Tier)},
		Owner: Owner{service.Team, service.Org},
	}
	best := -1
	for i := range targets {
		t := &targets[i]
		if now.Before(t.Since) || !t.Selects(&subject) {
			continue
		}
		rank := t.specificity(service.Name)
		switch {
		case rank > best, rank == best && t.Since.After(found.Since):
			found, rival, best = t, nil, rank
		case rank == best && t.Since.Equal(found.Since) && rival == nil && !t.same(found):
			rival = t
		}
	}
	return found, rival
}

// AimOf is the target that a framework sets for the tier of a service, nil without one.
func AimOf(f *framework.Framework, service *catalog.Service) *Target {
	if f == nil {
		return nil
	}
	t, ok := f.Target(service.Tier)
	if !ok {
		return nil
	}
	aim := Aim(f, t)
	return &aim
}

// Aim is a target of a framework.
func Aim(f *framework.Framework, t framework.Target) Target {
	return Target{
		Selector: Selector{Tiers: t.Tiers}, Badge: t.Badge, By: t.Due, NeverLate: t.Due.IsZero(),
		From: "framework " + f.Title(),
	}
}
