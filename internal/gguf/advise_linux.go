package gguf

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePages asks for the file to be read and mapped in huge pages: a token
// reads all of the weights, and with small pages it waits for their tables,
// too. What is in memory already stays as it is. A kernel that cannot do it is
// no error for us.
func hugePages(data []byte) { _ = unix.Madvise(data, unix.MADV_HUGEPAGE) }

// willNeed brings pages, a slice of a mapping, into memory, and says whether
// the next ones can be, too. What is there already is left to those who use it:
// to map it, too, takes time from them. MADV_WILLNEED, all that kernels before
// 5.14 have, reads no more than the disk's read-ahead.
func willNeed(pages []byte) bool {
	if inMemory(pages) {
		return true
	}
	err := unix.Madvise(pages, unix.MADV_POPULATE_READ)
	if err == unix.EINVAL {
		err = unix.Madvise(pages, unix.MADV_WILLNEED)
	}
	return err == nil
}

// inMemory says whether the last of pages is. The first ones tell less: the
// kernel reads ahead of what it was last asked for.
func inMemory(pages []byte) bool {
	last := (len(pages) - 1) &^ (os.Getpagesize() - 1)
	var there byte
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&pages[last])), 1, uintptr(unsafe.Pointer(&there)))
	return errno == 0 && there&1 != 0
}
