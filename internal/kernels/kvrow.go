package kernels

import (
	"encoding/binary"
	"fmt"
	"math"

	"happyphonellm/internal/quant"
)

// KVRowBytes is the size of one cached row of dim values, or false when the
// cache type is none of F32, F16 and Q8_0, or dim does not fill its blocks.
func KVRowBytes(t quant.Type, dim int) (int, bool) {
	switch t {
	case quant.F32, quant.F16, quant.Q8_0:
		f, _ := t.Format()
		return f.RowBytes(dim)
	}
	return 0, false
}

// StoreKV writes src as one cached row of type t (F32, F16 or Q8_0) to dst.
func StoreKV(t quant.Type, dst []byte, src []float32) {
	switch t {
	case quant.F32:
		_ = dst[:4*len(src)]
		for i, v := range src {
			binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
		}
	case quant.F16:
		active.storeF16(dst[:2*len(src)], src)
	case quant.Q8_0:
		if len(src)%32 != 0 {
			panic(fmt.Sprintf("kernels: q8_0 row of %d values", len(src)))
		}
		active.storeQ8(dst[:len(src)/32*34], src)
	default:
		panic(fmt.Sprintf("kernels: cache of type %s", t))
	}
}

func storeF16Go(dst []byte, src []float32) {
	for i, v := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], quant.F32ToF16(v))
	}
}

// storeQ8Go quantizes as Acts does; the scale is then rounded to f16.
func storeQ8Go(dst []byte, src []float32) {
	for b := range len(src) / 32 {
		x, blk := src[b*32:][:32], dst[b*34:][:34]
		var amax float32
		for _, v := range x {
			if v = abs32(v); v > amax {
				amax = v
			}
		}
		var d, id float32
		if amax >= quantMin {
			d = amax / 127
			id = 127 / amax
		}
		binary.LittleEndian.PutUint16(blk, quant.F32ToF16(d))
		for i, v := range x {
			blk[2+i] = byte(roundInt(float32(v * id)))
		}
	}
}

// LoadKV reads one cached row of type t: the numbers that StoreKV has kept of src.
func LoadKV(t quant.Type, dst []float32, src []byte) { widenKV(t, dst, src) }
