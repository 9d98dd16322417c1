// Package ruletest runs the unit tests of the rules in rules/tests on
// Prometheus's own engine. The files are in promtool's format and
// `promtool test rules` runs them too; building promtool itself takes minutes,
// so here the same engine, rule manager and series notation are used.
package ruletest
