package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
)

// none stands in tables for what does not exist.
const none = "-"

// ago is a distance into the past: "4 minutes ago", "8 h 20 m ago". Clocks
// of two machines differ, so a moment slightly ahead is just now.
func ago(d time.Duration) string {
	switch {
	case d < -time.Minute:
		return "in " + lasting(-d)
	case d < time.Second:
		return "just now"
	}
	return lasting(d) + " ago"
}

// lasting is a span of time with the precision people think in.
func lasting(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + lasting(-d)
	case d < time.Minute:
		return Plural(int(d/time.Second), "second")
	case d < time.Hour:
		return Plural(int(d/time.Minute), "minute")
	case d < 48*time.Hour:
		h, m := int(d/time.Hour), int(d%time.Hour/time.Minute)
		if m == 0 {
			return strconv.Itoa(h) + " h"
		}
		return fmt.Sprintf("%d h %d m", h, m)
	}
	return Plural(int(d/(24*time.Hour)), "day")
}

// Plural counts things: "1 check", "3 checks", "1,200 records".
func Plural(n int, thing string) string {
	return oneOrMany(n, thing, thing+"s")
}

// oneOrMany is a number of things with what one does, or many do.
func oneOrMany(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// minute formats a moment for people, always in UTC.
func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// day formats a date for people.
func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

// titled writes an enum's word as a name: "gold" is "Gold".
func titled(word string) string {
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

// percent rounds down, so that only what is complete reads 100%.
func percent(share float64) string {
	// The small addend undoes the error of shares such as 0.29 × 100.
	return strconv.Itoa(int(math.Floor(share*100+1e-9))) + "%"
}

// effortWords explains the sizes of remediation.
func effortWords(effort string) string {
	switch effort {
	case "S":
		return "S: hours"
	case "M":
		return "M: days"
	case "L":
		return "L: weeks"
	}
	return effort
}

// missingWords says why there is no evidence, and where it is to be found.
func missingWords(reason string) string {
	switch evidence.Missing(reason) {
	case evidence.MissingNoData:
		return "the source answered and has nothing for this service"
	case evidence.MissingNoReference:
		return "the catalog entry has no key for this source"
	case evidence.MissingNotFound:
		return "the object the catalog refers to does not exist"
	case evidence.MissingUnknownKey:
		return "no integration has the integration key of the catalog entry"
	case evidence.MissingNaN:
		return "the answer is not a number"
	case evidence.MissingTooFew:
		return "too few events for a statistic"
	case evidence.MissingUndecodable:
		return "the object could not be read"
	case evidence.MissingShortMemory:
		return "the source's data is shorter than the window"
	case evidence.MissingNotCollected:
		return "the source has not answered yet"
	case evidence.MissingExpired:
		return "the last value is too old to count"
	case evidence.MissingPartial:
		return "a part of the expected answers is missing"
	case evidence.MissingNoSource:
		return "no configured source gives this fact"
	case evidence.MissingUncounted:
		return "something was found that may belong to this service, and could not be used"
	}
	return reason
}

// missingWords says why the fact has no value, and which catalog key would help.
func (f Fact) missingWords() string {
	if f.CatalogKey != "" {
		return "needs catalog key " + f.CatalogKey
	}
	if f.Missing == string(evidence.MissingNoReference) && f.Source != "" {
		return "needs a catalog entry for " + f.Source
	}
	text := missingWords(f.Missing)
	switch {
	case f.SourceError != "" && f.Missing == string(evidence.MissingNotCollected):
		return "the source has failed: " + f.SourceError
	case f.SourceError != "":
		return text + ", and the source has failed since: " + f.SourceError
	case f.MayBe != "":
		return text + ", such as " + f.MayBe
	}
	return text
}

// seconds is a duration as whole seconds, the unit of every view.
func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// stamp is a moment as views keep it: UTC and whole seconds, so that it
// survives JSON unchanged.
func stamp(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}
