package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/demo/dashboardtest"
	"github.com/prodready/collector/exporter"
)

// slowestRule bounds the evaluation of one rule over ruleServices services.
const (
	slowestRule  = 5 * time.Second
	ruleServices = 2000
)

// BenchmarkRules evaluates the rules on the figures of the demo's company, as if it had more
// than 2,000 services.
func BenchmarkRules(b *testing.B) {
	d := collected(b, options{seed: 1, services: company.DefaultServices, listen: "127.0.0.1:0"}, storyDay)
	page, err := new(exporter.Renderer).Render(d.collector.Snapshot(), exporter.Options{})
	if err != nil {
		b.Fatal(err)
	}
	var all bytes.Buffer
	name := regexp.MustCompile(`service_name="([^"]+)"`)
	for line := range bytes.Lines(page.Bytes(exporter.Text)) {
		all.Write(line)
		if bytes.HasPrefix(line, []byte("#")) || !name.Match(line) {
			continue
		}
		for i := range ruleServices / company.DefaultServices {
			all.Write(name.ReplaceAll(line, fmt.Appendf(nil, `service_name="${1}-%d"`, i)))
		}
	}
	var slowest string
	var took time.Duration
	for b.Loop() {
		engine, err := dashboardtest.New(b.Context(), dashboardtest.Options{
			Folder: b.TempDir(), Exposition: all.Bytes(), Rules: []string{filepath.Join("..", "rules", "readiness.rules.yaml")},
			Now: storyDay(),
		})
		if err != nil {
			b.Fatal(err)
		}
		slowest, took = engine.SlowestRule()
		if err := engine.Close(); err != nil {
			b.Fatal(err)
		}
	}
	verdict := "ok"
	if took > slowestRule {
		verdict = "short"
		b.Errorf("%s took %s", slowest, took)
	}
	fmt.Printf("\nfigure: slowest_rule %.2f s <=%.0f %s\n", took.Seconds(), slowestRule.Seconds(), verdict)
}
