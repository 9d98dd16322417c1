package catalog

import "strings"

// IsPattern reports whether a name has wildcards.
func IsPattern(name string) bool {
	return strings.ContainsAny(name, "*?")
}

// MatchName reports whether a name fits a pattern, in which * is any characters, a slash
// included, and ? is one.
func MatchName(pattern, name string) bool {
	p, n := []rune(pattern), []rune(name)
	// star is where the last * was, and from the first character that it did not take.
	star, from := -1, 0
	i, j := 0, 0
	for j < len(n) {
		switch {
		case i < len(p) && p[i] == '*':
			star, from = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == n[j]):
			i++
			j++
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}
