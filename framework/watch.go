package framework

import (
	"slices"
	"time"

	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/prodready/collector/evidence"
)

// Watch says when a proof may change although nothing new is known: its fact has a
// clock, so that it is read as an age or as the time left, and every use of it is a
// comparison.
type Watch struct {
	Fact int
	// Always is true if a proof uses the fact otherwise, so that it may change at any
	// time.
	Always bool
	// readings are what the fact is compared with, attributes those of a service that it
	// is compared with.
	readings   []float64
	attributes []attribute
	definition evidence.Definition
}

// watchMargin covers the rounding of times and readings.
const watchMargin = time.Second

// Next is the next time at which the reading of a value may change a proof for a
// service; if that is about now, it is a time that may have passed. ok is false if it
// never does.
func (w *Watch) Next(v evidence.Value, a *Attributes, now time.Time) (next time.Time, ok bool) {
	if !v.IsInstant() {
		return time.Time{}, false
	}
	if w.Always {
		return now, true
	}
	consider := func(reading float64) {
		at, known := w.definition.When(v, reading)
		if !known || at.Add(watchMargin).Before(now) {
			return
		}
		if at = at.Add(-watchMargin); !ok || at.Before(next) {
			next, ok = at, true
		}
	}
	for _, reading := range w.readings {
		consider(reading)
	}
	for _, attribute := range w.attributes {
		switch n := attribute.read(a).(type) {
		case types.Double:
			consider(float64(n))
		case types.Int:
			consider(float64(n))
		}
	}
	return next, ok
}

// Watches are those of all proofs, by fact.
func (f *Framework) Watches() []*Watch { return f.watches }

// watch adds how a proof uses its facts with a clock.
func (f *Framework) watch(e *Expression) {
	for _, w := range e.watches {
		at := slices.IndexFunc(f.watches, func(known *Watch) bool { return known.Fact == w.Fact })
		if at < 0 {
			at = len(f.watches)
			f.watches = append(f.watches, &Watch{Fact: w.Fact, definition: w.definition})
		}
		all := f.watches[at]
		all.Always = all.Always || w.Always
		all.readings, all.attributes = append(all.readings, w.readings...), append(all.attributes, w.attributes...)
	}
}

// watches collects how an expression uses facts with a clock.
type watches struct {
	compiler *Compiler
	found    map[int]*Watch
}

func (w *watches) list() []*Watch {
	var out []*Watch
	for _, found := range w.found {
		out = append(out, found)
	}
	slices.SortFunc(out, func(a, b *Watch) int { return a.Fact - b.Fact })
	return out
}

// of is the watch of the fact with a clock that an expression names, nil if it is
// anything else.
func (w *watches) of(e celast.Expr) *Watch {
	name, ok := dotted(e)
	if !ok {
		return nil
	}
	fact, ok := w.compiler.facts.Index(name)
	if !ok {
		return nil
	}
	definition := w.compiler.facts.At(fact)
	if definition.Clock == evidence.NoClock {
		return nil
	}
	if w.found[fact] == nil {
		w.found[fact] = &Watch{Fact: fact, definition: definition}
	}
	return w.found[fact]
}

func (w *watches) walk(e celast.Expr) {
	if found := w.of(e); found != nil {
		found.Always = true
		return
	}
	switch e.Kind() {
	case celast.CallKind:
		call := e.AsCall()
		if args := call.Args(); isComparison(call.FunctionName()) && len(args) == 2 {
			w.compare(args[0], args[1])
			w.compare(args[1], args[0])
			return
		}
		if call.IsMemberFunction() {
			w.walk(call.Target())
		}
		w.each(call.Args())
	case celast.SelectKind:
		w.walk(e.AsSelect().Operand())
	case celast.ListKind:
		w.each(e.AsList().Elements())
	case celast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			w.each([]celast.Expr{entry.AsMapEntry().Key(), entry.AsMapEntry().Value()})
		}
	case celast.ComprehensionKind:
		loop := e.AsComprehension()
		w.each([]celast.Expr{loop.IterRange(), loop.AccuInit(), loop.LoopCondition(), loop.LoopStep(), loop.Result()})
	}
}

func (w *watches) each(list []celast.Expr) {
	for _, e := range list {
		w.walk(e)
	}
}

func isComparison(function string) bool {
	switch function {
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals, operators.Equals,
		operators.NotEquals:
		return true
	}
	return false
}

// compare notes what a fact with a clock is compared with.
func (w *watches) compare(e, with celast.Expr) {
	found := w.of(e)
	if found == nil {
		w.walk(e)
		return
	}
	if !found.against(with) {
		found.Always = true
	}
}

// against adds the numbers that an expression can be: a number, one of two numbers, or
// an attribute of the service. It reports whether the expression is nothing else.
func (w *Watch) against(e celast.Expr) bool {
	switch e.Kind() {
	case celast.LiteralKind:
		switch n := e.AsLiteral().(type) {
		case types.Double:
			w.readings = append(w.readings, float64(n))
			return true
		case types.Int:
			w.readings = append(w.readings, float64(n))
			return true
		}
	case celast.CallKind:
		if call := e.AsCall(); call.FunctionName() == operators.Conditional {
			return w.against(call.Args()[1]) && w.against(call.Args()[2])
		}
	default:
		name, ok := dotted(e)
		for _, a := range attributes() {
			if ok && a.name == name {
				w.attributes = append(w.attributes, a)
				return true
			}
		}
	}
	return false
}
