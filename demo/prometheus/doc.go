// Package prometheus runs a real Prometheus inside the program: its storage,
// its query engine, its rules and scrape managers and its HTTP API. What is
// simulated is only where the series come from: instead of exporters that are
// scraped, functions of time say what each series was and is. Nothing here
// evaluates PromQL.
//
// The past is written as one block before the server opens, so that a demo has
// a month of data after a second; from then on the same functions are sampled
// on a clock, so that the present goes on.
package prometheus
