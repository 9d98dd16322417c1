// Package rules holds the recording and alerting rules with their unit tests
// and runbooks, for the tests that hold them against the metrics, the
// dashboards and Prometheus's engine. The program itself does not need it.
package rules

import "embed"

// Files are the rules (*.rules.yaml), their unit tests in promtool's format
// (tests/*.yaml) and the runbooks (runbooks/*.md).
//
//go:embed *.rules.yaml tests/*.yaml runbooks/*.md
var Files embed.FS
