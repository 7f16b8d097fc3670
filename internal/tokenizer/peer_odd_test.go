package tokenizer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/testkit"
)

// TestPeerOddVocabs compares on vocabularies as no converter should write them: lists
// that are missing, tokens without text or of a type that does not fit it, special ids
// at random or out of range, settings that contradict each other.
func TestPeerOddVocabs(t *testing.T) {
	const count = 60
	compared := 0
	for i := range uint64(count) {
		r := rand.New(rand.NewPCG(env("HPLLM_SEED", 1), 100+i))
		w, name := oddVocab(r)
		path := create(t, w)
		// llama.cpp stops the program at some of these; what it does not read, it does not judge.
		if testkit.Peer(t, "hpllm-peer-tokenize", testkit.Share(t, path), "1", "1", "pieces").Run() != nil {
			continue
		}
		t.Run(fmt.Sprint(i, " ", name), func(t *testing.T) {
			tok := open(t, path)
			compared++
			texts := append(randomTexts(r, 60, tok), shapes...)
			for range 60 {
				texts = append(texts, pieces(r, 1+r.IntN(40)))
			}
			compare(t, path, tok, texts)
		})
	}
	if compared < count/2 {
		t.Errorf("only %d of %d compared", compared, count)
	}
}

// oddTexts are those that vocabularies treat in ways of their own.
func oddTexts() []string {
	texts := append(slices.Clone(endTexts), "<|channel|>", "<|message|>", "<mask>", "[MASK]", "<unused1>", "[PAD9]", "<|plamo:eos|>",
		" lead", "trail ", "a b", "\u2581", "\u2581\u2581", "", "\n", "\t", "  ", "<0x0A>", "<0x0a>", "日本")
	for _, k := range knownTexts {
		texts = append(texts, k.texts...)
	}
	return texts
}

func oddVocab(r *rand.Rand) (w *gguf.Writer, name string) {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	model := pick("rwkv", "plamo2", "plamo3", "t5", "bert", "llama", "llama", "gpt2", "gpt2", "gemma4")
	pre := pick("gpt-2", "llama-bpe", "qwen2", "", "deepseek-v3", "chatglm-bpe", "jina-v2-code", "gemma4", "mmbert", "kimi-k2")
	base := model
	if model == "gemma4" {
		base = "llama"
	}
	l := smallLists(r, base)
	known := map[string]bool{} // of several texts for one purpose llama.cpp takes any
	for range r.IntN(12) {
		text, group := pick(oddTexts()...), ""
		for _, k := range knownTexts {
			if slices.Contains(k.texts, text) {
				group = k.name
			}
		}
		if slices.Contains(l.tokens, text) || group != "" && known[group] {
			continue
		}
		known[group] = true
		l.tokens, l.types, l.scores = append(l.tokens, text), append(l.types, r.Int32N(6)), append(l.scores, -float32(r.IntN(9)))
	}
	w = gguf.NewWriter()
	w.SetText("general.architecture", pick("llama", "phi3", "nomic-bert-moe", "bert", "gemma3"))
	if r.IntN(2) == 0 {
		w.SetText("general.name", pick("Phi-3 mini", "phi3", "modern-bert", "x"))
	}
	w.SetText("tokenizer.ggml.model", model)
	if pre != "" {
		w.SetText("tokenizer.ggml.pre", pre)
	}
	w.SetTexts("tokenizer.ggml.tokens", l.tokens)
	if r.IntN(8) > 0 {
		gguf.SetNumbers(w, "tokenizer.ggml.token_type", l.types)
	}
	if r.IntN(8) > 0 {
		gguf.SetNumbers(w, "tokenizer.ggml.scores", l.scores)
	}
	w.SetTexts("tokenizer.ggml.merges", l.merges)
	for _, k := range specialKeys {
		switch kind := r.IntN(50); {
		case k.name == "bos" || k.name == "eos" || k.name == "sep": // without one llama.cpp stops at the first text
			w.SetUint32(keyPrefix+k.key, uint32(r.IntN(len(l.tokens))))
		case kind == 0:
			w.SetUint32(keyPrefix+k.key, uint32(len(l.tokens)+r.IntN(3)))
		case kind == 1:
			w.SetUint32(keyPrefix+k.key, 1<<32-1)
		case kind < 9:
			w.SetUint32(keyPrefix+k.key, uint32(r.IntN(len(l.tokens))))
		}
	}
	for _, k := range []string{"add_space_prefix", "remove_extra_whitespaces", "add_bos_token", "add_eos_token", "add_sep_token",
		"normalizer.nfc", "normalizer.lowercase", "normalizer.strip_accents"} {
		if r.IntN(3) == 0 {
			w.SetBool(keyPrefix+k, r.IntN(2) == 0)
		}
	}
	return w, model + " " + pre
}
