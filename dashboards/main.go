// Command dashboards writes the Grafana dashboards of the readiness collector:
// fleet.json and service.json in the working folder, or in the folder named by
// its argument. They are made from code, so that both share colours, filters
// and links, and every query is checked against the metrics there are.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	folder := "."
	if len(os.Args) > 1 {
		folder = os.Args[1]
	}
	if err := write(folder); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

// files are the dashboards by the name of their file.
func files() map[string]func() (dashboard.Dashboard, error) {
	return map[string]func() (dashboard.Dashboard, error){
		"fleet.json":   fleet,
		"service.json": service,
	}
}

func write(folder string) error {
	for name, build := range files() {
		text, err := render(build)
		if err != nil {
			return fmt.Errorf("making %s: %w", name, err)
		}
		// Anybody may read a dashboard.
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil { //nolint:gosec
			return fmt.Errorf("writing a dashboard: %w", err)
		}
	}
	return nil
}

// render is a dashboard as Grafana imports it.
func render(build func() (dashboard.Dashboard, error)) ([]byte, error) {
	d, err := build()
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}
