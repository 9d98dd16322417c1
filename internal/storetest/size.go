package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

// sizes: the size of a database grows with what is stored.
func sizes(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t, exposed(twentyDays))})
	size := func() int64 {
		n, err := s.Size(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := size()
	const services, letters = 300, 2000
	var records []evidence.Record
	for i := range services {
		service := fmt.Sprintf("%03d", i) + strings.Repeat("x", letters)
		records = append(records, record(service, "a.exposed", double(t, 0.5)))
	}
	commit(t, s, start(), evidence.Batch{Records: records})
	if after := size(); before <= 0 || after < before+services*letters/10 {
		t.Errorf("%d bytes before and %d after %d names of %d bytes", before, after, services, letters)
	}
}
