package nearest_test

import (
	"strings"
	"testing"

	"github.com/prodready/collector/nearest"
)

func TestName(t *testing.T) {
	known := []string{"schedule", "timeout", "token_file", "url", "authorization"}
	tests := []struct{ want, got string }{
		{"schedule", "schedule"},
		{"shedule", "schedule"},
		{"authorisation", "authorization"},
		{"timeuot", "timeout"}, // neighbours swapped count once
		{"ulr", "url"},
		{"tokenfile", "token_file"},
		{"colour", ""},
		{"", ""},
		{"x", ""},
		{"scheduleschedule", ""},
		{strings.Repeat("a", 10_000), ""},
		{"\xff\xfe", ""},
	}
	for _, test := range tests {
		got, ok := nearest.Name(test.want, known)
		if got != test.got || ok != (test.got != "") {
			t.Errorf("Name(%.20q) = %q, %v, want %q", test.want, got, ok, test.got)
		}
	}
}

func TestNearestWinsThenFirst(t *testing.T) {
	if got, _ := nearest.Name("maim", []string{"mail", "main", "maim2"}); got != "mail" {
		t.Errorf("got %q, want the first of the equally near", got)
	}
	if got, _ := nearest.Name("gateway", []string{"gatewax1", "gatewaz"}); got != "gatewaz" {
		t.Errorf("got %q, want the nearer one though it comes later", got)
	}
}

func TestNothingToChooseFrom(t *testing.T) {
	if got, ok := nearest.Name("main", nil); ok || got != "" {
		t.Errorf("got %q, %v", got, ok)
	}
	if got := nearest.Suggest("main", nil); got != "" {
		t.Errorf("Suggest = %q, want nothing", got)
	}
}

func TestSuggest(t *testing.T) {
	if got, want := nearest.Suggest("mian", []string{"main"}), `, did you mean "main"?`; got != want {
		t.Errorf("Suggest = %q, want %q", got, want)
	}
}
