package tokenizer

import "bytes"

// Texts by which special tokens are known where the file does not name them.
// The lists are llama.cpp's.
var knownTexts = []struct {
	name  string
	texts []string
}{
	{"eot", []string{"<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>", "<EOT>",
		"_<EOT>", "[EOT]", "<｜end▁of▁sentence｜>", "<end_of_utterance>"}},
	{"eom", []string{"<|eom_id|>"}},
	{"fim_pre", []string{"<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>",
		"<|code_prefix|>", "<|prefix|>", "<|plamo:fim_prefix|>"}},
	{"fim_suf", []string{"<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>",
		"<|code_suffix|>", "<|suffix|>", "<|plamo:fim_suffix|>"}},
	{"fim_mid", []string{"<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>",
		"<|code_middle|>", "<|middle|>", "<|plamo:fim_middle|>"}},
	{"fim_pad", []string{"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"}},
	{"fim_rep", []string{"<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"}},
	{"fim_sep", []string{"<|file_sep|>", "<|plamo:file_separator|>"}},
}

// endTexts are tokens that end a generation whenever a vocabulary has them.
var endTexts = []string{"<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>",
	"<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>",
	"<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>", "<｜end▁of▁sentence｜>", "[e~[", "<|ifm|im_end|>"}

// markSpecial finds special tokens by their texts, sets their attributes and
// collects the tokens that end a generation.
func (v *vocab) markSpecial() {
	for _, k := range knownTexts {
		if v.special[k.name] >= 0 {
			continue
		}
		for _, text := range k.texts {
			if id := v.id(text); id >= 0 {
				v.special[k.name] = id
				v.attrs[id] |= attrControl
				break
			}
		}
	}
	for i, a := range v.attrs {
		if a&attrControl != 0 && bytes.Contains(v.text(int32(i)), []byte("unused")) {
			v.attrs[i] |= attrUnused
		}
	}
	v.eog = map[int32]bool{}
	end := func(id int32) {
		if id >= 0 {
			v.eog[id] = true
		}
	}
	for _, name := range []string{"fim_pad", "fim_rep", "fim_sep"} {
		end(v.special[name])
	}
	for _, text := range endTexts {
		if id := v.id(text); id >= 0 {
			end(id)
			v.attrs[id] |= attrControl
		}
	}
	// The channel markers of gpt-oss are part of what a user reads.
	for _, text := range []string{"<|channel|>", "<|message|>", "<|start|>", "<|constrain|>"} {
		if id := v.id(text); id >= 0 {
			v.attrs[id] = attrUser
		}
	}
	for _, name := range []string{"eos", "eot", "eom"} {
		end(v.special[name])
	}
	ends := func(text string) bool { return v.eog[v.id(text)] && v.id(text) >= 0 }
	if call := ends("<|call|>") || ends("<|calls|>"); call && ends("<|end|>") && (ends("<|return|>") || ends("<|flush|>")) {
		id := v.id("<|end|>") // ends a channel there, not the answer
		delete(v.eog, id)
		v.attrs[id] = attrUser
	}
	if (ends("<|tool_response>") || ends("<|plamo:eos|>")) && ends("</s>") {
		id := v.id("</s>") // an HTML tag there
		delete(v.eog, id)
		v.attrs[id] = attrNormal
	}
}
