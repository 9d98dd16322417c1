package prometheus

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// observe emits the records of one fact, whose queries were all answered. Each
// fact is a group with its name.
func (r *round) observe(f *fact) error {
	return r.out.Observe(f.Name, []string{f.Name}, func(s *catalog.Service, _ string) collectors.Answer {
		if !f.expectedOf(s, r.server) {
			return collectors.Answer{Missing: evidence.MissingNoReference}
		}
		return r.value(f, r.scope.partsOf[s.Name])
	})
}

// value answers one fact for the parts of one service. An answer without value
// and reason adds nothing to what the store remembers.
func (r *round) value(f *fact, parts []int) collectors.Answer {
	found := r.gather(f, parts)
	if f.Remember == evidence.RememberLastTrue {
		return lastTrue(found)
	}
	number, missing := merge(f.Definition, found)
	switch {
	case missing == evidence.MissingNoData && f.Remember == evidence.RememberNewest:
		return collectors.Answer{}
	case missing != "":
		return collectors.Answer{Missing: missing}
	}
	// What was seen to exist exists, however short the memory is.
	exists := f.Kind == evidence.KindBool && f.EffectiveMerge() == evidence.MergeAny && number.value != 0
	if !exists && f.needsMemory() && !r.data.covers(f.lookBack) {
		return collectors.Answer{Missing: evidence.MissingShortMemory}
	}
	value, ok := f.Observe(number.value, r.now)
	if !ok {
		return collectors.Answer{Missing: evidence.MissingNaN}
	}
	return collectors.Answer{Value: value, Detail: number.detail}
}

// finding is what is known about the parts of a service.
type finding struct {
	numbers []number
	// missing are the reasons of the parts without a number.
	missing []evidence.Missing
}

type number struct {
	value  float64
	detail string
}

// gather takes for each part the samples of the first provider that has any, or of
// all providers, or else the value that the fact has when there is no data.
func (r *round) gather(f *fact, parts []int) finding {
	var out finding
	seen := map[string]bool{}
	for _, part := range parts {
		samples, missing := r.samplesOf(f, part)
		for _, s := range samples {
			switch {
			case seen[s.id]:
			case math.IsNaN(s.value), math.IsInf(s.value, 0) && f.Clock == evidence.NoClock && f.Kind != evidence.KindBool:
				out.missing = append(out.missing, evidence.MissingNaN)
			case f.InFuture(s.value):
				out.missing = append(out.missing, evidence.MissingUncounted)
				r.unmatched.Add(evidence.UncountedInFuture, f.Name+" "+s.labels, 1)
			default:
				out.numbers = append(out.numbers, number{s.value, s.via + " " + s.labels})
			}
			seen[s.id] = true
		}
		var absent number
		if len(samples) == 0 {
			if absent, missing = r.absence(f, part); missing == "" {
				out.numbers = append(out.numbers, absent)
			}
		}
		if missing != "" {
			out.missing = append(out.missing, missing)
		}
	}
	return out
}

// samplesOf are the samples of a part. missing is set where the fact is made of those of
// all providers, and one may have a series of the part that was not found.
func (r *round) samplesOf(f *fact, part int) (samples []sample, missing evidence.Missing) {
	for _, p := range f.providers {
		more := unite(f.Definition, r.results[p.text].samples[p.reading][part])
		for i := range more {
			more[i].via = p.via
		}
		samples = append(samples, more...)
		switch {
		case !f.together && len(samples) > 0:
			return samples, ""
		case f.together && len(more) == 0 && r.hasStray(p, part):
			missing = evidence.MissingUncounted
		}
	}
	return samples, missing
}

// absence is the value of the fact for a part without data, or why it has none.
func (r *round) absence(f *fact, part int) (number, evidence.Missing) {
	hasStray := slices.ContainsFunc(f.providers, func(p provider) bool { return r.hasStray(p, part) })
	switch {
	case f.absent == nil:
		return number{}, evidence.MissingNoData
	case hasStray:
		return number{}, evidence.MissingUncounted
	case slices.ContainsFunc(f.providers, func(p provider) bool { return r.results[p.text].isLacking }):
		return number{}, evidence.MissingPartial
	case len(r.results[f.absent.witness.text].samples[f.absent.witness.reading][part]) == 0:
		return number{}, evidence.MissingNoData
	}
	return number{f.absent.value, "no series, and " + f.absent.witness.name}, ""
}

// hasStray reports whether an unmatched series of the provider may be about a part.
func (r *round) hasStray(p provider, part int) bool { return r.results[p.text].strays[p.reading][part] }

// merge makes one number of several; see evidence.Merge.
func merge(d evidence.Definition, f finding) (out number, missing evidence.Missing) {
	numbers := make([]float64, len(f.numbers))
	for i, n := range f.numbers {
		numbers[i] = n.value
	}
	how := d.EffectiveMerge()
	merged := how.Of(numbers, len(f.missing))
	switch {
	case merged.Known:
	case len(numbers) == 0:
		return number{}, f.missing[0]
	case slices.Contains(f.missing, evidence.MissingNaN):
		return number{}, evidence.MissingNaN
	case slices.Contains(f.missing, evidence.MissingUncounted):
		return number{}, evidence.MissingUncounted
	default:
		return number{}, evidence.MissingPartial
	}
	if how != evidence.MergeSum || len(numbers) == 1 {
		return number{merged.Number, f.numbers[merged.At].detail}, ""
	}
	var details []string
	for _, n := range f.numbers[:min(len(numbers), 3)] {
		details = append(details, n.detail)
	}
	return number{merged.Number, fmt.Sprintf("sum of %d series: %s", len(numbers), strings.Join(details, "; "))}, ""
}

// lastTrue answers a fact of which the store keeps when it was last above zero:
// 1 when it is now, 0 when it is not. There is no answer while it is unknown
// whether an exporter watches the service.
func lastTrue(f finding) collectors.Answer {
	at := slices.IndexFunc(f.numbers, func(n number) bool { return n.value > 0 })
	value, _ := evidence.Double(1)
	switch {
	case at >= 0:
	case len(f.missing) > 0 || len(f.numbers) == 0:
		return collectors.Answer{}
	default:
		at = len(f.numbers) - 1
		value, _ = evidence.Double(0)
	}
	return collectors.Answer{Value: value, Detail: f.numbers[at].detail}
}
