// Package fidelity has only tests: the whole engine against llama.cpp on the
// same files, and against itself on other CPUs, thread counts and batch sizes.
//
// `make test` runs them on 512 tokens; `make fidelity` adds the perplexity of
// 8,192 tokens for every tensor type and writes what was measured to
// docs/fidelity.md. `make models` writes docs/models.md: every architecture on
// tiny random models.
package fidelity
