//go:build unix

package gguf

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapFile maps the first size bytes of file, shared and read-only, on huge pages
// where the system has them.
func mapFile(file *os.File, size int) ([]byte, error) {
	data, err := unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err == nil {
		hugePages(data)
	}
	return data, err
}

func unmap(data []byte) error { return unix.Munmap(data) }

// wholePages widens data to the page it starts in, as madvise wants it. The
// mapping begins at a page, so the result stays inside it.
func wholePages(data []byte) []byte {
	if len(data) == 0 {
		return nil
	}
	start := unsafe.Pointer(unsafe.SliceData(data))
	back := int(uintptr(start) & uintptr(os.Getpagesize()-1))
	return unsafe.Slice((*byte)(unsafe.Add(start, -back)), len(data)+back)
}
