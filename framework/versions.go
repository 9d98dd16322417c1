package framework

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// stepOf is the step from a version to another one; NoStep if it is not a later one.
func stepOf(before, after string) Step {
	a, b := numbers(before), numbers(after)
	for i, step := range []Step{Major, Minor, Patch} {
		switch {
		case b[i] > a[i]:
			return step
		case b[i] < a[i]:
			return NoStep
		}
	}
	return NoStep
}

// numbers are the three numbers of a version; 0 for one that is not there.
func numbers(version string) (out [3]int) {
	for i, part := range strings.SplitN(version, ".", len(out)) {
		out[i], _ = strconv.Atoi(part)
	}
	return out
}

// nextVersion is the least version that is a step after another one.
func nextVersion(version string, step Step) string {
	n := numbers(version)
	switch step {
	case Major:
		return fmt.Sprintf("%d.0.0", n[0]+1)
	case Minor:
		return fmt.Sprintf("%d.%d.0", n[0], n[1]+1)
	}
	return fmt.Sprintf("%d.%d.%d", n[0], n[1], n[2]+1)
}

// asks is whether an expression asks more or less of a service than another one.
type asks int

const (
	other asks = iota // it cannot be said
	less
	more
)

// threshold is a fact that is compared with a number.
var threshold = regexp.MustCompile(`([a-z][a-z0-9_.]*) (<=|>=|<|>) (-?[0-9]+(?:\.[0-9]+)?)`)

// unordered are parts of an expression with which a greater number may mean either: what is
// counted, chosen or compared with another condition.
var unordered = regexp.MustCompile(`[!?]|\.(?:filter|map|exists_one)\(|\b(?:true|false|in)\b|\) ==|== \(`)

// thresholdsAsk compares two normalised expressions that differ in the numbers alone with
// which facts are compared.
func thresholdsAsk(before, after string) asks {
	blank := func(text string) string { return threshold.ReplaceAllString(text, "$1 $2 #") }
	if frame := blank(before); frame != blank(after) || unordered.MatchString(frame) {
		return other
	}
	old, now := threshold.FindAllStringSubmatch(before, -1), threshold.FindAllStringSubmatch(after, -1)
	found := other
	for i := range old {
		a, errA := strconv.ParseFloat(old[i][3], 64)
		b, errB := strconv.ParseFloat(now[i][3], 64)
		if errA != nil || errB != nil {
			return other
		}
		if a == b {
			continue
		}
		one := more
		if greater := b > a; greater == (old[i][2][0] == '<') {
			one = less
		}
		if found != other && found != one {
			return other
		}
		found = one
	}
	return found
}
