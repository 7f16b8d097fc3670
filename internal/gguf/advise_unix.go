//go:build unix && !linux

package gguf

import "golang.org/x/sys/unix"

// hugePages would ask for huge pages; these systems have none for files.
func hugePages([]byte) {}

// willNeed asks for pages, a slice of a mapping, to be read, and says whether
// to ask for the next ones, too.
func willNeed(pages []byte) bool { return unix.Madvise(pages, unix.MADV_WILLNEED) == nil }
