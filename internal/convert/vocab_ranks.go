package convert

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Files of ranked byte strings: tiktoken's, a line each, and Mistral's tekken.json. They
// have no merges: those are what the ranks imply.

// isRanks says whether a file is tiktoken's: a base64 text, a space and a number on its
// first line.
func isRanks(data []byte) bool {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	text, rank, ok := strings.Cut(strings.TrimSpace(string(line)), " ")
	if !ok || text == "" {
		return false
	}
	_, err := base64.StdEncoding.DecodeString(text)
	_, wrong := strconv.Atoi(rank)
	return err == nil && wrong == nil
}

// readRanks reads a file of tiktoken's, and its special tokens, which stand in
// tokenizer_config.json.
func (v *vocabulary) readRanks(name string, data []byte) error {
	file := v.m.path(name)
	ranks := map[string]int{}
	var texts []string
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		code, number, _ := strings.Cut(line, " ")
		text, err := base64.StdEncoding.DecodeString(code)
		rank, wrong := strconv.Atoi(number)
		if err != nil || wrong != nil || len(text) == 0 || rank != len(texts) {
			return fmt.Errorf("%s: line %d is no token in base64 with the rank %d", file, i+1, len(texts))
		}
		if _, ok := ranks[string(text)]; ok || rank >= maxTokens {
			return fmt.Errorf("%s: line %d: token %s is there twice, or one too many", file, i+1, brief(string(text)))
		}
		ranks[string(text)] = rank
		texts = append(texts, string(text))
	}
	special, err := addedTokens(v.config)
	if err != nil {
		return err
	}
	if len(special) == 0 && v.m.class == "QWenLMHeadModel" {
		special = firstQwen(len(texts))
	}
	if len(special) == 0 {
		return fmt.Errorf("%s: its special tokens are in the checkpoint's Python code only: want tokenizer.json, or \"added_tokens_decoder\" in tokenizer_config.json", file)
	}
	v.pre = cmp.Or(v.given, v.rule.pre)
	if v.pre == "" {
		return fmt.Errorf("%s: the pre-tokenizer is in the checkpoint's Python code only: name it with --pre-tokenizer", file)
	}
	top := len(texts)
	for _, a := range special {
		top = max(top, int(min(a.ID, maxTokens))+1)
	}
	n, err := v.size(top)
	if err != nil {
		return err
	}
	if n < len(texts) {
		return fmt.Errorf("%s: it has %d tokens, but the model %d (%s)", file, len(texts), n, v.m.config.File())
	}
	v.model = "gpt2"
	v.room(n)
	for i, text := range texts {
		v.tokens[i], v.types[i] = toLetters(text), tokenNormal
	}
	for _, a := range special {
		if a.ID < 0 || a.ID >= int64(n) {
			return fmt.Errorf("%s: token %s has id %d of %d", v.m.path("tokenizer_config.json"), brief(a.Content), a.ID, n)
		}
		v.tokens[a.ID], v.types[a.ID] = a.Content, tokenControl
	}
	v.merges = []string{}
	for _, text := range texts {
		if parts := parted(ranks, text); len(parts) == 2 {
			v.merges = append(v.merges, toLetters(parts[0])+" "+toLetters(parts[1]))
		}
	}
	return nil
}

// firstQwen are the special tokens of the first Qwen, which are in its code.
func firstQwen(first int) []addedToken {
	texts := []string{"<|endoftext|>", "<|im_start|>", "<|im_end|>"}
	for i := range 205 {
		texts = append(texts, fmt.Sprintf("<|extra_%d|>", i))
	}
	special := make([]addedToken, len(texts))
	for i, text := range texts {
		special[i] = addedToken{ID: int64(first + i), Content: text, Special: true}
	}
	return special
}

// parted is what merging gives of text by the ranks below its own: two parts, if it
// can come of a merge.
func parted(ranks map[string]int, text string) []string {
	parts := make([]string, len(text))
	for i := range parts {
		parts[i] = text[i : i+1]
	}
	for {
		best, at := ranks[text], -1
		for i := range len(parts) - 1 {
			if rank, ok := ranks[parts[i]+parts[i+1]]; ok && rank < best {
				best, at = rank, i
			}
		}
		if at < 0 {
			return parts
		}
		parts[at] += parts[at+1]
		parts = append(parts[:at+1], parts[at+2:]...)
	}
}

// tekkenSpecial are the special tokens of files of the first version, which do not list them.
var tekkenSpecial = []string{"<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]",
	"[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"}

// readTekken reads Mistral's own file: special tokens first, then ranked ones.
func (v *vocabulary) readTekken() error {
	file := v.m.path("tekken.json")
	data, err := v.m.folder.ReadFile("tekken.json")
	if err != nil {
		return err
	}
	var t struct {
		Config struct {
			Size     int `json:"default_vocab_size"`
			Specials int `json:"default_num_special_tokens"`
		} `json:"config"`
		Vocab []struct {
			Rank  int    `json:"rank"`
			Bytes []byte `json:"token_bytes"`
		} `json:"vocab"`
		Special []struct {
			Rank int    `json:"rank"`
			Text string `json:"token_str"`
		} `json:"special_tokens"`
	}
	if err := json.Unmarshal(data, &t); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	first, n := t.Config.Specials, t.Config.Size
	if first < 0 || n <= first || n > maxTokens || n-first > len(t.Vocab) {
		return fmt.Errorf("%s: %d tokens, %d of them special, of %d ranked ones", file, n, first, len(t.Vocab))
	}
	v.room(n)
	v.scores = make([]float32, n)
	for i := range first {
		v.tokens[i], v.types[i] = fmt.Sprintf("<SPECIAL_%d>", i), tokenControl
	}
	if t.Special == nil {
		copy(v.tokens[:first], tekkenSpecial)
	}
	for _, s := range t.Special {
		if s.Rank < 0 || s.Rank >= first {
			return fmt.Errorf("%s: special token %s has rank %d of %d", file, brief(s.Text), s.Rank, first)
		}
		v.tokens[s.Rank] = s.Text
	}
	ranks := make(map[string]int, n-first)
	for i, x := range t.Vocab[:n-first] {
		if _, ok := ranks[string(x.Bytes)]; ok || x.Rank != i || len(x.Bytes) == 0 {
			return fmt.Errorf("%s: token %d is there twice, or has rank %d", file, i, x.Rank)
		}
		ranks[string(x.Bytes)] = i
		v.tokens[first+i], v.types[first+i] = toLetters(string(x.Bytes)), tokenNormal
	}
	v.model, v.pre = "gpt2", cmp.Or(v.given, "tekken")
	v.merges = []string{}
	for _, x := range t.Vocab[:n-first] {
		v.merges = append(v.merges, allMerges(ranks, string(x.Bytes))...)
	}
	v.config = withDefaults(v.config, map[string]any{"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>", "add_bos_token": true, "add_eos_token": false})
	v.m.w.SetUint32(v.m.arch+".vocab_size", uint32(n))
	return nil
}

// allMerges are the pairs of tokens that make text, those of low ranks first.
func allMerges(ranks map[string]int, text string) []string {
	var cuts []int
	for i := 1; i < len(text); i++ {
		_, left := ranks[text[:i]]
		_, right := ranks[text[i:]]
		if left && right {
			cuts = append(cuts, i)
		}
	}
	slices.SortFunc(cuts, func(a, b int) int {
		return cmp.Or(cmp.Compare(ranks[text[:a]], ranks[text[:b]]), cmp.Compare(ranks[text[a:]], ranks[text[b:]]))
	})
	out := make([]string, len(cuts))
	for i, at := range cuts {
		out[i] = toLetters(text[:at]) + " " + toLetters(text[at:])
	}
	return out
}

// withDefaults is fields, with others where it has none.
func withDefaults(fields, others map[string]any) map[string]any {
	out := make(map[string]any, len(fields)+len(others))
	for key, value := range others {
		out[key] = value
	}
	for key, value := range fields {
		out[key] = value
	}
	return out
}
