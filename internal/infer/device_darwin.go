package infer

import "syscall"

// deviceMemory is the memory of this machine and what of it programs can have
// now, in bytes; 0 where the system does not tell. Darwin tells the first only.
func deviceMemory() (total, available int64) {
	// The value is a 64-bit number, little-endian, of which Sysctl takes the
	// last byte for a string's end if it is 0.
	raw, err := syscall.Sysctl("hw.memsize")
	if err != nil || len(raw) > 8 {
		return 0, 0
	}
	for i := len(raw) - 1; i >= 0; i-- {
		total = total<<8 | int64(raw[i])
	}
	return max(total, 0), 0
}
