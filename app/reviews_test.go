package app

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/config"
	"github.com/prodready/collector/review"
	"github.com/prodready/collector/store"
)

// A review is due from the first time of the schedule after its period has ended, until
// it is stored.
func TestWhenAReviewIsDue(t *testing.T) {
	c := config.Reviews{Week: "0 6 * * 1", Month: "30 7 2 * *"}
	at := func(text string) time.Time {
		t.Helper()
		parsed, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	stored := []store.OperationalReview{{Name: "2026-W47"}}
	for _, test := range []struct {
		kind review.Kind
		now  string
		name string
		due  bool
	}{
		{review.Week, "2026-11-30 05:59", "2026-W48", false},
		{review.Week, "2026-11-30 06:00", "2026-W48", true},
		{review.Week, "2026-12-03 12:00", "2026-W48", true}, // the program was down on Monday
		{review.Week, "2026-11-25 12:00", "2026-W47", false},
		{review.Month, "2026-12-01 12:00", "2026-11", false},
		{review.Month, "2026-12-02 07:30", "2026-11", true},
		{review.Quarter, "2026-12-02 07:30", "", false},
	} {
		due, period, err := dueReview(c, test.kind, stored, at(test.now))
		if err != nil || due != test.due || period.Name != test.name {
			t.Errorf("%s at %s: %s is due: %t, %v", test.kind, test.now, period.Name, due, err)
		}
	}
}

// The daemon makes the review of a week once, keeps it in the store, shows it and writes
// it to the folder.
func TestReviewsAreMadeAndShown(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	files := filepath.Join(folder, "reviews")
	path := filepath.Join(folder, "collector.yaml")
	text := `store: {url: ` + filepath.Join(folder, "s.db") + `}
reviews: {week: "0 6 * * 1", keep: 2, folder: reviews}
catalog: {teams: [{name: a, org: b}], services: [{name: shop, team: a, org: b, tier: 1}]}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 4, 9, 0, 0, 0, time.UTC)
	a, err := New(t.Context(), Options{ConfigPath: path, Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	shown := shownReviews{a.reloader}
	made := func() (names []string) {
		t.Helper()
		rc := a.reloader.config()
		if err := a.evaluator.Evaluate(t.Context(), &rc.Config); err != nil {
			t.Fatal(err)
		}
		a.reloader.reviewTask(t.Context())
		entries, err := os.ReadDir(files)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	if got := made(); len(got) > 0 {
		t.Errorf("nothing is known of last week, and it was reviewed: %v", got)
	}
	page, err := shown.Index(t.Context())
	if err != nil || !strings.Contains(string(page), "No review has been made yet") {
		t.Errorf("%v: %s", err, page)
	}
	if err := os.WriteFile(filepath.Join(files, "notes.html"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		now = now.Add(7 * 24 * time.Hour)
		made()
	}
	want := []string{"2026-W47.html", "2026-W47.json", "2026-W47.md", "2026-W48.html", "2026-W48.json", "2026-W48.md",
		"notes.html"}
	if got := made(); !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	for _, file := range want[:6] {
		body, contentType, err := shown.File(t.Context(), file)
		written, readErr := os.ReadFile(filepath.Join(files, file))
		if err != nil || readErr != nil || len(body) == 0 || string(body) != string(written) || contentType == "" {
			t.Errorf("%s: %d bytes of %q, %v; %d in the folder, %v", file, len(body), contentType, err, len(written), readErr)
		}
	}
	body, _, _ := shown.File(t.Context(), "2026-W48.json")
	var r review.Review
	if err := json.Unmarshal(body, &r); err != nil || r.Scope.Services != 1 || r.Period.Name != "2026-W48" {
		t.Errorf("%v: %+v", err, r.Period)
	}
	for _, file := range []string{"", ".", "..", "2026-W48", "2026-W48.txt", "2026-W46.html", "../s.db", "notes.html",
		"2026-W48.html/..", "2026-W48.short", "2026-W48.html.json", "2026-11-01..2026-11-02.html"} {
		if body, _, err := shown.File(t.Context(), file); body != nil || err != nil {
			t.Errorf("%q is shown: %d bytes, %v", file, len(body), err)
		}
	}
	if page, err := shown.Index(t.Context()); err != nil || !strings.Contains(string(page), `href="2026-W48.html"`) ||
		strings.Contains(string(page), "W46") {
		t.Errorf("%v: %s", err, page)
	}
}
