package correlation

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestItemsKeepTheirPlaces: whatever is added and removed, each item stays where it is, and
// no more places are given than there ever were items at once.
func TestItemsKeepTheirPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var items table[int]
		want, most := map[place]int{}, 0
		for step := range rapid.IntRange(0, 3*chunkItems).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "remove one") > 0 || len(want) == 0 {
				p := items.add(step + 1)
				if _, taken := want[p]; taken || p == 0 {
					t.Fatalf("place %d was given twice, or is none", p)
				}
				want[p] = step + 1
				most = max(most, len(want))
				continue
			}
			var places []place
			for p := range want {
				places = append(places, p)
			}
			slices.Sort(places)
			p := rapid.SampledFrom(places).Draw(t, "which")
			items.remove(p)
			delete(want, p)
		}
		there := 0
		for p, item := range items.all() {
			if *item != want[p] {
				t.Fatalf("place %d has %d, want %d", p, *item, want[p])
			}
			if *item != 0 {
				there++
			}
		}
		if there != len(want) || items.len() != len(want) || int(items.last) != most {
			t.Errorf("%d items, said to be %d, in %d places, want %d in %d", there, items.len(), items.last, len(want), most)
		}
	})
}
