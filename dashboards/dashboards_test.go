package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the dashboards into the package grafana")

func TestTheCommittedFilesAreWhatTheCodeMakes(t *testing.T) {
	if *update {
		if err := write(written); err != nil {
			t.Fatal(err)
		}
	}
	made, err := all()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range made {
		committed, err := os.ReadFile(filepath.Join(written, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text, committed) {
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
	Links         []dataLink                  `json:"links"`
}

type dataLink struct {
	Title    string `json:"title"`
	URL      string `json:"url"`
	KeepTime bool   `json:"keepTime"`
}

type boardPanel struct {
	ID          int      `json:"id"`
	Type        string   `json:"type"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	GridPos     position `json:"gridPos"`
	Interval    string   `json:"interval"`
	Datasource  ds       `json:"datasource"`
	Targets     []struct {
		RefID        string `json:"refId"`
		Expr         string `json:"expr"`
		LegendFormat string `json:"legendFormat"`
		Format       string `json:"format"`
		Instant      bool   `json:"instant"`
		Datasource   ds     `json:"datasource"`
	} `json:"targets"`
	Options struct {
		Content       string `json:"content"`
		TextMode      string `json:"textMode"`
		ColorMode     string `json:"colorMode"`
		NamePlacement string `json:"namePlacement"`
		ValueMode     string `json:"valueMode"`
		ShowUnfilled  bool   `json:"showUnfilled"`
		Sizing        string `json:"sizing"`
		WideLayout    bool   `json:"wideLayout"`
		Text          struct {
			TitleSize float64 `json:"titleSize"`
			ValueSize float64 `json:"valueSize"`
		} `json:"text"`
		Tooltip *struct {
			Mode string `json:"mode"`
		} `json:"tooltip"`
		SortBy []struct {
			DisplayName string `json:"displayName"`
		} `json:"sortBy"`
	} `json:"options"`
	FieldConfig struct {
		Defaults  field      `json:"defaults"`
		Overrides []settings `json:"overrides"`
	} `json:"fieldConfig"`
	Transformations []struct {
		ID      string `json:"id"`
		Options struct {
			ExcludeByName map[string]bool   `json:"excludeByName"`
			IndexByName   map[string]int    `json:"indexByName"`
			RenameByName  map[string]string `json:"renameByName"`
			RowField      string            `json:"rowField"`
			ColumnField   string            `json:"columnField"`
		} `json:"options"`
	} `json:"transformations"`
	// row is the title of the row that the panel is in.
	row string
}

// field is how the values of a panel are shown.
type field struct {
	Unit     string  `json:"unit"`
	Decimals float64 `json:"decimals"`
	Color    struct{ Mode string }
	Custom   struct {
		SpanNulls float64 `json:"spanNulls"`
		DrawStyle string  `json:"drawStyle"`
	} `json:"custom"`
	NoValue    string          `json:"noValue"`
	Mappings   json.RawMessage `json:"mappings"`
	Thresholds *steps          `json:"thresholds"`
	Links      []dataLink      `json:"links"`
}

type steps struct {
	Steps []struct {
		Value *float64 `json:"value"`
		Color string   `json:"color"`
	} `json:"steps"`
}

// settings are what some fields of a panel have otherwise.
type settings struct {
	Matcher struct {
		ID      string `json:"id"`
		Options any    `json:"options"`
	} `json:"matcher"`
	Properties []struct {
		ID    string          `json:"id"`
		Value json.RawMessage `json:"value"`
	} `json:"properties"`
}

// get reads a property, and says whether it is there.
func (s settings) get(t *testing.T, id string, into any) bool {
	t.Helper()
	for _, p := range s.Properties {
		if p.ID == id {
			if err := json.Unmarshal(p.Value, into); err != nil {
				t.Fatalf("%s of %v: %v", id, s.Matcher.Options, err)
			}
			return true
		}
	}
	return false
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
	Query      any    `json:"query"`
	Hide       int    `json:"hide"`
	// SkipURLSync is true for a variable that the address in a browser does not change.
	SkipURLSync bool `json:"skipUrlSync"`
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
		text, err := os.ReadFile(filepath.Join(written, name))
		if err != nil {
			t.Fatal(err)
		}
		var b board
		if err := json.Unmarshal(text, &b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		row := ""
		for i := range b.Panels {
			if b.Panels[i].Type == "row" {
				row = b.Panels[i].Title
			}
			b.Panels[i].row = row
		}
		out[name] = b
	}
	return out
}

// eachPanel calls a test for each panel that asks something.
func eachPanel(t *testing.T, test func(t *testing.T, b board, p boardPanel)) {
	t.Helper()
	for name, b := range boards(t) {
		for _, p := range b.Panels {
			if p.Type != "row" && p.Type != "text" {
				t.Run(name+"/"+p.Title, func(t *testing.T) { test(t, b, p) })
			}
		}
	}
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
			if p.Type != "row" && p.Type != "text" {
				shape(t, name, p)
			}
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
	d, figure := p.FieldConfig.Defaults, p.Type != "table" && p.Options.TextMode != "name"
	if figure && d.Unit == "" && d.Mappings == nil {
		t.Errorf("%s: the figure has no unit", at)
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
