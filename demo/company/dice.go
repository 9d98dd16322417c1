package company

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

const day = 24 * time.Hour

// dice is the randomness of one subject. Each subject has its own, so that a
// change to one leaves all others as they were.
type dice struct{ *rand.Rand }

func newDice(seed uint64, parts ...string) *dice {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strings.Join(parts, "\x00")))
	return &dice{rand.New(rand.NewPCG(seed, h.Sum64()))}
}

// chance is true with probability p.
func (d *dice) chance(p float64) bool { return d.Float64() < p }

// between is uniform in [low, high), in whole seconds.
func (d *dice) between(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return (low + time.Duration(d.Float64()*float64(high-low))).Truncate(time.Second)
}

// days is between in days.
func (d *dice) days(low, high float64) time.Duration {
	return d.between(time.Duration(low*float64(day)), time.Duration(high*float64(day)))
}

// around is a log-normal number with the given median.
func (d *dice) around(median, sigma float64) float64 {
	return median * math.Exp(sigma*d.NormFloat64())
}

// count is a Poisson number with the given mean.
func (d *dice) count(mean float64) int {
	limit, product, n := math.Exp(-mean), d.Float64(), 0
	for product > limit && n < 1000 {
		product *= d.Float64()
		n++
	}
	return n
}

// pick is one of the list.
func pick[T any](d *dice, list []T) T { return list[d.IntN(len(list))] }

// shuffled is the list in another order.
func shuffled[T any](d *dice, list []T) []T {
	out := append([]T(nil), list...)
	d.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// identifier makes an id in PagerDuty's manner: a letter, then six more.
func identifier(seed uint64, prefix string, parts ...string) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	d := newDice(seed, append([]string{"id", prefix}, parts...)...)
	var out strings.Builder
	out.WriteString(prefix)
	for range 7 {
		out.WriteByte(alphabet[d.IntN(len(alphabet))])
	}
	return out.String()
}
