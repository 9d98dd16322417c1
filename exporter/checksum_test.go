package exporter

import (
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

func TestChecksumsAreJoined(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	j := newJoiner()
	var text []byte
	var joined uint32
	for _, size := range []int{0, 1, 5, 4096, 0, 70_001, 3, 1 << 20} {
		piece := make([]byte, size)
		for i := range piece {
			piece[i] = byte(random.Uint32())
		}
		text = append(text, piece...)
		joined = j.join(joined, crc32.ChecksumIEEE(piece), size)
		if want := crc32.ChecksumIEEE(text); joined != want {
			t.Fatalf("after %d bytes more: %08x, want %08x", size, joined, want)
		}
	}
}
