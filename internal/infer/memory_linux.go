package infer

import "os"

// anonymousMemory is the process's memory that is no part of a file, in bytes;
// 0 where the system does not tell.
func anonymousMemory() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	return kibField(status, "RssAnon:")
}
