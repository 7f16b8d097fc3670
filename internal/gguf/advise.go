package gguf

import "unsafe"

// WillNeed asks the system to read the whole file ahead, where it can. It
// returns at once and reports nothing: the advice changes no result.
func (f *File) WillNeed() {
	for _, s := range f.shards {
		willNeed(s.data)
	}
}

// WillNeed asks the system to read the tensor ahead, where it can.
func (t *Tensor) WillNeed() { willNeed(t.Data) }

// wholePages widens data to the page it starts in, as madvise wants it. The
// mapping begins at a page, so the result stays inside it.
func wholePages(data []byte, page int) []byte {
	if len(data) == 0 {
		return nil
	}
	start := unsafe.Pointer(unsafe.SliceData(data))
	back := int(uintptr(start) & uintptr(page-1))
	return unsafe.Slice((*byte)(unsafe.Add(start, -back)), len(data)+back)
}
