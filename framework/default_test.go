package framework

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prodready/collector/strictyaml"
)

// TestTheDefaultIsComplete: nothing that people read is missing.
func TestTheDefaultIsComplete(t *testing.T) {
	if err := defaultDocument(t).Lint(); err != nil {
		t.Error(err)
	}
}

// TestNoSentenceIsWrittenTwice: what is said of one check is said of it alone.
func TestNoSentenceIsWrittenTwice(t *testing.T) {
	first := map[string]string{}
	sentence := regexp.MustCompile(`[.;] +`)
	for _, m := range defaultDocument(t).modules {
		for _, c := range m.Checks {
			texts := append([]string{c.Title, c.Objective, c.Why, c.Judged, c.Attest, c.Example.Shows}, c.Remediation...)
			for _, text := range texts {
				for _, s := range sentence.Split(text, -1) {
					s = strings.TrimSuffix(s, ".")
					if other, known := first[s]; known && other != c.ID && len(s) > 30 {
						t.Errorf("%s and %s say the same: %s", other, c.ID, s)
					}
					first[s] = c.ID
				}
			}
		}
	}
}

// TestNumbersAreWrittenOnce: a number of a title is a threshold of the check, or the window
// of a fact that it reads; and no text has a threshold as a number.
func TestNumbersAreWrittenOnce(t *testing.T) {
	files, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	numbers := regexp.MustCompile(`\b\d+(\.\d+)?\b`)
	windows := regexp.MustCompile(`_(\d+)d\b`)
	for _, f := range files[1:] {
		if path.Base(f.Name) == moduleFile || strings.HasSuffix(f.Name, fixtureEnding) {
			continue
		}
		var c checkFile
		if _, err := strictyaml.Read(f.Name, f.Data, &c); err != nil {
			t.Fatal(err)
		}
		window := map[string]bool{}
		for _, p := range c.Proofs {
			for _, m := range windows.FindAllStringSubmatch(p.Pass, -1) {
				window[m[1]] = true
			}
		}
		for _, n := range numbers.FindAllString(thresholdName.ReplaceAllString(c.Title, ""), -1) {
			if !window[n] && !strings.Contains(c.Title, "tier "+n) {
				t.Errorf("%s: %s in the title: name a threshold", f.Name, n)
			}
		}
		thresholds := maps.Clone(c.Values)
		if thresholds == nil {
			thresholds = map[string]number{}
		}
		thresholds["value"] = c.Value
		for name, n := range thresholds {
			text := n.text("")
			if value, _ := strconv.ParseFloat(text, 64); value <= 2 || window[text] {
				continue // such numbers have other meanings, too
			}
			for _, said := range []string{c.Title, c.Objective, c.Judged} {
				if slices.Contains(numbers.FindAllString(said, -1), text) {
					t.Errorf("%s: write {%s} for %s in: %s", f.Name, name, text, said)
				}
			}
		}
	}
}

// TestLevelsOfTheDefaultRise: the order of the files is that of the levels, so that pages
// and scorecards begin with what comes first.
func TestLevelsOfTheDefaultRise(t *testing.T) {
	for _, m := range defaultDocument(t).modules {
		for i, c := range m.Checks {
			if i > 0 && c.Level < m.Checks[i-1].Level {
				t.Errorf("%s: level %d comes after level %d: rename the file", c.place(), c.Level, m.Checks[i-1].Level)
			}
			if file := path.Base(c.file); !strings.HasPrefix(file, strconv.Itoa(c.Level)) ||
				!strings.HasSuffix(c.ID, strings.TrimSuffix(file[2:], ".yaml")[1:]) {
				t.Errorf("%s: the file is called after another level or check", c.place())
			}
		}
	}
}

func defaultDocument(t *testing.T) *Document {
	t.Helper()
	files, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	document, err := Parse(files)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// TestLint: what is missing is said with its place and what to write.
func TestLint(t *testing.T) {
	text := strings.Replace(frame, "PASS", "attest.a_b", 1) + "        links: [http://example.com]\n        effort: XL\n"
	document, err := Parse([]File{{Name: "f.yaml", Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	err = document.Lint()
	if err == nil {
		t.Fatal("nothing is missing")
	}
	for _, want := range []string{
		"f.yaml:1: levels has 0 entries", "f.yaml:6: module a: objective is missing",
		"f.yaml:6: module a: levels has 0 entries",
		"f.yaml:9: check a.b: why is missing: say what goes wrong without it", "check a.b: judged is missing",
		"check a.b: remediation has 0 steps", "check a.b: example.text is missing", `effort "XL": want hours, days, weeks`,
		"check a.b: attest is missing", `links[0]: url "http://example.com": want an address`, "check a.b: since is missing",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it does not say %q:\n%v", want, err)
		}
	}
}
