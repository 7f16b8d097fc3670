package model

import (
	"fmt"
	"sort"
)

// Refusal names an architecture that GGUF files may have and that this engine
// does not run, since it is no decoder of text, or nobody's.
type Refusal struct{ Arch, What string }

// refused has what GGUF files may hold beside text decoders.
var refused = map[string]string{
	"bert":             "an encoder for embeddings",
	"clef":             "a model that chooses among options",
	"clip":             "an encoder of images",
	"dflash":           "a draft model that needs another model",
	"dream":            "a diffusion model of text",
	"eagle3":           "a draft model that needs another model",
	"eurobert":         "an encoder for embeddings",
	"gemma-embedding":  "an encoder for embeddings",
	"gemma-embedding2": "an encoder for embeddings",
	"gemma4-assistant": "a draft model that needs another model",
	"gptj":             "a name that llama.cpp has no definition for",
	"jina-bert-v2":     "an encoder for embeddings",
	"jina-bert-v3":     "an encoder for embeddings",
	"llada":            "a diffusion model of text",
	"llada-moe":        "a diffusion model of text",
	"llama-embed":      "an encoder for embeddings",
	"modern-bert":      "an encoder for embeddings",
	"neo-bert":         "an encoder for embeddings",
	"nomic-bert":       "an encoder for embeddings",
	"nomic-bert-moe":   "an encoder for embeddings",
	"pockettts":        "a speech model",
	"qwen3tts":         "a speech model",
	"rnd1":             "a diffusion model of text",
	"t5":               "an encoder with a decoder",
	"t5encoder":        "an encoder for embeddings",
	"vllm-decision2":   "a model that chooses among options",
	"wavtokenizer-dec": "a speech model",
}

// Refused lists what Load refuses by name, sorted.
func Refused() []Refusal {
	list := make([]Refusal, 0, len(refused))
	for arch, what := range refused {
		list = append(list, Refusal{arch, what})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Arch < list[j].Arch })
	return list
}

// refusal is the error for an architecture that is not registered; nil if it is
// none of those that are refused by name.
func refusal(path, arch string) error {
	what, ok := refused[arch]
	if !ok {
		return nil
	}
	return fmt.Errorf("%s: architecture %q: %w: it is %s, and no decoder of text that runs here", path, arch, ErrUnsupported, what)
}
