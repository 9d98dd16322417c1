package framework

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/prodready/collector/nearest"
)

// number is a threshold as it is written, so that a proof compares with it as written:
// 180.0 stays a double.
type number string

var decimal = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,15})?$`)

// Wants says how a threshold is written.
func (*number) Wants() string { return "a number such as 90, 0.15 or 180.0" }

// UnmarshalText reads the threshold.
func (n *number) UnmarshalText(text []byte) error {
	if !decimal.Match(text) {
		return fmt.Errorf("threshold %q: want %s", text, n.Wants())
	}
	*n = number(text)
	return nil
}

// thresholdName matches the name of a threshold, in braces, in a proof or a text. A text
// may say how it is shown: {value%} in percent, {value:words} in words, {value:time} as a time.
var thresholdName = regexp.MustCompile(`\{([a-z][a-z0-9_]*)(%|:words|:time)?\}`)

// filling puts the thresholds of a check into its proofs and texts.
type filling struct {
	check      *checkDoc
	thresholds map[string]number
	faults     []error
}

// fillIn puts the thresholds into the proofs and the texts, so that a number is written
// once. A check without thresholds is left as it is.
func (c *checkDoc) fillIn() []error {
	f := filling{check: c, thresholds: c.thresholds()}
	if len(f.thresholds) == 0 {
		return nil
	}
	f.proofs()
	f.texts()
	return f.faults
}

// thresholds are those of the check by name.
func (c *checkDoc) thresholds() map[string]number {
	out := maps.Clone(c.Values)
	if c.Value == "" {
		return out
	}
	if out == nil {
		out = map[string]number{}
	}
	out["value"] = c.Value
	return out
}

func (f *filling) fail(format string, args ...any) {
	f.faults = append(f.faults, fmt.Errorf("%s: %w", f.check.place(), fmt.Errorf(format, args...)))
}

func (f *filling) proofs() {
	used := map[string]bool{}
	for i := range f.check.Proofs {
		pass := &f.check.Proofs[i].Pass
		for _, found := range thresholdName.FindAllStringSubmatch(*pass, -1) {
			used[found[1]] = true
		}
		*pass = f.put(fmt.Sprintf("proof %d", i+1), *pass, func(n number, _ string) string { return string(n) })
	}
	for _, name := range f.names() {
		if !used[name] {
			f.fail("the threshold %s is in no proof%s: write {%s} where a proof compares with it", name,
				nearest.Suggest(name, slices.Sorted(maps.Keys(used))), name)
		}
	}
}

func (f *filling) texts() {
	c := f.check
	texts := []struct {
		key  string
		text *string
	}{
		{"title", &c.Title}, {"objective", &c.Objective}, {"why", &c.Why}, {"judged", &c.Judged},
		{"attest", &c.Attest}, {"note", &c.Note},
	}
	for _, t := range texts {
		*t.text = f.put(t.key, *t.text, number.text)
	}
	for i := range c.Remediation {
		c.Remediation[i] = f.put("remediation", c.Remediation[i], number.text)
	}
	for _, fact := range slices.Sorted(maps.Keys(c.Remedies)) {
		c.Remedies[fact] = f.put("remedies", c.Remedies[fact], number.text)
	}
}

func (f *filling) names() []string { return slices.Sorted(maps.Keys(f.thresholds)) }

func (f *filling) put(key, text string, show func(n number, form string) string) string {
	return thresholdName.ReplaceAllStringFunc(text, func(found string) string {
		parts := thresholdName.FindStringSubmatch(found)
		n, known := f.thresholds[parts[1]]
		if !known {
			f.fail("%s: %s is no threshold of the check%s", key, found, nearest.Suggest(parts[1], f.names()))
			return found
		}
		return show(n, parts[2])
	})
}

// text is the threshold as a text shows it.
func (n number) text(form string) string {
	value, _ := strconv.ParseFloat(string(n), 64)
	switch form {
	case "%":
		const places = 1e6
		return strconv.FormatFloat(math.Round(value*100*places)/places, 'f', -1, 64) + " %"
	case ":words":
		words := []string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}
		if value == math.Trunc(value) && value >= 0 && int(value) < len(words) {
			return words[int(value)]
		}
	case ":time":
		return timeText(time.Duration(value * float64(time.Second)))
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}

// timeText is a time in its largest whole unit: 4 hours, 5 minutes.
func timeText(d time.Duration) string {
	units := []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}}
	for _, unit := range units {
		if d >= unit.size && d%unit.size == 0 {
			if d == unit.size {
				return "1 " + unit.name
			}
			return fmt.Sprintf("%d %ss", d/unit.size, unit.name)
		}
	}
	return d.String()
}
