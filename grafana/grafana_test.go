package grafana

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// TestDashboardsAreFitted: addresses and titles are those of the installation, everywhere.
func TestDashboardsAreFitted(t *testing.T) {
	t.Parallel()
	const id, title = "obs.alert-exists", `A title "of one's own" <b>`
	texts, err := All(Values{
		Pages: "https://readiness.example.com/x/", Docs: "https://wiki.example.com", Titles: map[string]string{id: title},
	})
	if err != nil || len(texts) != 5 {
		t.Fatalf("%d dashboards: %v", len(texts), err)
	}
	titled := 0
	for file, text := range texts {
		for _, address := range []string{DefaultPages, DefaultDocs} {
			if strings.Contains(string(text), address) {
				t.Errorf("%s has the address %s", file, address)
			}
		}
		for _, address := range []string{`"https://readiness.example.com/x"`, `"https://wiki.example.com"`} {
			if strings.Count(string(text), address) != 1 {
				t.Errorf("%s has not the address %s", file, address)
			}
		}
		shown, err := json.Marshal(CheckText(id, title))
		if err != nil {
			t.Fatal(err)
		}
		shown = []byte(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(shown)))
		titled += bytes.Count(text, shown)
		if bytes.Count(text, []byte(" · ")) != bytes.Count(text, shown) {
			t.Errorf("%s has titles of other checks", file)
		}
		same(t, text, file)
	}
	if titled < 5 {
		t.Errorf("the title is shown %d times", titled)
	}
}

// same wants everything else to be as it is committed.
func same(t *testing.T, fitted []byte, name string) {
	t.Helper()
	committed, err := Committed(name)
	if err != nil {
		t.Fatal(err)
	}
	var a, b struct {
		UID    string `json:"uid"`
		Panels []struct {
			Targets json.RawMessage `json:"targets"`
			GridPos json.RawMessage `json:"gridPos"`
			Type    string          `json:"type"`
		} `json:"panels"`
	}
	if err := json.Unmarshal(fitted, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(committed, &b); err != nil {
		t.Fatal(err)
	}
	if a.UID != b.UID || len(a.Panels) != len(b.Panels) {
		t.Fatalf("%s: %s with %d panels, want %s with %d", name, a.UID, len(a.Panels), b.UID, len(b.Panels))
	}
	for i := range a.Panels {
		var one, other any
		for _, pair := range [][2]json.RawMessage{
			{a.Panels[i].Targets, b.Panels[i].Targets}, {a.Panels[i].GridPos, b.Panels[i].GridPos},
		} {
			if len(pair[0]) == 0 && len(pair[1]) == 0 {
				continue
			}
			if err := json.Unmarshal(pair[0], &one); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(pair[1], &other); err != nil {
				t.Fatal(err)
			}
			first, _ := json.Marshal(one)
			second, _ := json.Marshal(other)
			if string(first) != string(second) {
				t.Errorf("%s: panel %d changed", name, i)
			}
		}
	}
}
