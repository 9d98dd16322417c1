package exporter

import "hash/crc32"

// joiner makes the CRC-32 of a text from those of its pieces, so that a page is not read
// again for what has not changed.
//
// To append zero bytes to a text maps its checksum linearly, bit by bit. powers[k] is the
// map of 2^k zero bytes, by the bit that it is applied to.
type joiner struct{ powers [31]linear }

// linear is a linear map of 32 bits: the image of each.
type linear [32]uint32

func (m *linear) of(bits uint32) uint32 {
	var sum uint32
	for i := 0; bits != 0; i, bits = i+1, bits>>1 {
		if bits&1 != 0 {
			sum ^= m[i]
		}
	}
	return sum
}

func newJoiner() *joiner {
	var j joiner
	for i := range j.powers[0] {
		// Update inverts what it is given and what it returns; the map does not.
		j.powers[0][i] = ^crc32.Update(^(1 << i), crc32.IEEETable, []byte{0})
	}
	for k := 1; k < len(j.powers); k++ {
		half := &j.powers[k-1]
		for i := range half {
			j.powers[k][i] = half.of(half[i])
		}
	}
	return &j
}

// join is the checksum of two pieces in a row, of which the second has so many bytes.
func (j *joiner) join(first, second uint32, size int) uint32 {
	for k := 0; size > 0; k, size = k+1, size>>1 {
		if size&1 != 0 {
			first = j.powers[k].of(first)
		}
	}
	return first ^ second
}
