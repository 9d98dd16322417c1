package strictyaml_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/prodready/collector/strictyaml"
)

type entry struct {
	Name  string            `yaml:"name"`
	Size  int               `yaml:"size"`
	More  map[string]string `yaml:"more"`
	Extra map[string]any    `yaml:"extra"`
	Line  strictyaml.Line
}

// SetDefaults gives an entry another size than 0.
func (e *entry) SetDefaults() { e.Size = 7 }

type file struct {
	Entries []entry `yaml:"entries"`
	On      *bool   `yaml:"on"`
}

func TestReadDecodesWhatIsWritten(t *testing.T) {
	var got file
	_, err := strictyaml.Read("f.yaml", []byte(`
on: no
entries:
  - &first
    name: 1.10
    size: 0x10
  -
  - {<<: *first, name: yes, more: {a: ~, 007: b}}
  - {extra: {a: 1.5, b: "1.5", c: [true]}}
`), &got)
	if err != nil {
		t.Fatal(err)
	}
	off := false
	want := file{On: &off, Entries: []entry{
		{Name: "1.10", Size: 16, Line: 4},
		{Name: "yes", Size: 16, More: map[string]string{"a": "", "007": "b"}, Line: 8},
		{Size: 7, Extra: map[string]any{"a": 1.5, "b": "1.5", "c": []any{true}}, Line: 9},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestFaultsComeInTheOrderOfTheText(t *testing.T) {
	var got file
	_, err := strictyaml.Read(
		"f.yaml", []byte("entries:\n  - {size: 1.5, nmae: a, more: [b]}\n  - {name: c, name: d}\non: 1\n"), &got,
	)
	var faults *strictyaml.Faults
	if !errors.As(err, &faults) || !faults.Below("entries[0]") || !faults.Below("entries") || faults.Below("entr") {
		t.Fatalf("faults %+v", faults)
	}
	want := strings.Join([]string{
		`f.yaml:2: entries[0].size: want a whole number, got "1.5"`,
		`f.yaml:2: unknown key "nmae", did you mean "name"?`,
		`f.yaml:2: entries[0].more: want keys with values, got a list`,
		`f.yaml:3: the key "name" is given twice, first in line 3; remove one of them`,
		`f.yaml:4: on: want true or false, got "1"`,
	}, "\n")
	if err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if got.Entries[0].Size != 7 {
		t.Errorf("size %d, want the default to stay", got.Entries[0].Size)
	}
}

func TestNumbersAreFinite(t *testing.T) {
	for _, number := range []string{".nan", ".NaN", ".inf", "-.inf", "+.Inf"} {
		got := struct {
			Share float64 `yaml:"share"`
		}{Share: 0.5}
		_, err := strictyaml.Read("f.yaml", []byte("share: "+number), &got)
		want := `f.yaml:1: share: want a number, got "` + number + `"`
		if err == nil || err.Error() != want || got.Share != 0.5 {
			t.Errorf("%s: %v, share %v, want %s", number, err, got.Share, want)
		}
	}
}

func TestKeysOfOthersArePassedOver(t *testing.T) {
	documents, err := strictyaml.ParseAll(
		[]byte("entries: [{name: a}]\nother: {a: 1, a: 2}\n---\n---\nentries: [{name: [b]}]\n"),
	)
	if err != nil || len(documents) != 3 {
		t.Fatalf("%d documents, error %v", len(documents), err)
	}
	decoder := strictyaml.Decoder{AllowUnknownKeys: true}
	if faults := decoder.Decode(documents[0], &file{}); len(faults) != 0 {
		t.Errorf("faults %v", faults)
	}
	if faults := decoder.Decode(documents[2], &file{}); len(faults) != 1 || faults[0].Position.Line != 5 {
		t.Errorf("faults %v", faults)
	}
}

// The directive %YAML of another version than the parser knows is no fault, and moves no
// line.
func TestTheVersionOfYAMLIsRead(t *testing.T) {
	for _, text := range []string{
		"%YAML 1.1\n---\na: 1\n", "%YAML 1.2\n---\na: 1\n", "# a\n%YAML 1.2\r\n---\r\na: 1\r\n",
	} {
		documents, err := strictyaml.ParseAll([]byte(text))
		if err != nil || len(documents) != 1 {
			t.Errorf("%q: %d documents, %v", text, len(documents), err)
			continue
		}
		if got, want := documents[0].Positions["a"].Line, strings.Count(text, "\n"); got != want {
			t.Errorf("%q: the key is in line %d, want %d", text, got, want)
		}
	}
}
