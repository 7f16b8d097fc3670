package convert

import (
	"encoding/binary"
	"fmt"

	"happyphonellm/internal/quant"
)

// infinite has, for the float types whose bytes are copied, a word of the bits that
// are all set in an infinity or NaN, and the bytes of an element.
var infinite = map[quant.Type]struct {
	exponents, ones, signs uint64
	size                   int
}{
	quant.F32:  {0x7f800000_7f800000, 0x00000001_00000001, 0x80000000_80000000, 4},
	quant.F16:  {0x7c00_7c00_7c00_7c00, 0x0001_0001_0001_0001, 0x8000_8000_8000_8000, 2},
	quant.BF16: {0x7f80_7f80_7f80_7f80, 0x0001_0001_0001_0001, 0x8000_8000_8000_8000, 2},
}

// finite is an error if one of the numbers in b, of type t and of rows of cols from
// row row on, is an infinity or NaN. It looks at 8 bytes at once: a lane of
// exponents^word is 0 where the exponent is all ones.
func finite(t quant.Type, b []byte, row, cols int) error {
	bits, ok := infinite[t]
	if !ok {
		return nil
	}
	f, _ := t.Format()
	for i := 0; i < len(b); i += 8 {
		var word uint64
		if i+8 <= len(b) {
			word = binary.LittleEndian.Uint64(b[i:])
		} else {
			var last [8]byte
			copy(last[:], b[i:])
			word = binary.LittleEndian.Uint64(last[:])
		}
		v := word&bits.exponents ^ bits.exponents
		if (v-bits.ones)&^v&bits.signs == 0 {
			continue
		}
		end := min(i+8, len(b))
		x := make([]float32, (end-i)/bits.size)
		f.Dequantize(x, b[i:end])
		at := i / bits.size
		if j := notFinite(x); j >= 0 {
			at += j
			return fmt.Errorf("row %d, column %d is %g: this is no finite number", row+at/cols, at%cols, x[j])
		}
	}
	return nil
}
