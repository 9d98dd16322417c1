package answers

import (
	"errors"
	"flag"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prodready/collector/internal/badinput"
	"github.com/prodready/collector/strictyaml"
)

var update = flag.Bool("update", false, "write the golden files")

func now() time.Time { return time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC) }

const filled = `# Readiness of wallet: the way to Gold

- Service: wallet
- Tier: 1
- **Data class:** personal
* Stateful : yes
- Exposure: External
- Answered by: ann
- Answered on: 2026-11-29
- Accepted by:
- We met on Monday: it went well

` + "```" + `
- Answer: this is an example
` + "```" + `
<!--
- [ ] **A comment** for Bronze (inc.comment)
-->

## Incident Preparedness

- [ ] **On call \*now\* (really)** for Bronze (inc.on\_call), counts from 2027-01-01
  - Why: nobody answers
  - Answer: Yes.
  - Evidence: see [the wiki](https://wiki.example.com/a) and <https://example.com/b>
- [X] **Rehearsed** for Gold (inc.rehearsed)
  - **Answer:** _n/a_
  - Because: it has no users yet
  - Accepted by: bob
  - Answered by: cyd
  - Answered on: 2026-11-30
- **Open** for Gold (inc.open)
  - Answer:
  - Evidence:

## Notes

- What we learned: a lot
`

func TestParse(t *testing.T) {
	t.Parallel()
	for what, text := range map[string]string{
		"lines": filled, "lines of Windows": "\ufeff" + strings.ReplaceAll(filled, "\n", "\r\n"),
	} {
		sheet, err := Parse("wallet.md", []byte(text), now())
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		e := sheet.Entry
		if e.Name != "wallet" || e.Tier != 1 || e.DataClass != "personal" || !e.Stateful || e.Exposure != "external" ||
			e.Runtime != "" {
			t.Errorf("%s: %+v", what, e)
		}
		day := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
		want := []Answer{
			{Check: "inc.on_call", Line: 22, AnswerLine: 24, Said: Yes, Evidence: "https://wiki.example.com/a",
				By: "ann", On: day},
			{Check: "inc.rehearsed", Line: 26, AnswerLine: 27, Said: NotApplicable, Ticked: true, Because: "it has no users yet",
				By: "cyd", AcceptedBy: "bob", On: day.AddDate(0, 0, 1)},
			{Check: "inc.open", Line: 32, AnswerLine: 33, By: "ann", On: day},
		}
		if fmt.Sprint(sheet.Answers) != fmt.Sprint(want) {
			t.Errorf("%s: got\n%+v\nwant\n%+v", what, sheet.Answers, want)
		}
	}
}

// TestWhatCannotBeRead: each fault has its line, and what to write.
func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	badinput.Run(t, "testdata/faults.txt", *update, func(_ *testing.T, input string) error {
		_, err := Parse("wallet.md", []byte(input), now())
		return err
	})
	for what, text := range map[string]string{
		"not UTF-8":  "# x\n- Service: \xff\n",
		"a NUL":      "# x\n- Service: a\x00\n",
		"too large":  strings.Repeat("x", MaxBytes+1),
		"long value": "- Service: " + strings.Repeat("x", maxValue+1),
	} {
		if _, err := Parse("w.md", []byte(text), now()); err == nil || !strings.HasPrefix(err.Error(), "w.md:") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestWhatAnAnswerTakes are the rules of tickets that attest, and of exemptions.
func TestWhatAnAnswerTakes(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	strict := Rules{NeedsLink: true, NeedsSecondPerson: true, Level: 4, ValidFor: 180 * day}
	loose := Rules{Level: 1, ValidFor: 365 * day}
	yes := Answer{Said: Yes, By: "ann", On: now().Add(-day)}
	with := func(change func(*Answer)) Answer { a := yes; change(&a); return a }
	whole := with(func(a *Answer) { a.Evidence, a.AcceptedBy = "https://example.com", "bob" })
	for what, c := range map[string]struct {
		answer Answer
		rules  Rules
		want   string
	}{
		"a yes":                     {yes, loose, ""},
		"all that there is":         {whole, strict, ""},
		"no answer":                 {Answer{}, loose, "not answered"},
		"a tick alone":              {Answer{Ticked: true}, loose, "ticked and not answered"},
		"a no needs nothing":        {Answer{Said: No}, strict, ""},
		"by nobody":                 {with(func(a *Answer) { a.By = "" }), loose, "who answered"},
		"on no day":                 {with(func(a *Answer) { a.On = time.Time{} }), loose, "when it was"},
		"the last moment":           {with(func(a *Answer) { a.On = now().Add(-365*day + time.Second) }), loose, ""},
		"too old":                   {with(func(a *Answer) { a.On = now().Add(-365 * day) }), loose, "older than 365 days"},
		"no link":                   {yes, strict, "no link to evidence, which level 4 needs"},
		"nobody else":               {with(func(a *Answer) { a.Evidence = "https://e" }), strict, "needs a second person"},
		"the same person":           {with(func(a *Answer) { a.Evidence, a.AcceptedBy = "https://e", "Ann" }), strict, "needs a second person"},
		"no reason":                 {with(func(a *Answer) { a.Said = NotApplicable }), loose, "why it does not apply"},
		"a reason, and nobody else": {with(func(a *Answer) { a.Said, a.Because = NotApplicable, "r" }), loose, "nobody else agrees"},
		"it does not apply": {
			with(func(a *Answer) { a.Said, a.Because, a.AcceptedBy = NotApplicable, "r", "bob" }), strict, "",
		},
	} {
		got := c.answer.Flaw(c.rules, now())
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
}

// TestWhatIsWrittenIsRead: a form that is filled in, in whatever order and style, is read
// as it was meant.
func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		text.WriteString("- Tier: 2\n- Answered on: 2026-11-01\n")
		ids := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,8}\.[a-z_-]{1,20}`), 1, 8, rapid.ID).Draw(t, "ids")
		var want []Answer
		for _, id := range ids {
			a := Answer{Check: id,
				Said:       rapid.SampledFrom([]Said{Unanswered, Yes, No, NotApplicable}).Draw(t, "said"),
				By:         rapid.StringMatching(`([a-z][a-z .]{0,10}[a-z])?`).Draw(t, "by"),
				AcceptedBy: rapid.StringMatching(`[A-Z]{0,5}`).Draw(t, "accepted"),
				Evidence:   rapid.SampledFrom([]string{"", "https://example.com/a?b=c#d", "http://e.org/(x)"}).Draw(t, "evidence"),
				On:         time.Date(2026, 11, rapid.IntRange(1, 30).Draw(t, "day"), 0, 0, 0, 0, time.UTC)}
			fmt.Fprintf(&text, "- [ ] **%s** for Gold (%s)\n", rapid.StringMatching(`[A-Za-z() \\*]{0,12}`).Draw(t, "title"),
				strings.ReplaceAll(id, "_", `\_`))
			lines := []string{"Answer: " + string(a.Said), "Evidence: " + a.Evidence, "Answered by: " + a.By,
				"Accepted by: " + a.AcceptedBy,
				"Answered on: " + a.On.Format(time.DateOnly), "Why: because", "a note"}
			for _, line := range rapid.Permutation(lines).Draw(t, "lines") {
				text.WriteString(rapid.SampledFrom([]string{"  - ", "- ", "\t* ", "   +  "}).Draw(t, "bullet") + line + "\n")
			}
			want = append(want, a)
		}
		sheet, err := Parse("f", []byte(text.String()), now())
		if err != nil {
			t.Fatalf("%v\n%s", err, text.String())
		}
		for i := range sheet.Answers {
			sheet.Answers[i].Line, sheet.Answers[i].AnswerLine = 0, 0
		}
		if fmt.Sprint(sheet.Answers) != fmt.Sprint(want) {
			t.Fatalf("got\n%v\nwant\n%v\n%s", sheet.Answers, want, text.String())
		}
	})
}

// FuzzParse: whatever a file has, it is read or refused with a line; what is read is whole.
func FuzzParse(f *testing.F) {
	f.Add([]byte(filled))
	f.Add([]byte("- [x] **a** for Bronze (b)\n- Answer: no\n"))
	f.Add([]byte("~~~\n<!--"))
	line := regexp.MustCompile(`^f:[1-9][0-9]*: \S`)
	f.Fuzz(func(t *testing.T, text []byte) {
		sheet, err := Parse("f", text, now())
		faults, refused := errors.AsType[*strictyaml.Faults](err)
		switch {
		case err == nil && len(sheet.Answers) == 0:
			t.Error("a file without a check is read")
		case err != nil && (!refused || len(faults.List) == 0 || sheet != nil):
			t.Errorf("%v", err)
		case err != nil:
			for _, one := range faults.List {
				if text := (&strictyaml.Faults{File: "f", List: []strictyaml.Fault{one}}).Error(); !line.MatchString(text) || strings.Contains(text, "\n") {
					t.Errorf("%q", text)
				}
			}
		}
		if err != nil {
			return
		}
		last, seen := 0, map[string]bool{}
		for _, a := range sheet.Answers {
			if a.Line <= last || a.AnswerLine < a.Line || a.Check == "" || seen[a.Check] || a.On.After(now().Add(aheadOfUTC)) {
				t.Errorf("%+v", a)
			}
			last, seen[a.Check] = a.Line, true
		}
	})
}
