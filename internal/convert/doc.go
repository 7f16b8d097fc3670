// Package convert makes GGUF files of other files: it requantizes one, tensor by
// tensor, without ever holding it in memory.
//
// It owns the choice of each tensor's type (llama.cpp's mixes) and the pipeline
// that reads, quantizes and writes; how blocks are made belongs to package
// quant, bytes of files to package gguf.
package convert
