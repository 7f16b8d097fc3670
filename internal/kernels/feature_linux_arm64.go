//go:build !purego

package kernels

import (
	"encoding/binary"
	"os"
)

// featureBF16 asks the auxiliary vector (Linux and Android).
func featureBF16() bool {
	const hwcap2, bf16 = 26, 1 << 14 // AT_HWCAP2, HWCAP2_BF16
	vector, _ := os.ReadFile("/proc/self/auxv")
	for ; len(vector) >= 16; vector = vector[16:] {
		if binary.LittleEndian.Uint64(vector) == hwcap2 {
			return binary.LittleEndian.Uint64(vector[8:])&bf16 != 0
		}
	}
	return false
}
