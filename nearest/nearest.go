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

// Hint returns `, did you mean "x"?` for the nearest candidate, or nothing.
func Hint(want string, candidates []string) string {
	if name, ok := Name(want, candidates); ok {
		return fmt.Sprintf(", did you mean %q?", name)
	}
	return ""
}

// distance is the Levenshtein distance in bytes, which is enough for
// identifiers.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substituted := diagonal
			if a[i] != b[j] {
				substituted++
			}
			diagonal = row[j+1]
			row[j+1] = min(row[j+1]+1, row[j]+1, substituted)
		}
	}
	return row[len(b)]
}
