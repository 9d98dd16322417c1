package framework

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/internal/badinput"
)

// folderOfFiles writes files into a new folder.
func folderOfFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		file := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// checkOf is a check of a document, nil if it has none of the id.
func checkOf(d *Document, id string) *checkDoc {
	for i := range d.modules {
		for k := range d.modules[i].Checks {
			if c := &d.modules[i].Checks[k]; c.ID == id {
				return c
			}
		}
	}
	return nil
}

// fiveLines change one threshold of the default framework.
const fiveLines = `extends: default@1
name: acme
version: 1.0.0
checks:
  obs.noise-bounded: {value: 0.2}
`

// TestOneThresholdInFiveLines: the threshold is in the proof and in the texts, everything else
// is that of the default.
func TestOneThresholdInFiveLines(t *testing.T) {
	t.Parallel()
	folder := folderOfFiles(t, map[string]string{"mine.yaml": fiveLines})
	doc, err := Load(filepath.Join(folder, "mine.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	base := defaultDocument(t)
	if doc.header.Name != "acme" || doc.header.Version != "1.0.0" || doc.Extends != "default "+base.header.Version {
		t.Errorf("%s %s extends %s", doc.header.Name, doc.header.Version, doc.Extends)
	}
	if !slices.Equal(doc.Checks(), base.Checks()) || !slices.Equal(doc.Changed, []string{"obs.noise-bounded"}) {
		t.Errorf("changed %q, checks %q", doc.Changed, doc.Checks())
	}
	for _, id := range doc.Checks() {
		mine, theirs := checkOf(doc, id), checkOf(base, id)
		same := mine.Title == theirs.Title && mine.Proofs[0].Pass == theirs.Proofs[0].Pass
		if same == (id == "obs.noise-bounded") {
			t.Errorf("%s: %q %q", id, mine.Title, mine.Proofs[0].Pass)
		}
	}
	changed := checkOf(doc, "obs.noise-bounded")
	if changed.Title != "Alert noise at most 20 %" || changed.Proofs[0].Pass != "pagerduty.noise_ratio_30d <= 0.2" ||
		changed.place() != "mine.yaml:5: check obs.noise-bounded" {
		t.Errorf("%s: %q %q", changed.place(), changed.Title, changed.Proofs[0].Pass)
	}
	if len(doc.header.Changelog) != 0 || len(doc.header.Levels) != 5 || len(doc.header.LapseAfter) != 5 {
		t.Errorf("%+v", doc.header)
	}
}

// TestChangesOfAllKinds: a folder changes, adds and drops checks and modules.
func TestChangesOfAllKinds(t *testing.T) {
	t.Parallel()
	parent := folderOfFiles(t, map[string]string{
		"mine/framework.yaml": `extends: ../base
name: acme
version: 2.0.0
lapse_after: {gold: 10d}
drop: [a.dropped, gone]
`,
		"mine/changes/a.yaml": `checks:
  a.b: &all
    level: 2
    weight: 5
    dwell: 3d
    scope: {tiers: [1]}
    values: {days: 30}
    links: [{title: Ours, url: "https://wiki.example.com/b"}]
    title: "Ours: {value} in {days}"
    enforce_from: null
  a.c: *all
`,
		"mine/own/module.yaml": "id: own\nname: Ours\n",
		"mine/own/11-new.yaml": "module: own\nid: own.new\nlevel: 1\ntitle: New\nproofs: [{by: machine, pass: deploy.automated}]\n",
		"mine/more.yaml":       "module: a\nid: a.more\nlevel: 3\ntitle: More\nproofs: [{by: machine, pass: deploy.automated}]\n",
		"mine/a.yaml":          "id: a\nobjective: Ours.\n",
		"mine/README.md":       "no YAML",
		"mine/.hidden/x.yaml":  "colour: red\n",
		"mine/own/new.txt":     "no YAML",
		"mine/x.fixtures.yaml": "own.new: []\n",
		"base/framework.yaml": `apiVersion: readiness/v1
kind: Framework
name: base
version: 1.2.3
lapse_after: {gold: 30d, silver: 20d}
modules:
  - id: a
    name: A
    objective: Theirs.
    checks:
      - id: a.b
        level: 1
        title: "{value} in {days}"
        value: 1
        values: {days: 90, other: 4}
        scope: {tiers: [1, 2], when: service.stateful}
        enforce_from: 2027-01-01
        proofs: [{by: machine, pass: "pagerduty.oncall_now in [{value}, {days}, {other}]"}]
      - {id: a.c, level: 1, title: C, values: {days: 1}, proofs: [{by: machine, pass: "pagerduty.oncall_now < {days}"}]}
      - {id: a.dropped, level: 1, title: D, proofs: [{by: machine, pass: deploy.automated}]}
  - {id: gone, name: G, checks: [{id: gone.a, level: 1, title: G, proofs: [{by: machine, pass: deploy.automated}]}]}
`,
	})
	folder := filepath.Join(parent, "mine")
	_, err := Load(folder)
	if err == nil || !strings.Contains(err.Error(), "changes/a.yaml:11: check a.c: title: {value} is no threshold of the check") {
		t.Fatalf("%v", err)
	}
	change := filepath.Join(folder, "changes", "a.yaml")
	text, err := os.ReadFile(change)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), "a.c: *all", "a.c: {level: 3}", 1))
	if err := os.WriteFile(change, text, 0o600); err != nil {
		t.Fatal(err)
	}
	doc, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	if ids := strings.Join(doc.Checks(), " "); ids != "a.b a.c a.more own.new" {
		t.Errorf("%s", ids)
	}
	if strings.Join(doc.Changed, " ") != "a.b a.c" || strings.Join(doc.Added, " ") != "a.more own.new" ||
		strings.Join(doc.Dropped, " ") != "a.dropped gone.a" {
		t.Errorf("changed %q, added %q, dropped %q", doc.Changed, doc.Added, doc.Dropped)
	}
	c := checkOf(doc, "a.b")
	if c.Level != 2 || c.Weight != 5 || c.Title != "Ours: 1 in 30" ||
		c.Proofs[0].Pass != "pagerduty.oncall_now in [1, 30, 4]" ||
		!slices.Equal(c.Scope.Tiers, []int{1}) || c.Scope.When != "service.stateful" || c.EnforceFrom != "" ||
		c.Links[0].Title != "Ours" || time.Duration(c.Dwell) != 72*time.Hour {
		t.Errorf("%+v", c)
	}
	if doc.modules[0].Objective != "Ours." || doc.modules[0].Name != "A" {
		t.Errorf("%+v", doc.modules[0])
	}
	if h := doc.header; time.Duration(h.LapseAfter["gold"]) != 240*time.Hour || time.Duration(h.LapseAfter["silver"]) != 480*time.Hour {
		t.Errorf("%v", h.LapseAfter)
	}
	// What is kept of it, and the whole as one file, are the same framework.
	merged, err := doc.Merged()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse([]File{merged})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := Restore(doc.Text)
	if err != nil {
		t.Fatal(err)
	}
	want := meaningOf(t, doc)
	if got := meaningOf(t, again); got != want {
		t.Errorf("as one file it means something else:\n%s", merged.Data)
	}
	if got := meaningOf(t, kept); got != want {
		t.Error("restored it means something else")
	}
}

func meaningOf(t *testing.T, d *Document) string {
	t.Helper()
	f, err := Compile(d, testFacts(t))
	if err != nil {
		t.Fatal(err)
	}
	return f.Hash
}

// TestNamesOfFrameworks: a name is that of the embedded framework or of an installed one, and
// of several versions the newest is meant.
func TestNamesOfFrameworks(t *testing.T) {
	t.Parallel()
	files := map[string]string{"folder/framework.yaml": "extends: acme@1\nname: folder\nversion: 3.0.0\n"}
	for _, version := range []string{"1.2.0", "1.10.0", "1.9.0", "2.0.0", "10.0.0"} {
		files[version+".yaml"] = "extends: default\nname: acme\nversion: " + version + "\n"
	}
	folder := folderOfFiles(t, files)
	var installed []string
	for name := range files {
		installed = append(installed, filepath.Join(folder, strings.TrimSuffix(name, "/framework.yaml")))
	}
	version := defaultDocument(t).header.Version
	for reference, want := range map[string]string{
		"default": "default " + version, "default@1": "default " + version, "default@" + version: "default " + version,
		"acme": "acme 10.0.0", "acme@2": "acme 2.0.0", "acme@1": "acme 1.10.0", "acme@1.2": "acme 1.2.0", "acme@1.9.0": "acme 1.9.0",
		"folder": "folder 3.0.0", filepath.Join(folder, "1.2.0.yaml"): "acme 1.2.0",
		filepath.Join(folder, "1.2.0.yaml") + "@1": "acme 1.2.0",
	} {
		doc, err := Load(reference, installed...)
		if err != nil {
			t.Errorf("%s: %v", reference, err)
		} else if got := doc.header.Name + " " + doc.header.Version; got != want {
			t.Errorf("%s is %s, want %s", reference, got, want)
		}
	}
	if doc, err := Load("folder", installed...); err != nil || doc.Extends != "acme 1.10.0" {
		t.Errorf("%v", err)
	}
	for reference, want := range map[string]string{
		"defualt":   `did you mean "default"?`,
		"default@7": "there is no default of version 7; there is default@" + version,
		"acme@3":    "there is no acme of version 3; there is acme@",
		"1.2.yaml":  "reading the framework 1.2.yaml: no such file or directory; give the name of a framework, a file or a folder",
		filepath.Join(folder, "1.2.0.yaml") + "@2": "1.2.0.yaml is acme 1.2.0, and version 2 was asked for",
	} {
		if _, err := Load(reference, installed...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", reference, err, want)
		}
	}
}

// TestCyclesAndSizes: one line, with the file and the remedy.
func TestCyclesAndSizes(t *testing.T) {
	t.Parallel()
	folder := folderOfFiles(t, map[string]string{
		"a.yaml":              "name: a\nextends: b.yaml\nversion: 1\n",
		"b.yaml":              "extends: c\nname: b\nversion: 1\n",
		"c/framework.yaml":    "extends: ../a.yaml\nname: c\nversion: 1\n",
		"self.yaml":           "extends: self\nname: self\nversion: 1\n",
		"named.yaml":          "extends: named\nname: named\nversion: 1\n",
		"big.yaml":            "extends: default\n" + strings.Repeat("# ten megabytes\n", 10<<20/16),
		"many/framework.yaml": "extends: default\nname: many\nversion: 1\n",
		"many/a.yaml":         strings.Repeat("# five\n", 5<<20/7), "many/b.yaml": strings.Repeat("# five\n", 5<<20/7),
		"none/a.yaml": "id: a\n", "bomb.yaml": bomb, "latin.yaml": "name: caf\xe9\nversion: 1\nextends: default\n",
		"directory.yaml/framework.yaml": "extends: nowhere/there\nname: d\nversion: 1\n",
	})
	for name, want := range map[string]string{
		"a.yaml": "a.yaml:2: extends: b.yaml:1: extends: framework.yaml:1: extends: ../a.yaml extends itself: " +
			"a.yaml → b.yaml → c → a.yaml; take extends out of one of them",
		"named.yaml": "named.yaml:1: extends: named extends itself: named.yaml → named.yaml; take extends out of one of them",
		"self.yaml":  `self.yaml:1: extends: there is no framework "self"`,
		"big.yaml":   "too large: more than 8388608 bytes",
		"many":       "b.yaml: too large: the files of frameworks have more than 8388608 bytes together",
		"none":       "none: the folder has no framework.yaml; it is the header, with the name and version",
		"bomb.yaml":  "bomb.yaml:2: aliases make the file more than ten times larger; write the values out",
		"latin.yaml": "latin.yaml:1: this is not YAML",
		"directory.yaml": "framework.yaml:1: extends: reading the framework nowhere/there: no such file or directory; " +
			"give the name of a framework, a file or a folder",
	} {
		_, err := Load(filepath.Join(folder, name), filepath.Join(folder, "named.yaml"))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s:\n%v\nwant\n%s", name, err, want)
		}
	}
}

// bomb grows tenfold with each line.
const bomb = `a: &a [x, x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]
`

func TestMessagesAboutBadChanges(t *testing.T) {
	folder := t.TempDir()
	badinput.Run(t, "testdata/change_messages.txt", *update, func(t *testing.T, input string) error {
		file := filepath.Join(folder, "mine.yaml")
		if err := os.WriteFile(file, []byte(input), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(file)
		return err
	})
}

// A release that did not look at retired ids may have judged by what Parse refuses now.
func TestRestoreReadsWhatIsRetiredAndStillThere(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("PASS", "deploy.automated", "modules:", "retired: [a.b]\nmodules:").Replace(frame)
	kept, err := json.Marshal([]File{{Name: "f.yaml", Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(kept); err != nil {
		t.Error(err)
	}
	if _, err := Parse([]File{{Name: "f.yaml", Data: []byte(text)}}); err == nil {
		t.Error("Parse accepts it")
	}
}
