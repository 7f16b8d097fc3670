package convert

import "slices"

// vocabRule is how the tokenizer of a class differs from what its files say. The facts
// are those of llama.cpp's script.
type vocabRule struct {
	change        func(v *vocabulary) error // after everything was read
	jsonFirst     bool                      // tokenizer.json, even where there is a tokenizer.model
	addedFromJSON bool                      // tokens added to a tokenizer.model are tokenizer.json's
	unigram       bool                      // a tokenizer.model is written as "t5"
	merges        bool                      // BPE of text with U+2581 for spaces is written as model, with its merges
	model, pre    string
	multiple      func(m *maker) int // the count of tokens is one of this
}

// vocabRules are the classes with a rule.
var vocabRules = func() map[string]vocabRule {
	rules := map[string]vocabRule{}
	add := func(r vocabRule, classes ...string) {
		for _, class := range classes {
			rules[class] = r
		}
	}
	add(vocabRule{change: gemmaVocab}, "GemmaForCausalLM")
	add(vocabRule{change: noSpacePrefix}, "Gemma2ForCausalLM", "Gemma3ForCausalLM", "Gemma3ForConditionalGeneration", "Gemma3TextModel",
		"Gemma3nForCausalLM", "Gemma3nForConditionalGeneration")
	add(vocabRule{merges: true, model: "gemma4", change: gemma4Tokens, jsonFirst: true}, "Gemma4ForCausalLM", "Gemma4ForConditionalGeneration",
		"Gemma4UnifiedForConditionalGeneration")
	add(vocabRule{change: llamaVocab}, "LlamaForCausalLM", "LLaMAForCausalLM", "MistralForCausalLM", "MixtralForCausalLM", "IQuestCoderForCausalLM",
		"Mistral3ForConditionalGeneration", "Ministral3ForCausalLM", "AfmoeForCausalLM", "CogVLMForCausalLM", "GraniteForCausalLM",
		"GraniteSWAForCausalLM", "GraniteMoeSWAForCausalLM", "GraniteMoeForCausalLM", "GraniteMoeSharedForCausalLM", "GraniteSwitchForCausalLM",
		"ArceeForCausalLM", "SmolLM3ForCausalLM", "ApertusForCausalLM", "NanbeigeForCausalLM", "LlavaForConditionalGeneration",
		"JanusForConditionalGeneration", "VoxtralForConditionalGeneration", "VLlama3ForCausalLM")
	add(vocabRule{change: configuredPrefix}, "Ernie4_5_ForCausalLM", "Ernie4_5ForCausalLM", "Ernie4_5_MoeForCausalLM", "PaddleOCRVLForConditionalGeneration",
		"InternLM3ForCausalLM", "PanguEmbeddedForCausalLM")
	add(vocabRule{change: noSpacePrefixOfJSON}, "JambaForCausalLM")
	add(vocabRule{addedFromJSON: true}, "Phi3ForCausalLM", "Phi4ForCausalLMV", "PhiMoEForCausalLM")
	add(vocabRule{addedFromJSON: true, change: internLM2Vocab}, "InternLM2ForCausalLM")
	add(vocabRule{jsonFirst: true, multiple: padTo(8)}, "MambaForCausalLM", "MambaLMHeadModel", "FalconMambaForCausalLM")
	add(vocabRule{multiple: padTo(16)}, "Mamba2ForCausalLM")
	add(vocabRule{jsonFirst: true, multiple: func(*maker) int { return 8 }}, "NemotronHForCausalLM", "NemotronHPuzzleForCausalLM")
	add(vocabRule{multiple: hybridPadding}, "GraniteMoeHybridForCausalLM", "BambaForCausalLM")
	add(vocabRule{jsonFirst: true}, "XverseForCausalLM", "MPTForCausalLM", "StableLmForCausalLM", "StableLMEpochForCausalLM")
	add(vocabRule{change: ids("eos", "<|endoftext|>", "eot", "<|user|>", "unk", "<|endoftext|>", "bos", "<|endoftext|>")},
		"Glm4ForCausalLM", "Glm4vForConditionalGeneration", "GlmOcrForConditionalGeneration")
	add(vocabRule{change: chatGLMVocab}, "GlmForCausalLM", "ChatGLMModel", "ChatGLMForConditionalGeneration")
	add(vocabRule{change: ids("bos", "[gMASK]", "eot", "<|user|>", "unk", "<|endoftext|>", "eom", "<|observation|>")},
		"Glm4MoeForCausalLM", "Glm4vMoeForConditionalGeneration", "Glm4MoeLiteForCausalLM", "GlmMoeDsaForCausalLM", "Glm5NextForConditionalGeneration")
	add(vocabRule{change: ids("eos", "<|endoftext|>", "eot", "<|endoftext|>", "unk", "<unk>", "bos", "<|startoftext|>")}, "SolarOpenForCausalLM")
	add(vocabRule{change: ids("eot", "<|endofassistant|>")}, "Dots3NoteForCausalLM")
	add(vocabRule{change: hunyuanVocab}, "HunYuanDenseV1ForCausalLM", "HunYuanVLForConditionalGeneration")
	add(vocabRule{pre: "hunyuan"}, "HunYuanMoEV1ForCausalLM")
	add(vocabRule{pre: "qwen2", change: qwenVocab}, "QWenLMHeadModel")
	add(vocabRule{pre: "kimi-k2"}, "KimiLinearForCausalLM", "KimiLinearModel", "KimiVLForConditionalGeneration", "KimiK25ForConditionalGeneration",
		"DeepseekV3ForCausalLM")
	add(vocabRule{merges: true, model: "gpt2", pre: "gemma4"}, "HrmTextForCausalLM")
	add(vocabRule{merges: true, model: "gpt2", pre: "sarvam-moe"}, "SarvamMoEForCausalLM", "modeling_sarvam_moe.SarvamMoEForCausalLM")
	add(vocabRule{change: addBOS}, "LLaDAModelLM")
	add(vocabRule{change: func(v *vocabulary) error { v.special.ids["pad"], v.special.ids["unk"] = 0, 1; return nil }}, "NemotronForCausalLM")
	add(vocabRule{unigram: true}, "T5ForConditionalGeneration", "MT5ForConditionalGeneration", "UMT5ForConditionalGeneration", "T5WithLMHeadModel",
		"T5EncoderModel", "UMT5Model")
	return rules
}()

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

// chatGLMVocab adds no BOS, unless the tokenizer says so.
func chatGLMVocab(v *vocabulary) error {
	if _, ok := v.special.add["bos"]; !ok {
		v.special.add["bos"] = false
	}
	return ids("eos", "<|endoftext|>", "eot", "<|user|>", "unk", "<|endoftext|>")(v)
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
	if v.spacePrefix == nil && v.model == "llama" { // always said
		yes := true
		v.spacePrefix = &yes
	}
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
