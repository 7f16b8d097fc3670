// Package main is libhappyphonellm: the functions of include/hp_llm.h.
//
// It only carries values across the border between C and Go: what they mean is
// the business of package infer. Every function goes through guard, which turns
// errors and panics into statuses, and finds its object in one table of handles.
//
// It is built with -buildmode=c-shared or c-archive (build/library.sh). Without
// cgo this is an empty program.
package main

func main() {}
