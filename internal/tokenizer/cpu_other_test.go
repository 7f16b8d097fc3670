//go:build !unix

package tokenizer

import "time"

var started = time.Now()

// cpuTime is the clock, where processor time is not at hand.
func cpuTime() time.Duration { return time.Since(started) }
