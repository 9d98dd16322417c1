package report

import (
	"math"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/scoring"
)

func TestTimesAreToldAsPeopleDo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-3 * time.Hour:                "in 3 h",
		-5 * time.Second:              "just now",
		0:                             "just now",
		time.Second:                   "1 second ago",
		59 * time.Second:              "59 seconds ago",
		4*time.Minute + 50:            "4 minutes ago",
		8*time.Hour + 20*time.Minute:  "8 h 20 m ago",
		47*time.Hour + 59*time.Minute: "47 h 59 m ago",
		48 * time.Hour:                "2 days ago",
		400 * 24 * time.Hour:          "400 days ago",
	} {
		if got := ago(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

func TestValuesAreToldInTheirUnit(t *testing.T) {
	for _, c := range []struct {
		num  float64
		kind evidence.Kind
		unit string
		want string
	}{
		{0, evidence.KindInvalid, "days", "-"},
		{1, evidence.KindBool, "", "true"},
		{3, evidence.KindInt, "", "3"},
		{0.95, evidence.KindDouble, "ratio", "0.950"},
		{1, evidence.KindDouble, "ratio", "1.000"},
		{0.9899, evidence.KindDouble, "ratio", "0.9899"},
		{0.99999, evidence.KindDouble, "ratio", "0.99999"},
		{1, evidence.KindDouble, "days", "1 day"},
		{41.23456, evidence.KindDouble, "days", "41.23 days"},
		{-0.001, evidence.KindDouble, "hours", "0 hours"},
		{math.Inf(1), evidence.KindDouble, "days", "never"},
		{math.Inf(1), evidence.KindDouble, "", "infinite"},
		{1e300, evidence.KindDouble, "bytes", "1" + zeros(300) + " bytes"},
		{12.5, evidence.KindDouble, "bytes", "12.5 bytes"},
	} {
		if got := (Value{c.kind, c.num}).Text(c.unit); got != c.want {
			t.Errorf("%v %s: %q, want %q", c.num, c.unit, got, c.want)
		}
	}
}

func zeros(n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = '0'
	}
	return string(out)
}

func TestOnlyWhatIsCompleteReadsComplete(t *testing.T) {
	if got := percent(0.9999); got != "99%" {
		t.Errorf("got %s", got)
	}
	if got := percent(0.29); got != "29%" {
		t.Errorf("got %s", got)
	}
	for _, c := range []struct {
		lower, upper float64
		want         string
	}{{0.5, 1, "50-100%"}, {0.8, 0.8, "80%"}, {0.29, 0.999, "29-99%"}, {0.501, 0.509, "50%"}} {
		if got := rangeText(c.lower, c.upper); got != c.want {
			t.Errorf("%g to %g: %s, want %s", c.lower, c.upper, got, c.want)
		}
	}
}

func TestWidths(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "在庫": 4, "ｱｲ": 2, "é": 1, "e\u0301": 1, "한국": 4,
		"\u1112\u1161\u11ab": 2, "🚀": 2, "→…": 2, "a\u200db": 2} {
		if got := textWidth(clean(text)); got != want {
			t.Errorf("%q takes %d cells, want %d", text, got, want)
		}
	}
}

func FuzzTruncateAndWrap(f *testing.F) {
	f.Add("在庫管理 service e\u0301 \xff\x1b[31m", 5)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < 1 || limit > 1000 {
			return
		}
		safe := clean(s)
		if short := cut(safe, limit); textWidth(short) > limit || !utf8.ValidString(short) {
			t.Errorf("%q cut to %d columns: %q", s, limit, short)
		}
		painted := safe + bold.on(" and ", Style{Colour: true}) + safe
		if got := textWidth(cut(painted, limit)); got > limit {
			t.Errorf("%q fitted to %d takes %d", s, limit, got)
		}
		for _, line := range wrap(safe, limit) {
			if len(wrap(line, limit)) != 1 {
				t.Errorf("%q is not one line of %d", line, limit)
			}
		}
	})
}

func TestEveryReasonHasWords(t *testing.T) {
	for _, reason := range []evidence.Missing{
		evidence.MissingNoData, evidence.MissingNoReference, evidence.MissingNotFound, evidence.MissingNaN,
		evidence.MissingTooFew, evidence.MissingUndecodable,
		evidence.MissingUncounted, evidence.MissingUnknownKey,
		evidence.MissingShortMemory, evidence.MissingNotCollected, evidence.MissingExpired, evidence.MissingPartial,
		evidence.MissingNoSource,
	} {
		if missingWords(string(reason)) == string(reason) {
			t.Errorf("%s has no words", reason)
		}
	}
	for _, status := range scoring.Statuses() {
		if statusPaint(status.String()) == plain {
			t.Errorf("%s has no colour", status)
		}
	}
}
