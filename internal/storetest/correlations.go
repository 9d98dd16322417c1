package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/store"
)

func correlations(t *testing.T, db database) {
	s := db.open(t, store.Options{})
	ctx := t.Context()
	save := func(month, configuration, body string, at int) {
		t.Helper()
		key := store.CorrelationKey{Month: month, Configuration: configuration, MadeAt: minute(at)}
		if err := s.SaveCorrelation(ctx, key, []byte(body), 3); err != nil {
			t.Fatal(err)
		}
	}
	want := func(texts ...string) {
		t.Helper()
		keys, err := s.Correlations(ctx)
		var got []string
		for _, key := range keys {
			body, err := s.CorrelationBody(ctx, key)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(key.Month, key.Configuration, key.MadeAt.Sub(minute(0)).Minutes(), string(body)))
		}
		if err != nil || strings.Join(got, " ") != strings.Join(texts, " ") {
			t.Errorf("%q, %v, want %q", got, err, texts)
		}
	}
	want()
	save("2026-10", "a", "october", 1)
	save("2026-11", "a", "november", 2)
	save("2026-11", "b", "another", 3)
	want("2026-11b3another", "2026-11a2november", "2026-10a1october")
	save("2026-11", "a", "again", 4)
	want("2026-11a4again", "2026-11b3another", "2026-10a1october")
	save("2026-12", "a", "december", 5) // three are kept
	want("2026-12a5december", "2026-11a4again", "2026-11b3another")
	deleted := store.CorrelationKey{Month: "2026-10", Configuration: "a"}
	if body, err := s.CorrelationBody(ctx, deleted); body != nil || err != nil {
		t.Errorf("%q, %v", body, err)
	}
	if err := s.SaveCorrelation(ctx, store.CorrelationKey{}, nil, 3); err == nil {
		t.Error("a result without a month was stored")
	}
	n, err := s.Prune(ctx, minute(14), store.Retention{History: 10 * time.Minute})
	if n != 1 || err != nil {
		t.Errorf("pruned %d, %v, want the one that is older than 10 minutes", n, err)
	}
	want("2026-12a5december", "2026-11a4again")
	if n, err := s.Prune(ctx, minute(1000), store.Retention{}); n != 0 || err != nil {
		t.Errorf("keeping for ever deleted %d, %v", n, err)
	}
}
