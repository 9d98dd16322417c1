package badges

import (
	"math"
	"unicode"

	"golang.org/x/text/width"
)

// unitsPerEm is the unit of advances: that many are the size of the font.
const unitsPerEm = 2048

// advances are the widths of the printable characters of ASCII in DejaVu Sans, the font of
// that kind that every Linux has; those of Verdana differ by about two per cent.
var advances = [...]uint16{
	651, 821, 942, 1716, 1303, 1946, 1597, 563, 799, 799, 1024, 1716, 651, 739, 651, 690,
	1303, 1303, 1303, 1303, 1303, 1303, 1303, 1303, 1303, 1303, 690, 690, 1716, 1716, 1716, 1087,
	2048, 1401, 1405, 1430, 1577, 1294, 1178, 1587, 1540, 604, 604, 1343, 1141, 1767, 1532, 1612,
	1235, 1612, 1423, 1300, 1251, 1499, 1401, 2025, 1403, 1251, 1403, 799, 690, 799, 1716, 1024,
	1024, 1255, 1300, 1126, 1300, 1260, 721, 1300, 1298, 569, 569, 1186, 569, 1995, 1298, 1253,
	1300, 1300, 842, 1067, 803, 1298, 1212, 1675, 1212, 1212, 1075, 1303, 690, 1303, 1716,
}

// otherAdvance is the mean width of a letter that is not in the table. The picture says
// how wide its text is, and a browser spaces the letters for that.
const otherAdvance = 1290

// textWidth is the width of a text in pixels at a size of the font.
func textWidth(text string, size float64) float64 {
	units := 0
	for _, r := range text {
		units += advance(r)
	}
	return math.Round(float64(units)*size/unitsPerEm*10) / 10
}

func advance(r rune) int {
	switch {
	case r >= ' ' && int(r-' ') < len(advances):
		return int(advances[r-' '])
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Cc):
		return 0
	case isWide(r):
		return unitsPerEm
	}
	return otherAdvance
}

// isWide reports whether a character takes a square: Chinese, Japanese, Korean, emoji.
func isWide(r rune) bool {
	kind := width.LookupRune(r).Kind()
	return kind == width.EastAsianWide || kind == width.EastAsianFullwidth
}
