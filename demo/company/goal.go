package company

import (
	"sort"

	"github.com/prodready/collector/framework"
)

// shares are how many of 48 services reach each badge, from none to Diamond.
func shares() []int { return []int{6, 14, 13, 9, 4, 2} }

// goals shares the badges out: the more depends on a service, the further it
// has come, with exceptions. The lagging organisation is behind. Platinum and Diamond go to services on Kubernetes
// alone, because elsewhere too much has to be attested for them.
func (b *builder) goals() {
	type candidate struct {
		service *Service
		merit   float64
	}
	d := b.dice("goals")
	var order []candidate
	for _, s := range b.Services {
		merit := float64(s.Tier) + 1.1*d.NormFloat64()
		if s.lags() {
			merit += laggingMerit
		}
		order = append(order, candidate{s, merit})
	}
	sort.SliceStable(order, func(i, j int) bool { return order[i].merit < order[j].merit })
	counts := apportion(shares(), len(order))
	for badge := framework.Diamond; badge >= framework.NoBadge; badge-- {
		for i := 0; i < len(order) && counts[badge] > 0; {
			if badge >= framework.Platinum && order[i].service.Runtime != "kubernetes" {
				i++
				continue
			}
			order[i].service.Goal = badge
			counts[badge]--
			order = append(order[:i:i], order[i+1:]...)
		}
	}
}

// apportion scales shares to a total by the largest remainder.
func apportion(shares []int, total int) []int {
	sum := 0
	for _, s := range shares {
		sum += s
	}
	counts, order, given := make([]int, len(shares)), make([]int, len(shares)), 0
	for i, s := range shares {
		counts[i] = s * total / sum
		given += counts[i]
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool {
		return shares[order[i]]*total%sum > shares[order[j]]*total%sum
	})
	for i := 0; given < total; i++ {
		counts[order[i%len(order)]]++
		given++
	}
	return counts
}
