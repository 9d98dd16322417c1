package evidence

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Kind is the type a fact is declared with and judged as.
type Kind uint8

// The kinds of a fact. KindInvalid is the zero value and is never stored.
const (
	KindInvalid Kind = iota
	KindBool
	KindInt
	KindDouble
)

var kindNames = [...]string{"invalid", "bool", "int", "double"}

// String returns the name used in fact definitions: bool, int or double.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "invalid"
}

// ParseKind is the inverse of Kind.String.
func ParseKind(name string) (Kind, error) {
	for k := KindBool; k <= KindDouble; k++ {
		if kindNames[k] == name {
			return k, nil
		}
	}
	return KindInvalid, fmt.Errorf("unknown fact type %q: want bool, int or double", name)
}

// Value is one observed value. It is comparable: two values are the same
// observation exactly when they are ==. NaN is not a value; see Double.
//
// The number of an instant (see Instant) is a time in seconds since the Unix
// epoch, and Definition.Read turns it into an age or a countdown at the moment
// of judging, so that a fact that only grows older needs no new record.
type Value struct {
	kind    Kind
	instant bool
	num     float64
}

// Bool makes a boolean value.
func Bool(v bool) Value {
	if v {
		return Value{kind: KindBool, num: 1}
	}
	return Value{kind: KindBool}
}

// Int makes an integer value. Counts beyond 2^53 lose precision.
func Int(v int64) Value { return Value{kind: KindInt, num: float64(v)} }

// Double makes a floating point value. ok is false for NaN, which is missing
// evidence and never a value. Infinities are values: an age whose event never
// happened is +Inf.
func Double(v float64) (value Value, ok bool) {
	if math.IsNaN(v) {
		return Value{}, false
	}
	return Value{kind: KindDouble, num: v}, true
}

// Instant makes the value of a fact with a Clock: the time of the event or of the
// deadline, to the millisecond.
func Instant(t time.Time) Value {
	return Value{kind: KindDouble, instant: true, num: float64(t.UnixMilli()) / 1000}
}

// Never is the value of a fact with a clock when the source answered and there was no
// event, or there is no deadline: an infinite time.
func Never() Value { return Value{kind: KindDouble, num: math.Inf(1)} }

// Stored rebuilds a value from the three parts that a store keeps of it.
func Stored(kind Kind, instant bool, num float64) (Value, error) {
	if kind < KindBool || kind > KindDouble || math.IsNaN(num) {
		return Value{}, fmt.Errorf("stored value of kind %d is not readable", kind)
	}
	return Value{kind: kind, instant: instant, num: num}, nil
}

// Kind returns the value's kind; KindInvalid for the zero Value.
func (v Value) Kind() Kind { return v.kind }

// IsInstant reports whether the number is a point in time to be read through
// Definition.Read.
func (v Value) IsInstant() bool { return v.instant }

// Number returns the value as a float64: 0 or 1 for a boolean.
func (v Value) Number() float64 { return v.num }

// Truth reports whether the value is not zero.
func (v Value) Truth() bool { return v.num != 0 }

// Native returns the value as the Go type CEL works with: bool, int64 or
// float64, or nil for the zero Value.
func (v Value) Native() any {
	switch v.kind {
	case KindBool:
		return v.num != 0
	case KindInt:
		return int64(v.num)
	case KindDouble:
		return v.num
	}
	return nil
}

// String formats the value for people; instants as RFC 3339.
func (v Value) String() string {
	switch {
	case v.kind == KindBool:
		return strconv.FormatBool(v.num != 0)
	case v.instant:
		return time.UnixMilli(int64(v.num * 1000)).UTC().Format(time.RFC3339)
	case v.kind == KindInt:
		return strconv.FormatInt(int64(v.num), 10)
	case v.kind == KindDouble:
		if math.IsInf(v.num, 1) {
			return "never"
		}
		return strconv.FormatFloat(math.Round(v.num*1e4)/1e4, 'f', -1, 64)
	}
	return "none"
}
