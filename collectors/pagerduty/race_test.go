//go:build race

package pagerduty_test

// raceEnabled says that the race detector slows everything down.
const raceEnabled = true
