package app

import (
	"strings"
	"testing"
	"time"
)

func TestExpiry(t *testing.T) {
	end := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		before time.Duration
		want   string
		fails  bool
	}{
		{400 * 24 * time.Hour, "it expires on 2027-03-01, in 400 days", false},
		{30*24*time.Hour + time.Hour, "it expires on 2027-03-01, in 30 days", false},
		{30 * 24 * time.Hour, "it expires on 2027-03-01, in 30 days: make a new one soon", false},
		{23 * time.Hour, "it expires on 2027-03-01, within a day: make a new one now", false},
		{0, "it expired on 2027-03-01; make a new one and correct token_expires", true},
		{-48 * time.Hour, "it expired on 2027-03-01; make a new one and correct token_expires", true},
	} {
		f := expiry("jira/main", end, end.Add(-tc.before))
		if f.Text != tc.want || (f.Err != nil) != tc.fails ||
			f.Warning != strings.Contains(tc.want, ": make a new one") || f.Subject != "jira/main token" {
			t.Errorf("%s before: %+v, want %q", tc.before, f, tc.want)
		}
	}
}
