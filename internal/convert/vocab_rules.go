package convert

import "slices"

// vocabRule is how the tokenizer of a class differs from what its files say. The facts
// are those of llama.cpp's script.
type vocabRule struct {
	read          func(v *vocabulary) error // in place of looking which files there are
	change        func(v *vocabulary) error // after everything was read
	jsonFirst     bool                      // tokenizer.json, even where there is a tokenizer.model
	addedFromJSON bool                      // tokens added to a tokenizer.model are tokenizer.json's
	unigram       bool                      // a tokenizer.model is written as "t5"
	merges        bool                      // BPE of text with U+2581 for spaces is written as model, with its merges
	model, pre    string
	multiple      func(m *maker) int // the count of tokens is one of this
}

// vocabRules are the classes with a rule.
var vocabRules = map[string]vocabRule{
	"Gemma4ForCausalLM": gemma4Vocab, "Gemma4ForConditionalGeneration": gemma4Vocab,
	"GemmaForCausalLM":                {change: gemmaVocab},
	"Gemma2ForCausalLM":               {change: noSpacePrefix},
	"Gemma3ForCausalLM":               {change: noSpacePrefix},
	"Gemma3ForConditionalGeneration":  {change: noSpacePrefix},
	"Gemma3nForCausalLM":              {change: noSpacePrefix},
	"Gemma3nForConditionalGeneration": {change: noSpacePrefix},

	"LlamaForCausalLM": {change: llamaVocab}, "LLaMAForCausalLM": {change: llamaVocab}, "MistralForCausalLM": {change: llamaVocab},
	"MixtralForCausalLM": {change: llamaVocab}, "IQuestCoderForCausalLM": {change: llamaVocab},
	"Mistral3ForConditionalGeneration": {change: llamaVocab}, "Ministral3ForCausalLM": {change: llamaVocab},
	"Ernie4_5_ForCausalLM": {change: configuredPrefix}, "Ernie4_5ForCausalLM": {change: configuredPrefix},
	"InternLM3ForCausalLM": {change: configuredPrefix}, "PanguEmbeddedForCausalLM": {change: configuredPrefix},
	"JambaForCausalLM": {change: noSpacePrefixOfJSON},

	"Phi3ForCausalLM": {addedFromJSON: true}, "Phi4ForCausalLMV": {addedFromJSON: true},
	"MambaForCausalLM": {jsonFirst: true, multiple: padTo(8)}, "MambaLMHeadModel": {jsonFirst: true, multiple: padTo(8)},
	"FalconMambaForCausalLM": {jsonFirst: true, multiple: padTo(8)}, "Mamba2ForCausalLM": {multiple: padTo(16)},
	"NemotronHForCausalLM":        {jsonFirst: true, multiple: func(*maker) int { return 8 }},
	"GraniteMoeHybridForCausalLM": {multiple: hybridPadding}, "BambaForCausalLM": {multiple: hybridPadding},
	"MPTForCausalLM": {jsonFirst: true}, "StableLmForCausalLM": {jsonFirst: true}, "StableLMEpochForCausalLM": {jsonFirst: true},

	"Glm4ForCausalLM": {change: ids("eos", "<|endoftext|>", "eot", "<|user|>", "unk", "<|endoftext|>", "bos", "<|endoftext|>")},
	"GlmForCausalLM":  chatGLMVocab, "ChatGLMModel": chatGLMVocab, "ChatGLMForConditionalGeneration": chatGLMVocab,
	"Glm4MoeForCausalLM": glmVocab, "Glm4MoeLiteForCausalLM": glmVocab, "GlmMoeDsaForCausalLM": glmVocab, "Glm5NextForConditionalGeneration": glmVocab,
	"SolarOpenForCausalLM": {change: ids("eos", "<|endoftext|>", "eot", "<|endoftext|>", "unk", "<unk>", "bos", "<|startoftext|>")},
	"Dots3NoteForCausalLM": {change: ids("eot", "<|endofassistant|>")},

	"HunYuanDenseV1ForCausalLM": {change: hunyuanVocab},
	"QWenLMHeadModel":           {pre: "qwen2", change: qwenVocab}, "HunYuanMoEV1ForCausalLM": {pre: "hunyuan"},
	"HrmTextForCausalLM":   {merges: true, model: "gpt2", pre: "gemma4"},
	"SarvamMoEForCausalLM": {merges: true, model: "gpt2", pre: "sarvam-moe"},
	"InternLM2ForCausalLM": {addedFromJSON: true, change: internLM2Vocab},
	"LLaDAModelLM":         {change: addBOS},
	"NemotronForCausalLM":  {change: func(v *vocabulary) error { v.special.ids["pad"], v.special.ids["unk"] = 0, 1; return nil }},

	"T5ForConditionalGeneration": {unigram: true}, "MT5ForConditionalGeneration": {unigram: true}, "UMT5ForConditionalGeneration": {unigram: true},
	"T5WithLMHeadModel": {unigram: true}, "T5EncoderModel": {unigram: true}, "UMT5Model": {unigram: true},
	"KimiLinearForCausalLM": kimiVocab, "KimiLinearModel": kimiVocab, "KimiVLForConditionalGeneration": kimiVocab, "KimiK25ForConditionalGeneration": kimiVocab,
}

var (
	gemma4Vocab  = vocabRule{merges: true, model: "gemma4", change: gemma4Tokens, jsonFirst: true}
	glmVocab     = vocabRule{change: ids("bos", "[gMASK]", "eot", "<|user|>", "unk", "<|endoftext|>", "eom", "<|observation|>")}
	chatGLMVocab = vocabRule{change: func(v *vocabulary) error {
		v.special.add["bos"] = false
		return ids("eos", "<|endoftext|>", "eot", "<|user|>", "unk", "<|endoftext|>")(v)
	}}
	kimiVocab = vocabRule{pre: "kimi-k2"}
)

// padTo rounds the count of tokens up to what the configuration says, or by.
func padTo(by int) func(m *maker) int {
	return func(m *maker) int { return m.intOr(by, "pad_vocab_size_multiple") }
}

// hybridPadding is for Granite's hybrids, which have a row for every 8 tokens where they
// have recurrent layers.
func hybridPadding(m *maker) int {
	kinds, _ := m.config.Texts("layer_types")
	if m.class == "BambaForCausalLM" || slices.Contains(kinds, "mamba") {
		return 8
	}
	return 1
}

// ids sets kinds of special tokens, unless they are known, by the texts of tokens:
// kind, text, kind, text ...
func ids(pairs ...string) func(v *vocabulary) error {
	return func(v *vocabulary) error {
		for i := 0; i < len(pairs); i += 2 {
			v.special.set(pairs[i], slices.Index(v.tokens, pairs[i+1]), len(v.tokens))
		}
		return nil
	}
}

func noSpacePrefix(v *vocabulary) error {
	if v.model == "llama" {
		v.spacePrefix = new(bool)
	}
	return nil
}

// noSpacePrefixOfJSON is for models whose tokenizer.json does not say it.
func noSpacePrefixOfJSON(v *vocabulary) error {
	if !v.m.folder.Has("tokenizer.model") {
		return noSpacePrefix(v)
	}
	return nil
}

// configuredPrefix takes the space before text from tokenizer_config.json.
func configuredPrefix(v *vocabulary) error {
	if on, ok := v.config["add_prefix_space"].(bool); ok {
		v.spacePrefix = &on
	}
	return nil
}

// llamaVocab is for Llama and all that calls itself so.
func llamaVocab(v *vocabulary) error {
	switch v.m.intOr(0, "vocab_size") {
	case 32016: // Code Llama
		v.special.set("eot", 32010, len(v.tokens))
	case 49152: // Granite's code models
		v.special.add["bos"] = false
	}
	return configuredPrefix(v)
}

func gemmaVocab(v *vocabulary) error {
	v.special.set("eot", 107, len(v.tokens))
	return noSpacePrefix(v)
}

// gemma4Tokens shows the tokens around tool calls and thoughts to the user: they are
// read by programs.
func gemma4Tokens(v *vocabulary) error {
	visible := []string{"<|channel>", "<channel|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", `<|"|>`}
	for i, text := range v.tokens {
		if slices.Contains(visible, text) {
			v.types[i] = tokenUser
		}
	}
	v.spacePrefix = new(bool)
	return addBOS(v)
}

func addBOS(v *vocabulary) error {
	v.special.add["bos"] = true
	return nil
}

// qwenVocab names the one token that the first Qwen has for beginning, end and unknown.
func qwenVocab(v *vocabulary) error {
	if len(v.special.ids) == 0 {
		return ids("bos", "<|endoftext|>", "eos", "<|endoftext|>", "unk", "<|endoftext|>")(v)
	}
	return ids("unk", "<|endoftext|>")(v)
}

// hunyuanVocab takes the ends of Hunyuan's dense models from where those have them.
func hunyuanVocab(v *vocabulary) error {
	if id, ok := v.m.config.Int("eod_token_id"); ok && id >= 0 && id < len(v.tokens) {
		v.special.ids["eos"] = id
	}
	if generation, err := v.m.fields("generation_config.json"); err == nil {
		if list, ok := generation["eos_token_id"].([]any); ok && len(list) >= 2 {
			if id, ok := wholeNumber(list[0]); ok && id >= 0 && id < len(v.tokens) {
				v.special.ids["eot"] = id
			}
		}
	}
	return nil
}

// internLM2Vocab ends a chat where InternLM2 does, and marks its unused tokens.
func internLM2Vocab(v *vocabulary) error {
	for i, text := range v.tokens {
		switch {
		case text == "\x00":
			v.tokens[i] = "🐉" // no text may have a zero
		case len(text) > 7 && text[:7] == "[UNUSED" && v.types[i] == tokenNormal:
			v.types[i] = tokenUnused
		}
	}
	if id := slices.Index(v.tokens, "<|im_end|>"); id >= 0 {
		v.special.ids["eos"] = id
	}
	return nil
}
