package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write fleet.json and service.json")

func TestTheCommittedFilesAreWhatTheCodeMakes(t *testing.T) {
	if *update {
		if err := write("."); err != nil {
			t.Fatal(err)
		}
	}
	for name, build := range files() {
		made, err := render(build)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		committed, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(made, committed) {
			t.Errorf("%s is behind the code: run `go run .` in dashboards/", name)
		}
	}
}

// board is what the tests read of a dashboard.
type board struct {
	UID           string                      `json:"uid"`
	Title         string                      `json:"title"`
	Description   string                      `json:"description"`
	SchemaVersion int                         `json:"schemaVersion"`
	Panels        []boardPanel                `json:"panels"`
	Templating    struct{ List []variable }   `json:"templating"`
	Annotations   struct{ List []annotation } `json:"annotations"`
	Links         []struct {
		URL string `json:"url"`
	} `json:"links"`
}

type boardPanel struct {
	ID          int      `json:"id"`
	Type        string   `json:"type"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	GridPos     position `json:"gridPos"`
	Datasource  ds       `json:"datasource"`
	Targets     []struct {
		RefID        string `json:"refId"`
		Expr         string `json:"expr"`
		LegendFormat string `json:"legendFormat"`
		Format       string `json:"format"`
		Instant      bool   `json:"instant"`
		Datasource   ds     `json:"datasource"`
	} `json:"targets"`
	FieldConfig struct {
		Defaults struct {
			Unit       string `json:"unit"`
			Mappings   []any  `json:"mappings"`
			Thresholds *struct {
				Steps []struct {
					Value *float64 `json:"value"`
				} `json:"steps"`
			} `json:"thresholds"`
		} `json:"defaults"`
		Overrides []struct {
			Matcher struct {
				Options any `json:"options"`
			} `json:"matcher"`
			Properties []struct {
				ID string `json:"id"`
			} `json:"properties"`
		} `json:"overrides"`
	} `json:"fieldConfig"`
	Transformations []struct {
		ID      string `json:"id"`
		Options struct {
			ExcludeByName map[string]bool   `json:"excludeByName"`
			IndexByName   map[string]int    `json:"indexByName"`
			RenameByName  map[string]string `json:"renameByName"`
		} `json:"options"`
	} `json:"transformations"`
}

type position struct{ X, Y, W, H int }

type ds struct {
	UID string `json:"uid"`
}

type variable struct {
	Name       string `json:"name"`
	Type       string `json:"type"`
	Label      string `json:"label"`
	AllValue   string `json:"allValue"`
	IncludeAll bool   `json:"includeAll"`
	Definition string `json:"definition"`
}

type annotation struct {
	Expr            string `json:"expr"`
	TitleFormat     string `json:"titleFormat"`
	TextFormat      string `json:"textFormat"`
	TagKeys         string `json:"tagKeys"`
	UseValueForTime bool   `json:"useValueForTime"`
}

// boards are the committed dashboards.
func boards(t *testing.T) map[string]board {
	t.Helper()
	out := map[string]board{}
	for name := range files() {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var b board
		if err := json.Unmarshal(text, &b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = b
	}
	return out
}

func TestDashboardsAreComplete(t *testing.T) {
	for name, b := range boards(t) {
		if b.SchemaVersion != 42 || b.UID == "" || b.Description == "" {
			t.Errorf("%s: schema %d, uid %q, description %q", name, b.SchemaVersion, b.UID, b.Description)
		}
		has := map[string]bool{}
		for _, v := range b.Templating.List {
			has[v.Name] = true
			if v.Label == "" {
				t.Errorf("%s: the variable %s has no label", name, v.Name)
			}
			if v.IncludeAll && v.AllValue != ".*" {
				t.Errorf("%s: all values of %s leave out services that have none", name, v.Name)
			}
		}
		if !has["datasource"] {
			t.Errorf("%s: the data source cannot be chosen", name)
		}
		ids, titles := map[int]bool{}, map[string]bool{}
		for _, p := range b.Panels {
			if p.ID == 0 || ids[p.ID] {
				t.Errorf("%s: the panel %q has the number %d, which is not its own", name, p.Title, p.ID)
			}
			ids[p.ID] = true
			if p.Title == "" || titles[p.Title] {
				t.Errorf("%s: panel %d has the title %q, which does not tell it from others", name, p.ID, p.Title)
			}
			titles[p.Title] = true
			if p.Type == "row" {
				continue
			}
			shape(t, name, p)
		}
		overlap(t, name, b.Panels)
	}
}

// shape checks what every panel owes its reader.
func shape(t *testing.T, name string, p boardPanel) {
	t.Helper()
	at := name + ": " + p.Title
	if !strings.HasSuffix(p.Description, ".") || len(p.Description) < 20 {
		t.Errorf("%s: the description says too little: %q", at, p.Description)
	}
	if p.Datasource.UID != "${datasource}" {
		t.Errorf("%s: the data source is fixed to %q", at, p.Datasource.UID)
	}
	if len(p.Targets) == 0 {
		t.Errorf("%s: nothing is asked", at)
	}
	for _, q := range p.Targets {
		if q.Datasource.UID != "${datasource}" {
			t.Errorf("%s: query %s has the data source %q", at, q.RefID, q.Datasource.UID)
		}
		if over := p.Type == "timeseries" || p.Type == "state-timeline"; over == q.Instant {
			t.Errorf("%s: query %s of a %s is instant: %t", at, q.RefID, p.Type, q.Instant)
		}
		if (p.Type == "table") != (q.Format == "table") {
			t.Errorf("%s: query %s of a %s has the format %q", at, q.RefID, p.Type, q.Format)
		}
	}
	// A number says its unit, or has a word for each value, or is not shown.
	if d := p.FieldConfig.Defaults; d.Unit == "" && len(d.Mappings) == 0 && p.Type != "table" {
		for _, q := range p.Targets {
			if p.Type != "stat" || q.LegendFormat == "" {
				t.Errorf("%s: the figure has no unit", at)
			}
		}
	}
	if s := p.FieldConfig.Defaults.Thresholds; s != nil {
		for i, step := range s.Steps {
			if (i == 0) != (step.Value == nil) {
				t.Errorf("%s: threshold %d begins at %v", at, i, step.Value)
			}
		}
	}
}

// overlap finds panels that lie on each other or leave the page.
func overlap(t *testing.T, name string, panels []boardPanel) {
	t.Helper()
	taken := map[[2]int]string{}
	for _, p := range panels {
		if p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W == 0 || p.GridPos.H == 0 {
			t.Errorf("%s: %q does not fit: %+v", name, p.Title, p.GridPos)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, ok := taken[[2]int{x, y}]; ok {
					t.Fatalf("%s: %q lies on %q", name, p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

func TestTheDashboardsLeadToEachOther(t *testing.T) {
	fleet, service := boards(t)["fleet.json"], boards(t)["service.json"]
	for _, c := range []struct {
		from board
		to   string
	}{{fleet, service.UID}, {service, fleet.UID}} {
		found := false
		for _, l := range c.from.Links {
			found = found || strings.HasPrefix(l.URL, "/d/"+c.to+"?")
		}
		if !found {
			t.Errorf("%s has no link to %s", c.from.Title, c.to)
		}
	}
	for _, p := range fleet.Panels {
		if p.Type != "table" {
			continue
		}
		for _, tr := range p.Transformations {
			header, ok := tr.Options.RenameByName["service_name"]
			if !ok {
				continue
			}
			linked := false
			for _, o := range p.FieldConfig.Overrides {
				for _, property := range o.Properties {
					linked = linked || o.Matcher.Options == header && property.ID == "links"
				}
			}
			if !linked {
				t.Errorf("the services of %q do not lead to their dashboard", p.Title)
			}
		}
	}
}
