package framework

import (
	"fmt"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// Part is a condition of an expression, or several that are joined by && or ||.
type Part struct {
	// Parts are those that are joined: all of them have to hold or, with Any, one. A
	// condition has none.
	Parts []*Part
	Any   bool
	// Condition is that of a part without parts.
	Condition *Expression
	// Fact is the index of the fact that the condition compares with something, or
	// reads as true or false; -1 if it is not of that form.
	Fact int

	// operator is how the condition compares, bound with what.
	operator string
	bound    choice
}

// choice is a text, or one of two, as the attributes of a service decide.
type choice struct {
	text    string
	when    *Expression
	yes, no *choice
}

// Parts takes the expression apart; nil if nothing in it is joined.
func (e *Expression) Parts() *Part { return e.parts }

func joined(e celast.Expr) bool {
	if e.Kind() != celast.CallKind {
		return false
	}
	name := e.AsCall().FunctionName()
	return name == operators.LogicalAnd || name == operators.LogicalOr
}

// parts takes an expression apart; nil if nothing in it is joined, and for a scope.
func (c *Compiler) parts(parsed *cel.Ast) (*Part, error) {
	top := parsed.NativeRep().Expr()
	if c.scope || !joined(top) {
		return nil, nil
	}
	return c.part(top, parsed.NativeRep().SourceInfo())
}

// part takes an expression apart.
func (c *Compiler) part(e celast.Expr, info *celast.SourceInfo) (*Part, error) {
	if !joined(e) {
		return c.condition(e, info)
	}
	call := e.AsCall()
	p := &Part{Any: call.FunctionName() == operators.LogicalOr, Fact: -1}
	for _, argument := range call.Args() {
		part, err := c.part(argument, info)
		if err != nil {
			return nil, err
		}
		if len(part.Parts) > 0 && part.Any == p.Any {
			p.Parts = append(p.Parts, part.Parts...)
			continue
		}
		p.Parts = append(p.Parts, part)
	}
	return p, nil
}

func (c *Compiler) condition(e celast.Expr, info *celast.SourceInfo) (*Part, error) {
	text, err := cel.ExprToString(e, info)
	if err != nil {
		return nil, fmt.Errorf("taking an expression apart: %w", err)
	}
	p := &Part{Fact: -1}
	if p.Condition, _, err = c.compile(text); err != nil {
		return nil, err
	}
	if fact, ok := c.fact(e); ok {
		p.Fact, p.bound.text = fact, "true"
		return p, nil
	}
	if e.Kind() != celast.CallKind || e.AsCall().IsMemberFunction() || len(e.AsCall().Args()) == 0 {
		return p, nil
	}
	name, arguments := e.AsCall().FunctionName(), e.AsCall().Args()
	fact, ok := c.fact(arguments[0])
	if !ok {
		return p, nil
	}
	if name == operators.LogicalNot {
		p.Fact, p.bound.text = fact, "false"
		return p, nil
	}
	if operator, known := operators.FindReverse(name); known && len(arguments) == 2 {
		p.Fact, p.operator = fact, operator+" "
		p.bound, err = c.choice(arguments[1], info)
	}
	return p, err
}

// fact is the index of the fact that the expression is.
func (c *Compiler) fact(e celast.Expr) (int, bool) {
	if name, ok := dotted(e); ok && !c.scope {
		return c.facts.Index(name)
	}
	return 0, false
}

// choice reads what a condition compares with. A choice that facts decide stays as it is
// written.
func (c *Compiler) choice(e celast.Expr, info *celast.SourceInfo) (choice, error) {
	text, err := cel.ExprToString(e, info)
	if err != nil {
		return choice{}, fmt.Errorf("taking an expression apart: %w", err)
	}
	out := choice{text: text}
	if e.Kind() != celast.CallKind || e.AsCall().FunctionName() != operators.Conditional {
		return out, nil
	}
	arguments := e.AsCall().Args()
	if text, err = cel.ExprToString(arguments[0], info); err != nil {
		return out, fmt.Errorf("taking an expression apart: %w", err)
	}
	when, _, err := c.compile(text)
	if err != nil || len(when.Facts) > 0 {
		return out, err
	}
	yes, err := c.choice(arguments[1], info)
	if err != nil {
		return out, err
	}
	no, err := c.choice(arguments[2], info)
	out.when, out.yes, out.no = when, &yes, &no
	return out, err
}

func (c *choice) of(v *Vars) string {
	if c.when == nil {
		return c.text
	}
	switch truth, _ := c.when.Eval(v); truth {
	case True:
		return c.yes.of(v)
	case False:
		return c.no.of(v)
	}
	return c.text
}

// Wanted is what the fact has to be for the service: >= 2, true. It is empty for a
// condition of another form.
func (p *Part) Wanted(v *Vars) string {
	if p.Fact < 0 {
		return ""
	}
	return p.operator + p.bound.of(v)
}

// Eval evaluates the part. An error of evaluation is Unknown.
func (p *Part) Eval(v *Vars) Truth {
	if p.Condition != nil {
		truth, err := p.Condition.Eval(v)
		if err != nil {
			return Unknown
		}
		return truth
	}
	decides, otherwise := False, True
	if p.Any {
		decides, otherwise = True, False
	}
	out := otherwise
	for _, part := range p.Parts {
		switch part.Eval(v) {
		case decides:
			return decides
		case Unknown:
			out = Unknown
		}
	}
	return out
}

// Unmet are the conditions that keep the part from holding. All of the list have to be
// met; each by one of its alternatives, which are conditions that have to hold together.
func (p *Part) Unmet(v *Vars) [][][]*Part {
	if p.Eval(v) != False {
		return nil
	}
	if p.Condition != nil {
		return [][][]*Part{{{p}}}
	}
	var unmet [][][]*Part
	var either [][]*Part
	for _, part := range p.Parts {
		below := part.Unmet(v)
		if !p.Any {
			unmet = append(unmet, below...)
			continue
		}
		var together []*Part
		for _, one := range below {
			together = append(together, one[0]...)
		}
		either = append(either, together)
	}
	if p.Any {
		return [][][]*Part{either}
	}
	return unmet
}
