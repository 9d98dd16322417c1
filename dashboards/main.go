// Command dashboards writes the Grafana dashboards of the readiness collector into the
// package grafana, or into the folder named by its argument. They are made from code, so
// that all share colours, filters and links, and every query is checked against the metrics
// there are.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/prodready/collector/framework"
)

// written is where the dashboards are kept.
const written = "../grafana"

func main() {
	folder := written
	if len(os.Args) > 1 {
		folder = os.Args[1]
	}
	if err := write(folder); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

// files are the dashboards by the name of their file. Titles are those of the checks.
func files() map[string]func(titles map[string]string) (dashboard.Dashboard, error) {
	return map[string]func(map[string]string) (dashboard.Dashboard, error){
		"fleet.json":     fleet,
		"service.json":   service,
		"incidents.json": incidents,
		"team.json":      team,
		"collector.json": collector,
	}
}

// all are the texts of the dashboards by the name of their file.
func all() (map[string][]byte, error) {
	parts, err := framework.Default()
	if err != nil {
		return nil, err
	}
	criteria, err := framework.Parse(parts)
	if err != nil {
		return nil, err
	}
	texts := map[string][]byte{}
	for name, build := range files() {
		d, err := build(criteria.Titles())
		if err != nil {
			return nil, fmt.Errorf("making %s: %w", name, err)
		}
		text, err := json.MarshalIndent(d, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("encoding %s: %w", name, err)
		}
		texts[name] = append(text, '\n')
	}
	return texts, nil
}

func write(folder string) error {
	texts, err := all()
	if err != nil {
		return err
	}
	for name, text := range texts {
		// Anybody may read a dashboard.
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil { //nolint:gosec
			return fmt.Errorf("writing a dashboard: %w", err)
		}
	}
	return nil
}
