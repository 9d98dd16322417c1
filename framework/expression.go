package framework

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/operators"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/nearest"
)

// maxCost bounds the worst case of one evaluation in CEL's own cost units. A
// comparison costs about two; a run-time limit would more than double the time
// of every evaluation, so dear expressions are refused when they are loaded.
const maxCost = 10_000

// maxText is the longest string an attribute is expected to hold, for the
// estimate of cost.
const maxText = 256

// Expression is a compiled CEL expression over facts and attributes. It is
// immutable and safe for concurrent use.
type Expression struct {
	// Source is the text as written.
	Source string
	// Facts are the indexes of the facts it reads, ascending, as the compiler
	// found them.
	Facts []int

	program cel.Program
	needs   needs
	watches []*Watch
	// parts is nil when nothing in the expression is joined.
	parts *Part
	// normalised is the source without what does not matter, such as spaces.
	normalised string
	// constant is the answer if it is always the same, as isConstant says.
	constant   Truth
	isConstant bool
}

// Compiler turns text into expressions over a closed set of facts.
type Compiler struct {
	facts *evidence.Facts
	env   *cel.Env
	names []string
	scope bool
}

// NewCompiler makes a compiler for proofs: facts and service attributes.
func NewCompiler(facts *evidence.Facts) (*Compiler, error) {
	return newCompiler(facts, false)
}

// newScopeCompiler makes a compiler for scopes, which may not read facts:
// otherwise missing evidence would decide what counts.
func newScopeCompiler(facts *evidence.Facts) (*Compiler, error) {
	return newCompiler(facts, true)
}

func newCompiler(facts *evidence.Facts, scope bool) (*Compiler, error) {
	c := &Compiler{facts: facts, scope: scope}
	options := []cel.EnvOption{
		cel.CrossTypeNumericComparisons(true),
		cel.EnableMacroCallTracking(), // so that all, exists and the like can be written out again
	}
	for _, a := range attributes() {
		options = append(options, cel.Variable(a.name, a.celType))
		c.names = append(c.names, a.name)
	}
	if !scope {
		for i := range facts.Len() {
			d := facts.At(i)
			options = append(options, cel.Variable(d.Name, celType(d.Kind)))
			c.names = append(c.names, d.Name)
		}
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, fmt.Errorf("preparing the expression language: %w", err)
	}
	c.env = env
	return c, nil
}

func celType(kind evidence.Kind) *cel.Type {
	switch kind {
	case evidence.KindBool:
		return cel.BoolType
	case evidence.KindInt:
		return cel.IntType
	}
	return cel.DoubleType
}

// Compile parses, checks and plans an expression. It must be boolean. The
// error names an unknown fact with the nearest known one, and how to write a
// number where the types do not fit.
func (c *Compiler) Compile(source string) (*Expression, error) {
	expression, checked, err := c.compile(source)
	if err != nil {
		return nil, err
	}
	expression.constant, expression.isConstant = c.constant(expression, checked)
	return expression, nil
}

func (c *Compiler) compile(source string) (*Expression, *cel.Ast, error) {
	parsed, issues := c.env.Parse(source)
	if issues.Err() != nil {
		return nil, nil, fmt.Errorf("expression %s: %s", quoted(source), problem(source, issues))
	}
	if err := c.checkNames(parsed); err != nil {
		return nil, nil, fmt.Errorf("expression %s: %w", quoted(source), err)
	}
	checked, issues := c.env.Check(parsed)
	if issues.Err() != nil {
		return nil, nil, fmt.Errorf("expression %s: %s", quoted(source), problem(source, issues))
	}
	if checked.OutputType() != cel.BoolType {
		return nil, nil, fmt.Errorf(
			"expression %s is of type %s: want a condition that is true or false", quoted(source), checked.OutputType(),
		)
	}
	estimate, err := c.env.EstimateCost(checked, sizes{})
	if err != nil {
		return nil, nil, fmt.Errorf("expression %s: estimating its cost: %w", quoted(source), err)
	}
	if estimate.Max > maxCost {
		return nil, nil, fmt.Errorf(
			"expression %s may cost %d units an evaluation, more than %d: take nested loops out of it", quoted(source),
			estimate.Max, maxCost,
		)
	}
	program, err := c.env.Program(checked, cel.EvalOptions(cel.OptPartialEval))
	if err != nil {
		return nil, nil, fmt.Errorf("expression %s: %w", quoted(source), err)
	}
	normalised, err := cel.AstToString(parsed)
	if err != nil {
		return nil, nil, fmt.Errorf("expression %s: %w", quoted(source), err)
	}
	expression := &Expression{Source: source, program: program, normalised: normalised}
	references := checked.NativeRep().ReferenceMap()
	seen := map[int]bool{}
	for _, r := range references {
		if i, ok := c.facts.Index(r.Name); ok && !c.scope && !seen[i] {
			seen[i] = true
			expression.Facts = append(expression.Facts, i)
		}
	}
	sort.Ints(expression.Facts)
	expression.needs = c.needs(checked.NativeRep().Expr())
	if !c.scope {
		watches := watches{compiler: c, found: map[int]*Watch{}}
		watches.walk(checked.NativeRep().Expr())
		expression.watches = watches.list()
	}
	expression.parts, err = c.parts(parsed)
	return expression, checked, err
}

// checkNames refuses dotted names that are neither fact nor attribute before
// the type checker does, because it can name the nearest one.
func (c *Compiler) checkNames(parsed *cel.Ast) error {
	n := names{compiler: c, local: map[string]bool{}}
	n.walk(parsed.NativeRep().Expr())
	if len(n.faults) > 0 {
		return errors.New(strings.Join(n.faults, "; "))
	}
	return nil
}

// names collects the faults of the names in one expression.
type names struct {
	compiler *Compiler
	// local are the variables of loops.
	local  map[string]bool
	faults []string
}

func (n *names) walk(e celast.Expr) {
	switch e.Kind() {
	case celast.IdentKind, celast.SelectKind:
		if name, ok := dotted(e); ok {
			n.check(name)
		} else if e.Kind() == celast.SelectKind {
			n.walk(e.AsSelect().Operand())
		}
	case celast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			n.walk(call.Target())
		}
		for _, a := range call.Args() {
			n.walk(a)
		}
	case celast.ListKind:
		for _, item := range e.AsList().Elements() {
			n.walk(item)
		}
	case celast.ComprehensionKind:
		loop := e.AsComprehension()
		n.local[loop.IterVar()], n.local[loop.AccuVar()] = true, true
		for _, part := range []celast.Expr{
			loop.IterRange(), loop.AccuInit(), loop.LoopCondition(), loop.LoopStep(), loop.Result(),
		} {
			n.walk(part)
		}
	}
}

func (n *names) check(name string) {
	root, _, _ := strings.Cut(name, ".")
	c := n.compiler
	if n.local[root] || isTypeName(name) || slices.Contains(c.names, name) {
		return
	}
	if _, isFact := c.facts.Index(name); isFact {
		n.faults = append(n.faults, fmt.Sprintf(
			"%q is a fact: a scope may only read service attributes, or missing evidence would decide what counts", name))
		return
	}
	what := "fact"
	if root == "service" {
		what = "attribute"
	}
	fault := fmt.Sprintf("unknown %s %q%s", what, name, nearest.Suggest(name, c.names))
	if !slices.Contains(n.faults, fault) {
		n.faults = append(n.faults, fault)
	}
}

func isTypeName(name string) bool {
	switch name {
	case "bool", "int", "uint", "double", "string", "bytes", "list", "map", "type", "null_type":
		return true
	}
	return false
}

// dotted returns the name that a chain of selections spells.
func dotted(e celast.Expr) (string, bool) {
	switch e.Kind() {
	case celast.IdentKind:
		return strings.TrimPrefix(e.AsIdent(), "."), true
	case celast.SelectKind:
		if e.AsSelect().IsTestOnly() {
			return "", false
		}
		prefix, ok := dotted(e.AsSelect().Operand())
		return prefix + "." + e.AsSelect().FieldName(), ok
	}
	return "", false
}

// maxQuoted bounds the characters of an expression in a message.
const maxQuoted = 120

// quoted is an expression for a message: in one line, and without its middle part if it is
// long.
func quoted(source string) string {
	text := []rune(strings.Join(strings.Fields(source), " "))
	if len(text) > maxQuoted {
		const end = 20
		text = slices.Concat(text[:maxQuoted-end], []rune(" … "), text[len(text)-end:])
	}
	return strconv.Quote(string(text))
}

// noOverload is what CEL says of an operator or function whose arguments have other types.
var noOverload = regexp.MustCompile(`^found no matching overload for '(.+)' applied to '(.+)'$`)

// problem is the first thing that is wrong with an expression and where, without what CEL
// adds for those who write parsers.
func problem(source string, issues *cel.Issues) string {
	first := issues.Errors()[0]
	text, _, _ := strings.Cut(first.Message, " expecting ")
	text = strings.Join(strings.Fields(strings.TrimPrefix(text, "Syntax error: ")), " ")
	switch match := noOverload.FindStringSubmatch(text); {
	case strings.Contains(text, "'<EOF>'"):
		text = "it ends where a value should follow, or a bracket is not closed"
	case strings.HasSuffix(text, "'and'"), strings.HasSuffix(text, "'or'"):
		text = "write && for and, || for or"
	case strings.HasPrefix(text, "token recognition error at: '="):
		text = "write == to compare"
	case match != nil:
		operator := strings.NewReplacer("_?_:_", "? :", "_[_]", "[ ]", "@in", "in").Replace(match[1])
		text = fmt.Sprintf("%s cannot be applied to %s", strings.Trim(operator, "_"), match[2])
	}
	if strings.Contains(text, "double") && strings.Contains(text, "int") {
		text += "; write whole numbers with a decimal point, such as 1.0, where they meet a double"
	}
	place := fmt.Sprintf("character %d", max(first.Location.Column(), 0)+1)
	if strings.Contains(strings.TrimSpace(source), "\n") {
		place = fmt.Sprintf("line %d, %s", first.Location.Line(), place)
	}
	return place + ": " + text
}

// sizes gives the cost estimate the lengths of values.
type sizes struct{}

func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

func (sizes) EstimateSize(element cost.AstNode) *cost.SizeEstimate {
	if len(element.Path()) == 0 {
		return nil
	}
	return &cost.SizeEstimate{Min: 0, Max: maxText}
}

// needs is what an expression must be able to ask before it can ever be true:
// any or all of its parts, or all of its facts.
type needs struct {
	any, all []needs
	facts    []int
}

func (c *Compiler) needs(e celast.Expr) needs { return c.needsIn(e, nil) }

// needsIn is needs of a part of an expression. local are the variables of the loops that it
// is in: they are no facts, and what a loop has gathered so far needs nothing.
func (c *Compiler) needsIn(e celast.Expr, local []string) needs {
	all := func(parts ...celast.Expr) needs {
		var n needs
		for _, part := range parts {
			n.all = append(n.all, c.needsIn(part, local))
		}
		return n
	}
	switch e.Kind() {
	case celast.CallKind:
		return c.needsOfCall(e.AsCall(), local)
	case celast.ListKind:
		return all(e.AsList().Elements()...)
	case celast.MapKind:
		var parts []celast.Expr
		for _, entry := range e.AsMap().Entries() {
			parts = append(parts, entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
		return all(parts...)
	case celast.ComprehensionKind:
		loop := e.AsComprehension()
		local = append(slices.Clone(local), loop.IterVar(), loop.IterVar2(), loop.AccuVar())
		return all(loop.IterRange(), loop.AccuInit(), loop.LoopCondition(), loop.LoopStep(), loop.Result())
	}
	name, ok := dotted(e)
	if !ok && e.Kind() == celast.SelectKind {
		return c.needsIn(e.AsSelect().Operand(), local)
	}
	var found needs
	root, _, _ := strings.Cut(name, ".")
	if i, known := c.facts.Index(name); ok && known && !c.scope && !slices.Contains(local, root) {
		found.facts = append(found.facts, i)
	}
	return found
}

func (c *Compiler) needsOfCall(call celast.CallExpr, local []string) needs {
	var parts []needs
	for _, a := range call.Args() {
		if a.Kind() == celast.IdentKind && slices.Contains(local, a.AsIdent()) {
			continue
		}
		parts = append(parts, c.needsIn(a, local))
	}
	switch call.FunctionName() {
	case operators.LogicalOr:
		return needs{any: parts}
	case operators.LogicalAnd:
		return needs{all: parts}
	}
	if call.IsMemberFunction() {
		parts = append(parts, c.needsIn(call.Target(), local))
	}
	return needs{all: parts}
}

func (n needs) met(given func(fact int) bool) bool {
	for _, f := range n.facts {
		if !given(f) {
			return false
		}
	}
	for _, part := range n.all {
		if !part.met(given) {
			return false
		}
	}
	if len(n.any) == 0 {
		return true
	}
	for _, part := range n.any {
		if part.met(given) {
			return true
		}
	}
	return false
}

// Decidable reports whether the expression can come true when only the given
// facts ever have values.
func (e *Expression) Decidable(given func(fact int) bool) bool { return e.needs.met(given) }

// Measurable reports whether a proof of the check can come true when only the
// given facts have a source.
func (c *Check) Measurable(given func(fact int) bool) bool {
	return slices.ContainsFunc(c.Proofs, func(p Proof) bool { return p.Pass.Decidable(given) })
}
