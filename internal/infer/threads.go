package infer

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// MaxThreads bounds what callers may ask for.
const MaxThreads = 256

// cores is how many this process may use at once: by its affinity, and by its
// share of the machine where the system sets one.
var cores = min(runtime.NumCPU(), runtime.GOMAXPROCS(0))

// DefaultThreads is the number of fast cores: those that reach at least three
// quarters of the fastest one's clock, where the system tells, else all. A slow
// core in the team would make the others wait for its last tile.
func DefaultThreads() int {
	all := min(cores, MaxThreads)
	files, _ := filepath.Glob("/sys/devices/system/cpu/cpu[0-9]*/cpufreq/cpuinfo_max_freq")
	if len(files) < runtime.NumCPU() {
		return all
	}
	var clocks []int
	fastest := 0
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return all
		}
		khz, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return all
		}
		clocks = append(clocks, khz)
		fastest = max(fastest, khz)
	}
	n := 0
	for _, khz := range clocks {
		if 4*khz >= 3*fastest {
			n++
		}
	}
	return min(n, all)
}
