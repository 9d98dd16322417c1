package correlation

import "iter"

// place is where an item of a table is; 0 is none.
type place uint32

// chunkItems is the number of items that are allocated together.
const chunkItems = 256

// table keeps items in chunks: adding one moves no other, and a slice that grows would keep
// up to as much memory again for items that are not there. The zero value is empty.
type table[T any] struct {
	chunks []*[chunkItems]T
	// last is the last place that was ever given, and free are those that were given back.
	last place
	free []place
}

// at is the item of a place, which stays valid until the place is freed.
func (t *table[T]) at(p place) *T { return &t.chunks[p/chunkItems][p%chunkItems] }

// add gives an item a place.
func (t *table[T]) add(item T) place {
	var p place
	if n := len(t.free); n > 0 {
		p, t.free = t.free[n-1], t.free[:n-1]
	} else {
		t.last++
		p = t.last
		if int(p/chunkItems) >= len(t.chunks) {
			t.chunks = append(t.chunks, new([chunkItems]T))
		}
	}
	*t.at(p) = item
	return p
}

// remove frees a place, whose item becomes the zero value.
func (t *table[T]) remove(p place) {
	var zero T
	*t.at(p) = zero
	t.free = append(t.free, p)
}

// len is the number of items.
func (t *table[T]) len() int { return int(t.last) - len(t.free) }

// parts are the items of all places, as all, in at most n parts.
func (t *table[T]) parts(n int) []iter.Seq2[place, *T] {
	size := max(place(1), (t.last+place(n)-1)/place(n))
	var out []iter.Seq2[place, *T]
	for first := place(1); first <= max(1, t.last); first += size {
		last := min(first+size-1, t.last)
		out = append(out, func(yield func(place, *T) bool) {
			for p := first; p <= last; p++ {
				if !yield(p, t.at(p)) {
					return
				}
			}
		})
	}
	return out
}

// all are the items of all places that were ever given; those of free ones are zero values.
func (t *table[T]) all() iter.Seq2[place, *T] { return t.parts(1)[0] }
