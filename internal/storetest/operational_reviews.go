package storetest

import (
	"strings"
	"testing"

	"github.com/prodready/collector/store"
)

func operationalReviews(t *testing.T, db database) {
	s := db.open(t, store.Options{})
	ctx := t.Context()
	save := func(name, kind, body string, from int) {
		t.Helper()
		err := s.SaveOperationalReview(ctx, store.OperationalReview{Name: name, Kind: kind, From: minute(from),
			MadeAt: minute(from + 1), Body: []byte(body)}, 2)
		if err != nil {
			t.Fatal(err)
		}
	}
	want := func(names ...string) {
		t.Helper()
		list, err := s.OperationalReviews(ctx)
		var got []string
		for _, r := range list {
			got = append(got, r.Name)
			if r.Body != nil || r.Kind == "" || !r.MadeAt.After(r.From) {
				t.Errorf("listed as %+v", r)
			}
		}
		if err != nil || strings.Join(got, " ") != strings.Join(names, " ") {
			t.Errorf("%v, %v, want %v", got, err, names)
		}
	}
	want()
	save("2026-W01", "week", "one", 1)
	save("2026-W02", "week", "two", 2)
	save("2026-01", "month", "january", 1)
	want("2026-W02", "2026-01", "2026-W01")
	save("2026-W02", "week", "again", 2)
	save("2026-W03", "week", "three", 3)
	want("2026-W03", "2026-W02", "2026-01") // two of each kind are kept
	if r, err := s.OperationalReview(ctx, "2026-W02"); err != nil || r == nil || string(r.Body) != "again" {
		t.Errorf("%+v, %v", r, err)
	}
	for _, name := range []string{"2026-W01", "", "../2026-W02", "2026-w02"} {
		if r, err := s.OperationalReview(ctx, name); err != nil || r != nil {
			t.Errorf("%q is %+v, %v", name, r, err)
		}
	}
	if err := s.SaveOperationalReview(ctx, store.OperationalReview{}, 2); err == nil {
		t.Error("a review without a name was stored")
	}
}
