package pages

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/framework"
)

// pageBound is how long a page of 10,000 services may take, of 95 in 100.
const pageBound = 20 * time.Millisecond

// BenchmarkPages makes the pages of 10,000 services as many people ask for them, between two
// judgements. What the store takes is not in it.
func BenchmarkPages(b *testing.B) {
	c := newCompany(b)
	for i := range 10_000 {
		c.add(fmt.Sprintf("service-%05d", i), fmt.Sprintf("team-%d", i%300), fmt.Sprintf("org-%d", i%12), 1+i%4,
			framework.Silver, i%3, i%2 == 0)
	}
	s := c.site()
	ctx := b.Context()
	s.Fleet(ctx, nil) // the first of a judgement sums it up
	for name, page := range map[string]func(i int) Answer{
		"fleet_page": func(i int) Answer {
			return s.Fleet(ctx, url.Values{"q": {fmt.Sprintf("-%02d", i%90)}, "page": {"2"}, "sort": {"score"}})
		},
		"service_page": func(i int) Answer { return s.Service(ctx, fmt.Sprintf("service-%05d", 97*i%10_000)) },
		"team_page":    func(i int) Answer { return s.Team(ctx, fmt.Sprintf("team-%d", i%300)) },
		"check_page":   func(int) Answer { return s.Check("inc.on-call") },
	} {
		var took []time.Duration
		b.Run(name, func(b *testing.B) {
			for i := range 100 * b.N {
				began := time.Now()
				if a := page(i); a.Status != 200 {
					b.Fatalf("%s: %d", name, a.Status)
				}
				took = append(took, time.Since(began))
			}
		})
		slices.Sort(took)
		p95 := took[len(took)*95/100]
		verdict := "ok"
		if p95 > pageBound {
			verdict = "short"
		}
		_, _ = fmt.Fprintf(os.Stdout, "\nfigure: %s %.1f ms <=%d %s\n", name, p95.Seconds()*1000, pageBound.Milliseconds(), verdict)
	}
}
