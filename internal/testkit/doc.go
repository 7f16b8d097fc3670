// Package testkit helps tests: it finds the cached models, vocabularies and
// peer programs that `make deps` puts into the user's cache folder, runs the
// peers (llama.cpp's tools, in a Debian folder of their own), and compares
// rows of logits.
//
// Only _test files import it. It owns no numerics of the engine: everything
// here is float64 from the math package, for judging, never for generating.
//
// The cache folder ($HPLLM_CACHE, else the user's cache folder +
// happy-phone-llm) looks like this:
//
//	models/NAME.gguf    real models and their requantized forms
//	vocabs/*.gguf       llama.cpp's vocabulary files, with .inp and .out
//	templates/*.jinja   chat templates of published models
//	archs/*.gguf        tiny models of every architecture (test-llama-archs)
//	checkpoints/NAME/   tiny Hugging Face checkpoints, with logits and llama.cpp's file in ref/
//	text/english.txt    the text that perplexity is measured on
//	sid/                a Debian root folder with llama.cpp's tools
//
// A test that needs something absent is skipped with a message that names the
// make target; with HPLLM_REQUIRE=1 (as `make test` sets it once `make deps`
// has succeeded) it fails instead.
package testkit
