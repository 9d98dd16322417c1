package report

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/snapshot"
)

// Value is one observed value. In JSON it is true or false for a bool, a
// number for an int or a double, "+Inf" or "-Inf" for an infinite double (an
// age whose event never happened), and null when there is none.
type Value struct {
	kind evidence.Kind
	num  float64
}

func valueOf(v evidence.Value) Value { return Value{kind: v.Kind(), num: v.Number()} }

// evidence is the value as expressions read it.
func (v Value) evidence() evidence.Value {
	switch v.kind {
	case evidence.KindBool:
		return evidence.Bool(v.num != 0)
	case evidence.KindInt:
		return evidence.Int(int64(v.num))
	case evidence.KindDouble:
		value, _ := evidence.Double(v.num)
		return value
	}
	return evidence.Value{}
}

// MarshalJSON writes the value in the form of its type.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case evidence.KindBool:
		return strconv.AppendBool(nil, v.num != 0), nil
	case evidence.KindInt:
		return strconv.AppendInt(nil, int64(v.num), 10), nil
	case evidence.KindDouble:
		switch {
		case math.IsInf(v.num, 1):
			return []byte(`"+Inf"`), nil
		case math.IsInf(v.num, -1):
			return []byte(`"-Inf"`), nil
		}
		// A double always has a point or an exponent: by that the reader
		// knows it from a count.
		text := strconv.FormatFloat(v.num, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return []byte(text), nil
	}
	return []byte("null"), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(data []byte) error {
	switch text := string(data); text {
	case "null":
		*v = Value{}
	case "true":
		*v = Value{kind: evidence.KindBool, num: 1}
	case "false":
		*v = Value{kind: evidence.KindBool}
	case `"+Inf"`:
		*v = Value{kind: evidence.KindDouble, num: math.Inf(1)}
	case `"-Inf"`:
		*v = Value{kind: evidence.KindDouble, num: math.Inf(-1)}
	default:
		var num float64
		if err := json.Unmarshal(data, &num); err != nil {
			return fmt.Errorf("reading an observed value: want true, false, a number, \"+Inf\", \"-Inf\" or null: %w", err)
		}
		kind := evidence.KindInt
		if strings.ContainsAny(text, ".eE") {
			kind = evidence.KindDouble
		}
		*v = Value{kind: kind, num: num}
	}
	return nil
}

// Text formats the value for people, in the fact's unit.
func (v Value) Text(unit string) string {
	timed := unit == "seconds" || unit == "minutes" || unit == "hours" || unit == "days"
	switch {
	case v.kind == evidence.KindInvalid:
		return none
	case v.kind == evidence.KindBool:
		return strconv.FormatBool(v.num != 0)
	case math.IsInf(v.num, 0) && timed:
		return "never"
	case math.IsInf(v.num, 0):
		return "infinite"
	case unit == "ratio":
		return ratio(v.num)
	}
	digits := 4
	if timed {
		digits = 2
	}
	number := strconv.FormatFloat(round(v.num, digits), 'f', -1, 64)
	switch {
	case unit == "":
		return number
	case timed && number == "1":
		return "1 " + strings.TrimSuffix(unit, "s")
	}
	return number + " " + clean(unit)
}

// ratio formats a share with three decimals, or as many as it needs not to be
// rounded to a threshold it has not reached.
func ratio(share float64) string {
	text := strconv.FormatFloat(round(share, 6), 'f', -1, 64)
	whole, fraction, _ := strings.Cut(text, ".")
	for len(fraction) < 3 {
		fraction += "0"
	}
	return whole + "." + fraction
}

func round(num float64, digits int) float64 {
	scale := math.Pow10(digits)
	if rounded := math.Round(num*scale) / scale; !math.IsInf(rounded, 0) {
		return rounded + 0 // no negative zero
	}
	return num
}

// Fact is one fact behind a check, as it was observed of the service.
type Fact struct {
	// Name is the fact's name: pagerduty.oncall_now.
	Name string `json:"name"`
	// Unit is the unit of the value: seconds, days, ratio, or empty for counts
	// and truths.
	Unit string `json:"unit,omitempty"`
	// Value is the last observed value, read at the time of the view: an age
	// grows with the time. An expired value is shown, but does not count.
	Value Value `json:"value"`
	// State is fresh, stale (it still counts, but can neither award nor
	// withdraw a badge) or missing.
	State string `json:"state"`
	// Missing is the reason when State is missing: no_data, no_reference,
	// not_found, nan, too_few, undecodable, short_memory, not_collected,
	// expired, partial or no_source.
	Missing string `json:"missing,omitempty"`
	// Source is the instance that observed it: pagerduty/main. Several are
	// joined by a comma.
	Source string `json:"source,omitempty"`
	// Detail is the object or query behind the value.
	Detail string `json:"detail,omitempty"`
	// AgeSeconds is the time since the newest observation; 0 without one.
	AgeSeconds int64 `json:"age_seconds"`
	// ObservedAt is the newest observation, Since the first of the same value
	// without interruption.
	ObservedAt time.Time `json:"observed_at,omitzero"`
	Since      time.Time `json:"since,omitzero"`
	// Needs is the exporter, flag or label without which there is no data;
	// given when State is missing.
	Needs string `json:"needs,omitempty"`
	// CatalogKey is the key that the service's catalog entry lacks, given when
	// Missing is no_reference and the key is known; several are joined by "or". A
	// component of Backstage lacks the annotation of that key.
	CatalogKey string `json:"catalog_key,omitempty"`
	// SourceError is why the last round of the source failed, given when Missing is
	// not_collected or expired for that reason.
	SourceError string `json:"source_error,omitempty"`
	// MayBe is the largest group of what the source found and could not use, given when
	// Missing is uncounted.
	MayBe string `json:"may_be,omitempty"`
	// Asked is true when the verdict rests on this fact: the chain of proofs
	// was decided by one that reads it, or by one after it.
	Asked bool `json:"asked"`
}

// observed is false for a fact without a value that counts.
func (f Fact) observed() bool { return f.State != evidence.StateMissing.String() }

// factOf is a fact as the view of a check shows it.
func factOf(d evidence.Definition, o *evidence.Observation, now time.Time) Fact {
	f := Fact{Name: d.Name, Unit: d.Unit, State: o.State(now).String(), Missing: string(reasonOf(o, now))}
	if f.Missing != "" {
		f.Needs = d.Needs
	}
	if f.Missing == string(evidence.MissingNoData) && len(d.Exporters) > 0 {
		f.Needs = exporterOf(d)
	}
	if o == nil {
		return f
	}
	f.CatalogKey = strings.Join(o.CatalogKeys, " or ")
	f.Value = valueOf(d.Read(o.Value, now))
	f.Source, f.Detail = o.Source, o.Detail
	f.ObservedAt, f.Since = stamp(o.ObservedAt), stamp(o.Since)
	if !o.ObservedAt.IsZero() {
		f.AgeSeconds = max(0, seconds(now.Sub(o.ObservedAt)))
	}
	return f
}

// explain adds what the status of the fact's source says about a missing value.
func (f *Fact) explain(sources []snapshot.SourceStatus) {
	i := slices.IndexFunc(sources, func(s snapshot.SourceStatus) bool { return s.ID == f.Source })
	if i < 0 {
		return
	}
	switch evidence.Missing(f.Missing) {
	case evidence.MissingNotCollected, evidence.MissingExpired:
		f.SourceError = sources[i].Error
	case evidence.MissingUncounted:
		largest := 0
		for _, u := range sources[i].Uncounted {
			for _, g := range u.Largest {
				if g.Count > largest {
					largest, f.MayBe = g.Count, g.Name
				}
			}
		}
	}
}

// reasonOf is why a fact is missing, or "". A source that gave no reason has
// not answered.
func reasonOf(o *evidence.Observation, now time.Time) evidence.Missing {
	reason := o.Why(now)
	if reason == "" && o.State(now) == evidence.StateMissing {
		return evidence.MissingNotCollected
	}
	return reason
}

// observationOf is the service's observation of the fact with the given index.
func observationOf(row evidence.Row, index int) *evidence.Observation {
	if row == nil || index < 0 || index >= row.Len() {
		return nil
	}
	o := row.At(index)
	return &o
}
