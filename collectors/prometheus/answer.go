package prometheus

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/prodready/collector/evidence"
)

// observe makes the records of one fact, whose queries were all answered. Each
// fact is a group of its own.
func (r *round) observe(f *fact) evidence.Batch {
	coverage := evidence.Coverage{Group: f.Name, Facts: []string{f.Name}, At: r.now, Except: map[string]evidence.Missing{}}
	var batch evidence.Batch
	for i, service := range r.scope.services {
		if !slices.ContainsFunc(f.providers, func(p provider) bool { return expected(service, r.name, p.join) }) {
			coverage.Except[service.Name] = evidence.MissingNoReference
			continue
		}
		value, detail, missing := r.value(f, r.scope.of[i])
		switch {
		case missing == silent:
		case missing != "":
			coverage.Except[service.Name] = missing
		default:
			batch.Records = append(batch.Records, evidence.Record{
				Service: service.Name, Fact: f.Name, Value: value, Source: r.id,
				Detail: evidence.Clean(detail, 500), ObservedAt: r.now,
			})
		}
	}
	batch.Covered = []evidence.Coverage{coverage}
	return batch
}

// silent stands for an answer that adds nothing to what the store remembers:
// the service is covered, and there is no record of it.
const silent evidence.Missing = "silent"

// value answers one fact for one service.
func (r *round) value(f *fact, parts []int) (evidence.Value, string, evidence.Missing) {
	found := r.gather(f, parts)
	if f.Remember == evidence.RememberLastTrue {
		return lastTrue(found)
	}
	number, detail, missing := merge(f.Definition, found)
	switch {
	case missing == evidence.MissingNoData && f.Remember == evidence.RememberNewest:
		return evidence.Value{}, "", silent
	case missing != "":
		return evidence.Value{}, "", missing
	}
	// What was seen to exist exists, however short the memory is.
	exists := f.Kind == evidence.KindBool && f.EffectiveMerge() == evidence.MergeAny && number != 0
	if !exists && f.needsReach() && !r.reach.covers(f.reach) {
		return evidence.Value{}, "", evidence.MissingShortMemory
	}
	value, ok := f.Observe(number, r.now)
	if !ok {
		return evidence.Value{}, "", evidence.MissingNaN
	}
	return value, detail, ""
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

// gather takes for each part the samples of the first provider that has any,
// or of all providers, or else the value that absence stands for.
func (r *round) gather(f *fact, parts []int) finding {
	var out finding
	seen := map[string]bool{}
	for _, part := range parts {
		var samples []sample
		var via []string
		for _, p := range f.providers {
			got := r.results[p.query].hits[p.reading][part]
			samples = append(samples, got...)
			for range got {
				via = append(via, p.via)
			}
			if len(got) > 0 && !f.together {
				break
			}
		}
		for i, s := range samples {
			switch {
			case seen[s.id]:
			case math.IsNaN(s.value), math.IsInf(s.value, 0) && f.Clock == evidence.NoClock && f.Kind != evidence.KindBool:
				out.missing = append(out.missing, evidence.MissingNaN)
			default:
				out.numbers = append(out.numbers, number{s.value, via[i] + " " + s.labels})
			}
			seen[s.id] = true
		}
		if len(samples) > 0 {
			continue
		}
		if f.absent != nil && len(r.results[f.absent.witness.query].hits[f.absent.witness.reading][part]) > 0 {
			out.numbers = append(out.numbers, number{f.absent.value, "no series, and " + f.absent.witness.name})
			continue
		}
		out.missing = append(out.missing, evidence.MissingNoData)
	}
	return out
}

// merge makes one number of several; see evidence.Merge.
func merge(d evidence.Definition, f finding) (value float64, detail string, missing evidence.Missing) {
	numbers := make([]float64, len(f.numbers))
	for i, n := range f.numbers {
		numbers[i] = n.value
	}
	how := d.EffectiveMerge()
	merged := how.Of(numbers, len(f.missing))
	switch {
	case merged.Known:
	case len(numbers) == 0:
		return 0, "", f.missing[0]
	case slices.Contains(f.missing, evidence.MissingNaN):
		return 0, "", evidence.MissingNaN
	default:
		return 0, "", evidence.MissingPartial
	}
	if how != evidence.MergeSum || len(numbers) == 1 {
		return merged.Number, f.numbers[merged.At].detail, ""
	}
	var details []string
	for _, n := range f.numbers[:min(len(numbers), 3)] {
		details = append(details, n.detail)
	}
	return merged.Number, fmt.Sprintf("sum of %d series: %s", len(numbers), strings.Join(details, "; ")), ""
}

// lastTrue answers a fact of which the store keeps when it was last above zero:
// 1 for now, 0 for not lately. Nothing is said while it is not known whether
// anybody looks.
func lastTrue(f finding) (evidence.Value, string, evidence.Missing) {
	value, detail := 0.0, ""
	for _, n := range f.numbers {
		if n.value > 0 {
			value, detail = 1, n.detail
			break
		}
		detail = n.detail
	}
	if value == 0 && len(f.missing) > 0 || len(f.numbers) == 0 {
		return evidence.Value{}, "", silent
	}
	v, _ := evidence.Double(value)
	return v, detail, ""
}
