package kernels

// Scratch is the working memory of one worker: unpacked rows and panels. It
// grows to what the largest matrix needs and stays; it must not be shared by
// goroutines that run at the same time.
type Scratch struct {
	row    rowForm   // one unpacked row, plain Go
	f      []float32 // one row as floats, plain Go
	halves halves    // tokens rounded for F16 weights
	tier   tierScratch
	tile   [64]float32 // attention scores of one tile
	kv     HeadCache
	params AttendParams
}

// NewScratch returns an empty scratch.
func NewScratch() *Scratch { return &Scratch{} }
