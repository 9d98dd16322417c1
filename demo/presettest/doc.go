// Package presettest tests the presets of the Prometheus collector on
// Prometheus's own query engine: series in, facts out. The cases are the files
// of collectors/prometheus/presets/testdata, one for each preset.
package presettest
