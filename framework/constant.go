package framework

import (
	"math"
	"slices"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// maxTried bounds how many combinations of values are tried to find that an expression is
// always true or always false.
const maxTried = 4096

// constant reports whether the expression has the same answer whatever the facts and the
// attributes of the service are, and which. It tries values on both sides of every number that
// something is compared with. Of an expression that does more than compare, or that has too
// many combinations, it says nothing.
func (c *Compiler) constant(e *Expression, checked *cel.Ast) (answer Truth, is bool) {
	d := domains{compiler: c, of: map[string]*domain{}}
	d.walk(checked.NativeRep().Expr())
	if d.open || len(d.of) == 0 {
		return Unknown, false
	}
	vars := newVars(c.facts)
	var names []string
	var values [][]ref.Val
	combinations := 1
	for name, domain := range d.of {
		candidates := domain.candidates()
		names, values = append(names, name), append(values, candidates)
		if combinations *= len(candidates); combinations > maxTried {
			return Unknown, false
		}
	}
	for n := range combinations {
		for i, name := range names {
			vars.setNamed(name, values[i][n%len(values[i])])
			n /= len(values[i])
		}
		truth, err := e.Eval(vars)
		if err != nil || truth == Unknown || answer != Unknown && truth != answer {
			return Unknown, false
		}
		answer = truth
	}
	return answer, true
}

// domains collects what each name in an expression is compared with.
type domains struct {
	compiler *Compiler
	of       map[string]*domain
	// open is set when something is done with a name that is no comparison.
	open bool
}

// domain is what one name is compared with.
type domain struct {
	celType *cel.Type
	numbers []float64
	texts   []string
	// only are all values that there are; nil if there are others than those compared with.
	only []ref.Val
}

// name is the domain of the fact or attribute that an expression is; nil if it is none.
func (d *domains) name(e celast.Expr) *domain {
	name, ok := dotted(e)
	if !ok {
		return nil
	}
	var its *cel.Type
	if i, ok := d.compiler.facts.Index(name); ok && !d.compiler.scope {
		its = celType(d.compiler.facts.At(i).Kind)
	}
	for _, a := range attributes() {
		if a.name == name {
			its = a.celType
		}
	}
	if its == nil {
		return nil
	}
	if d.of[name] == nil {
		d.of[name] = &domain{celType: its}
		if name == "service.tier" {
			for _, tier := range allTiers() {
				d.of[name].only = append(d.of[name].only, types.Int(tier))
			}
		}
	}
	return d.of[name]
}

// walk is called for expressions that are true or false.
func (d *domains) walk(e celast.Expr) {
	if found := d.name(e); found != nil {
		d.open = d.open || found.celType != cel.BoolType
		return
	}
	switch e.Kind() {
	case celast.LiteralKind:
		return
	case celast.CallKind:
		call := e.AsCall()
		args := call.Args()
		switch function := call.FunctionName(); {
		case call.IsMemberFunction():
			d.open = true
		case function == operators.LogicalAnd, function == operators.LogicalOr, function == operators.LogicalNot,
			function == operators.Conditional && len(args) == 3:
			for _, a := range args {
				d.walk(a)
			}
		case isComparison(function):
			d.compare(args[0], args[1])
		case function == operators.In && args[1].Kind() == celast.ListKind:
			for _, entry := range args[1].AsList().Elements() {
				d.compare(args[0], entry)
			}
		default:
			d.open = true
		}
	default:
		d.open = true
	}
}

// compare notes what a name is compared with, on either side.
func (d *domains) compare(a, b celast.Expr) {
	left, right := d.name(a), d.name(b)
	switch {
	case left != nil && right != nil:
		// Both get numbers that the other has, so that each is smaller, equal and larger once.
		left.numbers, right.numbers = append(left.numbers, 0, 1), append(right.numbers, 0, 1)
		d.open = d.open || left.celType == cel.StringType
	case left != nil:
		d.against(left, b)
	case right != nil:
		d.against(right, a)
	case a.Kind() != celast.LiteralKind || b.Kind() != celast.LiteralKind:
		d.open = true
	}
}

// against adds the constants that an expression can be.
func (d *domains) against(to *domain, e celast.Expr) {
	switch e.Kind() {
	case celast.LiteralKind:
		switch v := e.AsLiteral().(type) {
		case types.Int:
			to.numbers = append(to.numbers, float64(v))
		case types.Double:
			to.numbers = append(to.numbers, float64(v))
		case types.String:
			to.texts = append(to.texts, string(v))
		case types.Bool:
		default:
			d.open = true
		}
	case celast.CallKind:
		if call := e.AsCall(); call.FunctionName() == operators.Conditional {
			d.walk(call.Args()[0])
			d.against(to, call.Args()[1])
			d.against(to, call.Args()[2])
			return
		}
		d.open = true
	default:
		if other := d.name(e); other != nil && other.celType != cel.StringType {
			to.numbers, other.numbers = append(to.numbers, 0, 1), append(other.numbers, 0, 1)
			return
		}
		d.open = true
	}
}

// candidates are one value for every answer that comparisons can have: each number, one
// between each two, and one on either side of all.
func (d *domain) candidates() []ref.Val {
	if d.only != nil {
		return d.only
	}
	switch d.celType {
	case cel.BoolType:
		return []ref.Val{types.True, types.False}
	case cel.StringType:
		out := []ref.Val{types.String("another text")}
		slices.Sort(d.texts)
		for _, text := range slices.Compact(d.texts) {
			out = append(out, types.String(text))
		}
		return out
	}
	slices.Sort(d.numbers)
	numbers := slices.Compact(d.numbers)
	if len(numbers) == 0 {
		numbers = []float64{0}
	}
	all := []float64{numbers[0] - 1}
	for i, n := range numbers {
		all = append(all, n)
		if i+1 < len(numbers) {
			all = append(all, (n+numbers[i+1])/2)
		}
	}
	all = append(all, numbers[len(numbers)-1]+1)
	var out []ref.Val
	for _, n := range all {
		if d.celType != cel.IntType {
			out = append(out, types.Double(n))
		} else if whole := types.Int(int64(math.Floor(n))); !slices.Contains(out, ref.Val(whole)) {
			out = append(out, whole)
		}
	}
	return out
}
