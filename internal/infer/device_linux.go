package infer

import (
	"bytes"
	"os"
	"strconv"
)

// deviceMemory is the memory of this machine and what of it programs can have
// now, in bytes; 0 where the system does not tell.
func deviceMemory() (total, available int64) {
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, 0
	}
	return kibField(info, "MemTotal:"), kibField(info, "MemAvailable:")
}

// kibField reads a line like "MemTotal:   2048 kB" of /proc, in bytes; 0 if there is none.
func kibField(text []byte, name string) int64 {
	for line := range bytes.Lines(text) {
		rest, ok := bytes.CutPrefix(line, []byte(name))
		if !ok {
			continue
		}
		fields := bytes.Fields(rest)
		if len(fields) == 0 {
			return 0
		}
		kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
		if err != nil || kib < 0 || kib > 1<<52 {
			return 0
		}
		return kib << 10
	}
	return 0
}
