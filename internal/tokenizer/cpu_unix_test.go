//go:build unix

package tokenizer

import (
	"syscall"
	"time"
)

// cpuTime returns the processor time this process has used, which a busy machine
// does not stretch as it does the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
