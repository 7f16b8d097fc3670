// Package abitest has only tests: they build libhappyphonellm, load it without
// cgo, and drive every function of its C interface as a host would.
//
// HPLLM_LIB names a library to test instead of a fresh one; HPLLM_SOAK=1 runs
// the long forms of the tests (build/soak.sh).
package abitest
