package rules

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// promtool2 is the promtool of a Prometheus 2, which .ci/prometheus puts there.
const promtool2 = "../bin/tools/promtool-2"

// TestTheRulesOnPrometheus2: its promtool accepts the rules and finds in their unit tests
// what is written there. The module demo runs the same tests on the engine of Prometheus 3.
func TestTheRulesOnPrometheus2(t *testing.T) {
	t.Parallel()
	tool, err := filepath.Abs(promtool2)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tool); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("promtool of Prometheus 2 is missing: .ci/prometheus gets it: %v", err)
		}
		t.Skip("promtool of Prometheus 2 is missing: .ci/prometheus gets it")
	}
	version, err := exec.CommandContext(t.Context(), tool, "--version").CombinedOutput()
	if err != nil || len(version) < 19 || string(version[:19]) != "promtool, version 2" {
		t.Fatalf("%s is not of Prometheus 2: %s, %v", promtool2, version, err)
	}
	folder := t.TempDir()
	if err := os.CopyFS(folder, Files); err != nil {
		t.Fatal(err)
	}
	fitted := Defaults()
	fitted.Without, fitted.Grafana = `no "team"$1: #`, "https://grafana.example.com/{{x"
	fitted.Thresholds.NoiseRatio, fitted.Thresholds.MinimumBadge = 0.25, "gold"
	texts, err := All(fitted)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "fitted.rules.yaml"), texts[fileName], 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "tests", "*.yaml"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files of unit tests: %v", len(files), err)
	}
	commands := [][]string{{"check", "rules", "readiness.rules.yaml", "fitted.rules.yaml"}}
	for _, file := range files {
		commands = append(commands, []string{"test", "rules", file})
	}
	for _, arguments := range commands {
		t.Run(filepath.Base(arguments[len(arguments)-1]), func(t *testing.T) {
			t.Parallel()
			command := exec.CommandContext(t.Context(), tool, arguments...)
			command.Dir, command.WaitDelay = folder, time.Second
			if out, err := command.CombinedOutput(); err != nil {
				t.Errorf("%v\n%.3000s", err, out)
			}
		})
	}
}
