// Package kernels holds the loops over numbers: matrix times activations in
// every tensor type, norms, activations, rotary embedding and attention.
//
// It owns CPU dispatch and nothing else: no goroutines, no allocation in hot
// calls, no I/O but one question about the processor, no knowledge of models or
// files. Work is split by the caller, who hands out ranges of rows, tokens or
// heads; every function may run in many goroutines at once as long as their
// outputs do not overlap and each has its own Scratch.
//
// The same input gives the same bits on every CPU and in every tier. The order
// of every floating-point step is written down in docs/numerics.md; plain Go
// (tier "go") is the reference and every other tier is tested to equal it.
package kernels
