// Package nearest finds the name a person probably meant, for error messages.
package nearest

import "fmt"

// Name returns the candidate with the smallest edit distance to want, if that
// distance is at most a third of its length, rounded up. Of equally near
// candidates the first wins.
func Name(want string, candidates []string) (string, bool) {
	best, bestDistance := "", -1
	for _, c := range candidates {
		limit := max((len(want)+2)/3, 1)
		if d := distance(want, c); d <= limit && (bestDistance < 0 || d < bestDistance) {
			best, bestDistance = c, d
		}
	}
	return best, bestDistance >= 0
}

// Suggest returns `, did you mean "x"?` for the nearest candidate, or nothing.
func Suggest(want string, candidates []string) string {
	if name, ok := Name(want, candidates); ok {
		return fmt.Sprintf(", did you mean %q?", name)
	}
	return ""
}

// distance is the number of inserted, deleted, replaced or swapped neighbouring
// bytes (optimal string alignment), which is enough for identifiers.
func distance(a, b string) int {
	previous, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			row[j+1] = min(row[j], last[j+1]) + 1
			if a[i] == b[j] {
				row[j+1] = min(row[j+1], last[j])
			} else {
				row[j+1] = min(row[j+1], last[j]+1)
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], previous[j-1]+1)
			}
		}
		previous, last = last, row
	}
	return last[len(b)]
}
