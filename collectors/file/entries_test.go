package file_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/file"
	"github.com/prodready/collector/evidence"
)

// collected is what one round over files has emitted, as one batch.
type collected struct {
	evidence.Batch
	log string
	err error
}

// collect makes a round at noon over files given by name.
func collect(t testing.TB, files map[string]string) collected {
	t.Helper()
	folder := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	source, err := file.New(file.Options{
		Name: "ci", Patterns: []string{filepath.Join(folder, "*")}, Definitions: definitions(),
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	var out collected
	out.err = source.Collect(t.Context(), collectors.Request{
		Services: []*catalog.Service{{Name: "checkout", Aliases: []string{"shop"}}, {Name: "cart"}}, Now: noon,
	}, func(b evidence.Batch) error {
		out.Records = append(out.Records, b.Records...)
		out.Withdrawals = append(out.Withdrawals, b.Withdrawals...)
		out.Covered = append(out.Covered, b.Covered...)
		out.Skipped, out.Uncounted = b.Skipped, b.Uncounted
		return nil
	})
	out.log = log.String()
	return out
}

func TestRefusedEntries(t *testing.T) {
	t.Parallel()
	const good = `service: cart, observed_at: "2026-03-01T11:00:00Z"`
	for text, want := range map[string]string{
		`{fact: ci.signed, value: true, ` + good + `}`:                  "",
		`{fact: drill.last, value: never, ` + good + `}`:                "",
		`{fact: drill.last, value: 2026-02-01T00:00:00Z, ` + good + `}`: "",
		`{fact: ci.signd, value: true, ` + good +
			`}`: `unknown fact "ci.signd", did you mean "ci.signed"?`,
		`{fact: ci.signed, valeu: true, ` + good +
			`}`: `unknown key "valeu", did you mean "value"?`,
		`{fact: ci.signed, ` + good + `}`: `value is missing`,
		`{fact: ci.signed, value: 1, ` + good +
			`}`: `value "1": ci.signed wants true or false`,
		`{fact: ci.signed, value: "true", ` + good +
			`}`: `value "true": ci.signed wants true or false`,
		`{fact: ci.signed, value: [true], ` + good +
			`}`: `value: want a single value, got a list`,
		`{fact: licence.violations, value: 1.5, ` + good +
			`}`: `value 1.5: licence.violations wants a whole number`,
		`{fact: licence.violations, value: .inf, ` + good +
			`}`: `value ".inf": licence.violations wants a number`,
		`{fact: ci.coverage_ratio, value: .nan, ` + good +
			`}`: `value ".nan": ci.coverage_ratio wants a number`,
		`{fact: ci.coverage_ratio, value: 80%, ` + good +
			`}`: `value "80%": ci.coverage_ratio wants a number`,
		`{fact: drill.last, value: -1, ` + good +
			`}`: `value -1: the age drill.last is negative`,
		`{fact: drill.last, value: 2026-03-01T11:30:00Z, ` + good +
			`}`: `value 2026-03-01T11:30:00Z lies after observed_at`,
		`{fact: drill.last, value: yesterday, ` + good +
			`}`: `value "yesterday": drill.last wants a number of days, an instant such as 2026-03-01T12:00:00Z, or never`,
		`{service: cart, fact: ci.signed, value: true, observed_at: 2026-03-01T12:00:01Z}`: `observed_at 2026-03-01T12:00:01Z is 1s in the future`,
		`{service: cart, fact: ci.signed, value: true, observed_at: 2026-03-01}`:           `observed_at "2026-03-01" is not an instant; write it as 2026-03-01T12:00:00Z`,
		`{service: cart, fact: ci.signed, value: true, observed_at: 1772366400}`:           `observed_at "1772366400" is not an instant; write it as 2026-03-01T12:00:00Z`,
		`{service: 7, fact: ci.signed, value: true, observed_at: 2026-03-01T11:00:00Z}`:    `service is missing, or is no text`,
		`{service: cart, service: cart, fact: ci.signed, value: true}`:                     `the key "service" is given twice, first in line 2; remove one of them`,
		`just words`: `this is not an entry with keys and values`,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got := collect(t, map[string]string{"ci.yaml": "# a comment\n- " + text +
				"\n- {service: checkout, fact: ci.signed, value: true, observed_at: 2026-03-01T11:00:00Z}\n"})
			if got.err != nil {
				t.Fatal(got.err)
			}
			records, refused := 2, 0
			switch {
			case strings.HasPrefix(want, "service is missing") || strings.HasPrefix(want, "the key") ||
				strings.HasPrefix(want, "this is not an entry"):
				records, refused = 0, 1 // it may be about the other service, too
			case want != "":
				records, refused = 1, 1
			}
			if want != "" {
				want = "line 2: " + want
			}
			if len(got.Records) != records || got.Skipped["entries"] != refused {
				t.Errorf("%d records, %d refused", len(got.Records), got.Skipped["entries"])
			}
			if log := strings.ReplaceAll(got.log, `\"`, `"`); !strings.Contains(log, want) || want == "" && log != "" {
				t.Errorf("logged %s, want %s", log, want)
			}
			if len(got.Covered) != len(definitions()) {
				t.Errorf("%d facts are covered", len(got.Covered))
			}
		})
	}
}

// With two services in one entry it is not known which is meant, in either language: the
// fact is unknown for all that have no newer entry.
func TestAnEntryOfTwoServicesIsOfNone(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"ci.yaml": `- {service: cart, fact: ci.signed, value: true, observed_at: 2026-03-01T10:00:00Z}
- {service: checkout, fact: ci.signed, value: true, observed_at: 2026-03-01T10:00:00Z}
- service: cart
  service: checkout
  fact: ci.signed
  value: false
  observed_at: 2026-03-01T11:00:00Z
`,
		"ci.json": `[
  {"service": "cart", "fact": "ci.signed", "value": true, "observed_at": "2026-03-01T10:00:00Z"},
  {"service": "checkout", "fact": "ci.signed", "value": true, "observed_at": "2026-03-01T10:00:00Z"},
  {"service": "cart",
   "service": "checkout", "fact": "ci.signed", "value": false, "observed_at": "2026-03-01T11:00:00Z"}]`,
	} {
		got := collect(t, map[string]string{name: text})
		if got.err != nil {
			t.Fatal(got.err)
		}
		log := strings.ReplaceAll(got.log, `\"`, `"`)
		if len(got.Records) != 0 || got.Skipped["entries"] != 1 || !strings.Contains(log, name) ||
			!strings.Contains(log, `: the key "service" is given twice`) {
			t.Errorf("%s: %d records, %d refused: %s", name, len(got.Records), got.Skipped["entries"], log)
		}
	}
}

func TestARefusedEntryLeavesTheFactOfItsServiceUncovered(t *testing.T) {
	t.Parallel()
	got := collect(t, map[string]string{"ci.json": `[
		{"service": "cart", "fact": "ci.signed", "value": true, "observed_at": "2026-03-01T10:00:00Z"},
		{"service": "cart", "fact": "ci.signed", "value": true,
		 "observed_at": "2027-03-01T10:00:00Z"}
	]`})
	at := slices.IndexFunc(got.Covered, func(c evidence.Coverage) bool { return c.Group == "ci.signed" })
	if at < 0 || got.Covered[at].Except["cart"] != evidence.MissingUndecodable || len(got.Records) != 0 {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(got.log, "line 3: observed_at") {
		t.Errorf("logged %s", got.log)
	}
}

// What an entry does not say, it may say of any service or fact; but an entry that is
// newer than it decides.
func TestAnEntryWithoutAServiceMayBeAboutAny(t *testing.T) {
	t.Parallel()
	const early, equal, future = "observed_at: 2026-03-01T10:30:00Z}", "observed_at: 2026-03-01T11:00:00Z}",
		"observed_at: 2027-03-01T11:00:00Z}"
	signed := []string{"cart ci.signed", "checkout ci.signed"}
	for refused, unclear := range map[string][]string{
		"words": {"cart ci.signed", "cart drill.last", "checkout ci.signed"},
		"{service: 7, fact: ci.signed, value: true, " + early:     {"cart ci.signed"},
		"{service: 7, fact: ci.signed, value: true, " + equal:     signed,
		"{service: 7, fact: ci.signed, value: true, " + future:    signed,
		"{service: [cart, checkout], fact: drill.last, value: 1}": {"cart drill.last"},
		"{service: cart, fact: 7, value: true, " + early:          {"cart ci.signed", "cart drill.last"},
		"{service: till, fact: 7, value: true, " + equal:          nil,
		"{service: till, fact: ci.signed, value: 1, " + equal:     nil,
		"{service: shop, fact: ci.signed, value: 1, " + early:     {"checkout ci.signed"},
	} {
		got := collect(t, map[string]string{"a.yaml": "- " + refused + `
- {service: cart, fact: ci.signed, value: true, observed_at: 2026-03-01T10:00:00Z}
- {service: cart, fact: drill.last, value: 1, observed_at: 2026-03-01T10:00:00Z}
- {service: checkout, fact: ci.signed, value: true, observed_at: 2026-03-01T11:00:00Z}
`})
		var left []string
		for _, s := range [...]string{"cart ci.signed", "cart drill.last", "checkout ci.signed"} {
			service, fact, _ := strings.Cut(s, " ")
			recorded := slices.ContainsFunc(got.Records, func(r evidence.Record) bool {
				return r.Service == service && r.Fact == fact
			})
			at := slices.IndexFunc(got.Covered, func(c evidence.Coverage) bool { return c.Group == fact })
			if _, excepted := got.Covered[at].Except[service]; excepted == recorded {
				t.Errorf("%s: %s: recorded %t and excepted %t", refused, s, recorded, excepted)
			}
			if !recorded {
				left = append(left, s)
			}
		}
		if !slices.Equal(left, unclear) || got.Uncounted[0].Total != 1 {
			t.Errorf("%s: unknown %v, want %v; uncounted %+v", refused, left, unclear, got.Uncounted)
		}
	}
}

func TestTheNewestEntryOfAFactCounts(t *testing.T) {
	t.Parallel()
	got := collect(t, map[string]string{
		"a.yaml": "- {service: cart, fact: licence.violations, value: 1, observed_at: 2026-03-01T10:00:00Z, detail: run 1}\n" +
			"- {service: checkout, fact: licence.violations, value: 1, observed_at: 2026-03-01T10:00:00Z}\n",
		"b.yaml": "- {service: cart, fact: licence.violations, value: 2, observed_at: 2026-03-01T11:00:00+01:00}\n" +
			"- {service: shop, fact: licence.violations, value: 3, observed_at: 2026-03-01T11:00:00Z, detail: run 7}\n",
	})
	// 11:00+01:00 is the same instant as 10:00Z, with another value.
	if len(got.Records) != 1 || got.Records[0].Service != "checkout" || got.Records[0].Value != evidence.Int(3) ||
		got.Records[0].Detail != "b.yaml: run 7" {
		t.Errorf("records %+v", got.Records)
	}
	if !strings.Contains(
		got.log, "line 1: licence.violations of cart is given twice for 2026-03-01T10:00:00Z, with different values",
	) {
		t.Errorf("logged %s", got.log)
	}
}

func TestNullWithdraws(t *testing.T) {
	t.Parallel()
	got := collect(
		t,
		map[string]string{"a.yaml": "- {service: cart, fact: ci.signed, value: null, observed_at: 2026-03-01T10:00:00Z}\n"},
	)
	want := evidence.Withdrawal{Service: "cart", Fact: "ci.signed", Reason: evidence.MissingNoData}
	if len(got.Withdrawals) != 1 || got.Withdrawals[0] != want || len(got.Records) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestEntriesOfNoServiceAreCountedAndNamed(t *testing.T) {
	t.Parallel()
	entry := func(service string) string {
		return "- {service: " + service + ", fact: ci.signed, value: true, observed_at: 2026-03-01T10:00:00Z}\n"
	}
	text := entry("cart") + entry("lost") + entry("lost")
	for n := range 12 {
		text += entry(manyName(n))
	}
	got := collect(t, map[string]string{"a.yaml": text})
	lost := evidence.UncountedGroup{Name: "service lost", Reason: evidence.UncountedUnknownService, Count: 2}
	if u := got.Uncounted[0]; u.Kind != evidence.UncountedEntry || u.Total != 14 || len(u.Largest) != 10 ||
		u.Largest[0] != lost {
		t.Errorf("uncounted %+v", got.Uncounted)
	}
}

func TestAnEntryThatIsGoneAgesOut(t *testing.T) {
	t.Parallel()
	got := collect(t, map[string]string{"a.yaml": "[]"})
	if len(got.Withdrawals) != 0 || len(got.Records) != 0 || len(got.Covered) != len(definitions()) {
		t.Errorf("%+v", got)
	}
	for _, c := range got.Covered {
		if !c.Dated {
			t.Errorf("%s does not age from its own time", c.Group)
		}
	}
}

func TestARefusalIsLoggedOnceWhileItLasts(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "a.yaml")
	var log bytes.Buffer
	source, err := file.New(file.Options{Name: "ci", Patterns: []string{name}, Definitions: definitions(),
		Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"- words\n", "- words\n", "[]\n", "- words\n"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := source.Collect(context.Background(), collectors.Request{Now: noon},
			func(evidence.Batch) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "entries were refused"); n != 2 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
}

func TestFilesThatAreMissingOrTooLarge(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	source, err := file.New(file.Options{Name: "ci", Patterns: []string{filepath.Join(folder, "*.yaml")},
		Definitions: definitions(), MaxBytes: 10})
	if err != nil {
		t.Fatal(err)
	}
	want := func(reason evidence.Reason) {
		t.Helper()
		for _, err := range []error{
			source.Check(t.Context()),
			source.Collect(t.Context(), collectors.Request{Now: noon}, func(evidence.Batch) error { return nil }),
		} {
			if got := collectors.ReasonOf(t.Context(), err); err == nil || got != reason {
				t.Errorf("%v, want %s", err, reason)
			}
		}
	}
	want(evidence.ReasonNotFound)
	if err := os.WriteFile(filepath.Join(folder, "a.yaml"), []byte("[] # "+strings.Repeat("x", 10)), 0o600); err != nil {
		t.Fatal(err)
	}
	want(evidence.ReasonTooLarge)
}

// TestWhatToDoAboutAFile: a file has no address and no scope.
func TestWhatToDoAboutAFile(t *testing.T) {
	t.Parallel()
	for err, remedy := range map[error]string{
		fs.ErrNotExist: "check the name of the file in the configuration",
		&fs.PathError{Op: "open", Path: "a.yaml", Err: fs.ErrPermission}: "let the account of this program read the file",
		io.ErrUnexpectedEOF: evidence.ReasonUnreachable.Remedy(),
	} {
		if got := file.Failed(t.Context(), "a.yaml", err).Error(); !strings.HasSuffix(got, "; "+remedy) {
			t.Errorf("%v: %s, want %q", err, got, remedy)
		}
	}
	source, err := file.New(file.Options{Name: "ci", Patterns: []string{filepath.Join(t.TempDir(), "a.yaml")},
		Definitions: definitions()})
	if err != nil {
		t.Fatal(err)
	}
	const remedy = "check the name of the file in the configuration"
	if err := source.Check(t.Context()); err == nil || !strings.HasSuffix(err.Error(), "; "+remedy) {
		t.Errorf("%v, want %q", err, remedy)
	}
}

func FuzzFiles(f *testing.F) {
	for _, text := range []string{
		"[]", "- {service: cart, fact: ci.signed, value: true, observed_at: 2026-03-01T10:00:00Z}\n", `[{"service":"cart"}]`,
		"- &a {b: *a}\n",
		`[{"service":"cart","fact":"drill.last","value":1e309,"observed_at":"2026-03-01T10:00:00Z"}]`, "- ? [a]\n  : b\n",
		"[1,", "- <<: {a: b}\n",
	} {
		f.Add(text, true)
		f.Add(text, false)
	}
	f.Fuzz(func(t *testing.T, text string, isJSON bool) {
		name := "a.yaml"
		if isJSON {
			name = "a.json"
		}
		got := collect(t, map[string]string{name: text})
		for _, r := range got.Records {
			if r.ObservedAt.After(noon) || r.Service != "cart" && r.Service != "checkout" ||
				r.Value.Kind() == evidence.KindInvalid {
				t.Errorf("record %+v", r)
			}
			if r.Value.IsInstant() && time.Unix(int64(r.Value.Number()), 0).After(noon) {
				t.Errorf("the past of %+v lies in the future", r)
			}
		}
	})
}
