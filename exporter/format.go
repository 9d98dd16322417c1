package exporter

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/common/expfmt"
)

// Format is one of the two text formats that are served. Protobuf is not: it
// would have to be made anew for every scrape.
type Format int

// The formats of a page.
const (
	Text        Format = iota // Prometheus text format 0.0.4
	OpenMetrics               // OpenMetrics 1.0.0
)

// formats lists both, as an index of Page.
var formats = [...]Format{Text, OpenMetrics}

// ContentType is the value of the Content-Type header.
func (f Format) ContentType() string {
	if f == OpenMetrics {
		return string(expfmt.FmtOpenMetrics_1_0_0)
	}
	return string(expfmt.FmtText)
}

// header appends the lines that introduce a family. OpenMetrics names the
// family of a counter or an info without the suffix that its series carry, the
// text format with it.
func (f Format) header(b []byte, family Family) []byte {
	name, kind := family.FullName(), family.Kind
	if f == Text {
		if kind == Info {
			kind = Gauge
		}
		b = append(b, "# HELP "...)
		b = append(b, name...)
		b = append(b, ' ')
		b = append(b, strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(family.Help)...)
		b = append(b, "\n# TYPE "...)
		b = append(b, name...)
		b = append(b, ' ')
		b = append(b, kind...)
		return append(b, '\n')
	}
	switch kind {
	case Counter:
		name = strings.TrimSuffix(name, "_total")
	case Info:
		name = strings.TrimSuffix(name, "_info")
	}
	b = append(b, "# TYPE "...)
	b = append(b, name...)
	b = append(b, ' ')
	b = append(b, kind...)
	if family.Unit != "" {
		b = append(b, "\n# UNIT "...)
		b = append(b, name...)
		b = append(b, ' ')
		b = append(b, family.Unit...)
	}
	b = append(b, "\n# HELP "...)
	b = append(b, name...)
	b = append(b, ' ')
	b = append(b, strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(family.Help)...)
	return append(b, '\n')
}

// appendSample appends one series, which is written alike in both formats.
func appendSample(b []byte, name string, labels, values []string, value float64) []byte {
	b = append(b, name...)
	for i, label := range labels {
		if i == 0 {
			b = append(b, '{')
		} else {
			b = append(b, ',')
		}
		b = append(b, label...)
		b = append(b, '=', '"')
		b = appendEscaped(b, values[i])
		b = append(b, '"')
	}
	if len(labels) > 0 {
		b = append(b, '}')
	}
	b = append(b, ' ')
	b = appendNumber(b, value)
	return append(b, '\n')
}

// appendEscaped appends a label value. A byte that no parser accepts must not
// cost the whole scrape: what is not UTF-8, and NUL, which ends the input for
// Prometheus, become the replacement character.
func appendEscaped(b []byte, value string) []byte {
	if !utf8.ValidString(value) {
		value = strings.ToValidUTF8(value, "\uFFFD")
	}
	for {
		i := strings.IndexAny(value, "\\\"\n\x00")
		if i < 0 {
			return append(b, value...)
		}
		b = append(b, value[:i]...)
		switch value[i] {
		case '\\':
			b = append(b, `\\`...)
		case '"':
			b = append(b, `\"`...)
		case '\n':
			b = append(b, `\n`...)
		case 0:
			b = append(b, "\uFFFD"...)
		}
		value = value[i+1:]
	}
}

// appendNumber writes whole numbers, such as times, as people read them.
func appendNumber(b []byte, value float64) []byte {
	switch {
	case math.IsInf(value, 1):
		return append(b, "+Inf"...)
	case math.IsInf(value, -1):
		return append(b, "-Inf"...)
	case math.Abs(value) < 1e15 && math.Abs(value) >= 1e-4 || value == 0:
		return strconv.AppendFloat(b, value, 'f', -1, 64)
	}
	return strconv.AppendFloat(b, value, 'g', -1, 64)
}
