//go:build unix

package gguf

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps the first size bytes of file, shared and read-only.
func mapFile(file *os.File, size int) ([]byte, error) {
	return unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
}

func unmap(data []byte) error { return unix.Munmap(data) }

// willNeed asks for the pages of data, a slice of a mapping, to be read ahead.
// A kernel that does not know the advice is no error for us.
func willNeed(data []byte) {
	if data = wholePages(data, os.Getpagesize()); len(data) > 0 {
		_ = unix.Madvise(data, unix.MADV_WILLNEED)
	}
}
