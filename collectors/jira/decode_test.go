package jira

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestQuoting(t *testing.T) {
	for text, want := range map[string]string{
		`SHOP`: `"SHOP"`, `a"b`: `"a\"b"`, `a\`: `"a\\"`, `x" OR project = "y`: `"x\" OR project = \"y"`,
	} {
		if got := quote(text); got != want {
			t.Errorf("%s is quoted as %s, want %s", text, got, want)
		}
		if err := checkJQL("a = " + quote(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for d, want := range map[time.Duration]string{
		0: `"-1m"`, time.Second: `"-1m"`, 20 * time.Minute: `"-20m"`, 20*time.Minute + time.Nanosecond: `"-21m"`,
		24 * time.Hour: `"-1440m"`, 190 * day: `"-190d"`,
	} {
		if got := ago(d); got != want {
			t.Errorf("%s ago is %s, want %s", d, got, want)
		}
	}
	for _, jql := range []string{`labels = "a)" AND (b = 'c(')`, `summary ~ "order by"`, `a = "\""`,
		"project = border AND by = x"} {
		if err := checkJQL(jql); err != nil {
			t.Errorf("%s: %v", jql, err)
		}
	}
}

func TestPortions(t *testing.T) {
	var all []string
	for n := range 1000 {
		all = append(all, fmt.Sprintf("PROJECT%d", n))
	}
	parts := portions(all)
	if got := slices.Concat(parts...); !slices.Equal(got, all) || len(parts) < 5 || len(parts) > 10 {
		t.Errorf("%d parts of %d", len(parts), len(got))
	}
	if parts := portions([]string{strings.Repeat("x", 2*maxList), "y"}); len(parts) != 2 {
		t.Errorf("%d parts", len(parts))
	}
	if parts := portions(nil); len(parts) != 0 {
		t.Errorf("%d parts of nothing", len(parts))
	}
}

func TestAddresses(t *testing.T) {
	for text, want := range map[string]string{
		`"see https://a.example/x?y=1&z=2#q."`:            "https://a.example/x?y=1&z=2#q",
		`"[the wiki|https://a.example/x] and (http://b)"`: "https://a.example/x http://b",
		`"h* https://a.example/x, <https://b.example>"`:   "https://a.example/x https://b.example",
		`"https:// http"`: "",
		`null`:            "",
		`17`:              "",
		`{"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"link","attrs":{"href":"https://a.example/x"}}]},{"type":"inlineCard","attrs":{"url":"https://b.example"}},{"type":"text","text":"http://c.example"}]}]}`: "https://a.example/x https://b.example http://c.example",
	} {
		if got := strings.Join(urls(json.RawMessage(text)), " "); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		`"a, b"`: "a b", `{"value":"a, b"}`: "a, b", `[{"name":"a"},{"value":"b"},"c",null]`: "a b c", `7`: "7", `null`: "",
		`{}`: "", `true`: "",
	} {
		if got := strings.Join(words(json.RawMessage(text)), " "); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestTimes(t *testing.T) {
	want := time.Date(2026, 3, 4, 12, 30, 0, 0, time.UTC)
	for _, text := range []string{
		`"2026-03-04T12:30:00.000+0000"`, `"2026-03-04T03:00:00.000-0930"`, `"2026-03-04T12:30:00Z"`,
		`"2026-03-04T13:30:00+01:00"`,
		`"2026-03-04T12:30:00.000Z"`, `"2026-03-04T12:30:00+0000"`, `"2026-03-04T12:30"`, `"2026-03-04 12:30"`,
		`" 2026-03-04 12:30:00 "`, `1772627400`, `1772627400000`,
	} {
		if at, err := decodeTime(json.RawMessage(text)); err != nil || !at.Equal(want) {
			t.Errorf("%s is %s, error %v", text, at, err)
		}
	}
	for _, text := range []string{`""`, `null`, `"  "`} {
		if at, err := decodeTime(json.RawMessage(text)); err != nil || !at.IsZero() {
			t.Errorf("%s is %s, error %v", text, at, err)
		}
	}
	for _, text := range []string{`"soon"`, `{}`, `true`, `-1`, `1e300`, `"0001-01-01"`, `"2026-13-01"`} {
		if at, err := decodeTime(json.RawMessage(text)); err == nil {
			t.Errorf("%s is %s", text, at)
		}
	}
}

func TestWorkingDays(t *testing.T) {
	for text, want := range map[string]string{
		"2026-03-04": "2026-02-18", // Wednesday
		"2026-03-08": "2026-02-23", // Sunday
		"2026-03-09": "2026-02-23", // Monday
	} {
		at, _ := time.Parse(time.DateOnly, text)
		if got := workingDaysBefore(at, 10).Format(time.DateOnly); got != want {
			t.Errorf("10 working days before %s is %s, want %s", text, got, want)
		}
	}
}

func FuzzDecodeIssue(f *testing.F) {
	for _, seed := range []string{
		`{"id":"1","key":"SHOP-1","fields":{"project":{"key":"SHOP"},"components":[{"name":"a"},null],"labels":["x",null],"status":{"id":"6","statusCategory":{"key":"done"}},"created":"2026-01-01T00:00:00.000+0000","description":{"type":"doc","content":[{"text":"https://a"}]},"issuelinks":[{"inwardIssue":{"key":"A-1"}},null],"assignee":null},"changelog":{"total":1,"histories":[{"created":1772627400,"author":null,"items":[{"field":"status","from":"1","to":"6"},{"fieldId":"labels","toString":"x y"}]}]}}`,
		`null`, `7`, `[]`, `{}`, `{"key":7}`, `{"key":"x","fields":{"labels":{}}}`,
		`{"key":"A-1","fields":null,"changelog":[]}`, `{"id":{},"key":"-1"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, cloud := range []bool{true, false} {
			i, err := decodeIssue(data, cloud, nil)
			if i == nil {
				t.Fatal("no issue, not even an empty one")
			}
			if err == nil && (i.key == "" || i.project == "" || i.fields == nil) {
				t.Errorf("an issue without a key, project or fields: %+v", i)
			}
			r := &round{Source: &Source{statuses: &statuses{categories: map[string]string{"6": "done"}}}}
			if done, ok := r.done(i); ok && i.category != categoryDone {
				t.Errorf("%s is done at %s", i.key, done.at)
			}
			for n := 1; n < len(i.changes); n++ {
				if i.changes[n].at.Before(i.changes[n-1].at) {
					t.Error("changes are not in order")
				}
			}
			for _, raw := range i.fields {
				urls(raw)
				words(raw)
			}
		}
		_ = identity(data)
	})
}
