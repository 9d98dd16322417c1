package framework

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/prodready/collector/evidence"
)

// Attributes are what expressions may read of a service besides facts. Who makes
// them fills in what the catalog does not declare, so that leaving something out
// never makes a check easier.
type Attributes struct {
	Tier           int64
	Runtime        string
	Exposure       string
	Stateful       bool
	DataClass      string
	CoverageTarget float64
	RPOMinutes     float64
}

type attribute struct {
	name    string
	celType *cel.Type
	read    func(*Attributes) ref.Val
}

// attributes is the closed set of names under service.
func attributes() []attribute {
	return []attribute{
		{"service.tier", cel.IntType, func(a *Attributes) ref.Val { return types.Int(a.Tier) }},
		{"service.runtime", cel.StringType, func(a *Attributes) ref.Val { return types.String(a.Runtime) }},
		{"service.exposure", cel.StringType, func(a *Attributes) ref.Val { return types.String(a.Exposure) }},
		{"service.stateful", cel.BoolType, func(a *Attributes) ref.Val { return types.Bool(a.Stateful) }},
		{"service.data_class", cel.StringType, func(a *Attributes) ref.Val { return types.String(a.DataClass) }},
		{"service.coverage_target", cel.DoubleType, func(a *Attributes) ref.Val { return types.Double(a.CoverageTarget) }},
		{"service.rpo_minutes", cel.DoubleType, func(a *Attributes) ref.Val { return types.Double(a.RPOMinutes) }},
	}
}

// Truth is the outcome of an expression.
type Truth uint8

// The three outcomes. Unknown means that the answer depends on missing facts.
const (
	Unknown Truth = iota
	False
	True
)

// String is the outcome in one word.
func (t Truth) String() string { return [...]string{"unknown", "false", "true"}[t] }

// Vars are what expressions are evaluated over: the facts and attributes of
// one service. It is made once and reused from service to service; it is not
// safe for concurrent use.
type Vars struct {
	facts      *evidence.Facts
	attributes map[string]ref.Val
	values     []ref.Val
	patterns   []*interpreter.AttributePattern
	// unknown are the patterns of the missing facts that the current expression
	// reads. CEL compares each attribute with each pattern, so they are few.
	unknown []*interpreter.AttributePattern
}

// NewVars makes variables over the framework's facts, all missing.
func (f *Framework) NewVars() *Vars { return newVars(f.facts) }

func newVars(facts *evidence.Facts) *Vars {
	v := &Vars{
		facts:      facts,
		attributes: make(map[string]ref.Val),
		values:     make([]ref.Val, facts.Len()),
		patterns:   make([]*interpreter.AttributePattern, facts.Len()),
	}
	for i := range v.patterns {
		v.patterns[i] = cel.AttributePattern(facts.At(i).Name)
	}
	return v
}

// setNamed gives a fact or an attribute a value.
func (v *Vars) setNamed(name string, value ref.Val) {
	if i, ok := v.facts.Index(name); ok {
		v.values[i] = value
		return
	}
	v.attributes[name] = value
}

// SetAttributes replaces the attributes.
func (v *Vars) SetAttributes(a *Attributes) {
	for _, known := range attributes() {
		v.attributes[known.name] = known.read(a)
	}
}

// Set gives the fact a value; the zero Value makes it missing.
func (v *Vars) Set(fact int, value evidence.Value) {
	switch value.Kind() {
	case evidence.KindBool:
		v.values[fact] = types.Bool(value.Truth())
	case evidence.KindInt:
		v.values[fact] = types.Int(int64(value.Number()))
	case evidence.KindDouble:
		v.values[fact] = types.Double(value.Number())
	default:
		v.values[fact] = nil
	}
}

// Known reports whether the fact has a value.
func (v *Vars) Known(fact int) bool { return v.values[fact] != nil }

// ResolveName implements the lookup of CEL.
func (v *Vars) ResolveName(name string) (any, bool) {
	if i, ok := v.facts.Index(name); ok {
		value := v.values[i]
		return value, value != nil
	}
	value, ok := v.attributes[name]
	return value, ok
}

// Parent implements the lookup of CEL: there is none.
func (v *Vars) Parent() interpreter.Activation { return nil }

// UnknownAttributePatterns says to CEL which names have no value yet.
func (v *Vars) UnknownAttributePatterns() []*interpreter.AttributePattern { return v.unknown }

// AsPartialActivation says to CEL that some names may be unknown.
func (v *Vars) AsPartialActivation() (interpreter.PartialActivation, bool) { return v, true }

// Eval evaluates the expression. A missing fact makes the answer Unknown only
// where the answer depends on it. A run-time error is Unknown with the error.
func (e *Expression) Eval(v *Vars) (Truth, error) {
	v.unknown = v.unknown[:0]
	for _, f := range e.Facts {
		if v.values[f] == nil {
			v.unknown = append(v.unknown, v.patterns[f])
		}
	}
	out, _, err := e.program.Eval(v)
	if err != nil {
		return Unknown, fmt.Errorf("evaluating %s: %w", quoted(e.Source), err)
	}
	if types.IsUnknown(out) {
		return Unknown, nil
	}
	if out == types.True {
		return True, nil
	}
	return False, nil
}
