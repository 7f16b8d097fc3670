package convert

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/gguf"
)

// folderOf writes a checkpoint of a few files and one number, in a folder named tiny-7B-chat.
func folderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tiny-7B-chat")
	head := `{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`
	files["model.safetensors"] = string(binary.LittleEndian.AppendUint64(nil, uint64(len(head)))) + head + "\x00\x00\x00\x00"
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// converted are the keys that a folder's tokenizer and model card give, numbers as int or float64.
func converted(t *testing.T, files map[string]string, class, arch string) map[string]any {
	t.Helper()
	to := filepath.Join(t.TempDir(), "out.gguf")
	convertVocabulary(t, folderOf(t, files), class, arch, to)
	f := open(t, to)
	keys := map[string]any{}
	for _, key := range f.Keys() {
		if key == "general.architecture" {
			continue
		}
		if a, err := f.Array(key); err == nil {
			switch {
			case a.Kind() == gguf.Text:
				list := []string{}
				for i := range a.Len() {
					list = append(list, a.Text(i))
				}
				keys[key] = list
			default:
				list := []float64{}
				for i := range a.Len() {
					list = append(list, a.Float(i))
				}
				keys[key] = list
			}
		} else if text, err := f.Text(key); err == nil {
			keys[key] = text
		} else if b, err := f.Bool(key); err == nil {
			keys[key] = b
		} else if u, err := f.Uint(key); err == nil {
			keys[key] = int(u)
		} else if x, err := f.Float(key); err == nil {
			keys[key] = x
		}
	}
	return keys
}

// tokenizerOf is the tokenizer's part of them.
func tokenizerOf(t *testing.T, files map[string]string, class, arch string) map[string]any {
	t.Helper()
	keys := converted(t, files, class, arch)
	for key := range keys {
		if !strings.HasPrefix(key, "tokenizer.") {
			delete(keys, key)
		}
	}
	return keys
}

const smallBPE = `{
 "added_tokens": [
  {"id": 7, "content": "<|end|>", "special": false, "normalized": false},
  {"id": 5, "content": "<s>", "special": true, "normalized": false},
  {"id": 8, "content": "a\u2581b", "special": false, "normalized": true}],
 "normalizer": null,
 "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
 "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]},
 "decoder": {"type": "ByteLevel"},
 "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3}, "merges": MERGES}}`

func TestByteLevelVocabulary(t *testing.T) {
	want := map[string]any{
		"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2", "tokenizer.ggml.merges": []string{"a b"},
		"tokenizer.ggml.tokens":       []string{"a", "b", "ab", "Ġ", "[PAD4]", "<s>", "[PAD6]", "<|end|>", "a b", "[PAD9]"},
		"tokenizer.ggml.token_type":   []float64{1, 1, 1, 1, 5, 3, 5, 3, 4, 5},
		"tokenizer.ggml.bos_token_id": 5, "tokenizer.ggml.eos_token_id": 7, "tokenizer.ggml.eot_token_id": 2, "tokenizer.ggml.add_bos_token": true,
		"tokenizer.chat_template": "main", "tokenizer.chat_template.tool_use": "tools", "tokenizer.chat_templates": []string{"tool_use"},
	}
	for _, merges := range []string{`["a b"]`, `[["a", "b"]]`} {
		got := tokenizerOf(t, map[string]string{
			"config.json":            `{"vocab_size": 10, "eos_token_id": [7, 9], "pad_token_id": -1, "unk_token_id": 10}`,
			"tokenizer.json":         strings.Replace(smallBPE, "MERGES", merges, 1),
			"tokenizer_config.json":  `{"bos_token": {"content": "<s>"}, "eos_token": "<|end|>", "chat_template": [{"name": "default", "template": "main"}, {"name": "tool use", "template": "tools"}]}`,
			"generation_config.json": `{"eos_token_id": [7, 2]}`,
		}, "GPT2LMHeadModel", "gpt2")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("merges %s (-want +got):\n%s", merges, diff)
		}
	}
}

func TestTemplateFiles(t *testing.T) {
	got := tokenizerOf(t, map[string]string{
		"config.json": `{}`, "tokenizer.json": strings.Replace(smallBPE, "MERGES", "[]", 1),
		"chat_template.jinja": "main", "additional_chat_templates/rag-2.jinja": "more",
	}, "GPT2LMHeadModel", "gpt2")
	if got["tokenizer.chat_template"] != "main" || got["tokenizer.chat_template.rag_2"] != "more" {
		t.Errorf("the templates are %v", got)
	}
}

// message is a protobuf message of fields: number, value, number, value ...
func message(fields ...any) []byte {
	var out []byte
	for i := 0; i < len(fields); i += 2 {
		number := uint64(fields[i].(int))
		switch v := fields[i+1].(type) {
		case int:
			out = binary.AppendUvarint(binary.AppendUvarint(out, number<<3), uint64(v))
		case float32:
			out = binary.LittleEndian.AppendUint32(binary.AppendUvarint(out, number<<3|5), math.Float32bits(v))
		case string:
			out = append(binary.AppendUvarint(binary.AppendUvarint(out, number<<3|2), uint64(len(v))), v...)
		case []byte:
			out = append(binary.AppendUvarint(binary.AppendUvarint(out, number<<3|2), uint64(len(v))), v...)
		}
	}
	return out
}

func smallPieces(model, dummyPrefix int) string {
	return string(message(
		1, message(1, "<unk>", 2, float32(0), 3, 2), 1, message(1, "<s>", 2, float32(0), 3, 3), 1, message(1, "<0x41>", 2, float32(0), 3, 6),
		1, message(1, "\u2581a", 2, float32(-1.5)), 1, message(1, "\u2581\u2581", 2, float32(-2), 3, 4),
		2, message(3, model, 99, "unknown fields are skipped"), 3, message(2, "chars", 3, dummyPrefix, 4, 0)))
}

func TestSentencePieceVocabulary(t *testing.T) {
	got := tokenizerOf(t, map[string]string{
		"config.json": `{"vocab_size": 8, "bos_token_id": 1}`, "tokenizer.model": smallPieces(2, 0), "added_tokens.json": `{"<x>": 5, "far": 99}`,
		"tokenizer_config.json": `{"added_tokens_decoder": {"6": {"content": "<|y|>", "special": false}, "1": {"content": "<s>", "special": true}}, "add_bos_token": true, "unk_token": "<unk>"}`,
	}, "Qwen2ForCausalLM", "qwen2")
	want := map[string]any{
		"tokenizer.ggml.model": "llama", "tokenizer.ggml.pre": "default",
		"tokenizer.ggml.tokens":     []string{"<unk>", "<s>", "<0x41>", "\u2581a", "  ", "<x>", "<|y|>", "[PAD7]"},
		"tokenizer.ggml.scores":     []float64{0, -1000, 0, -1.5, -2, -1000, -1000, -10000},
		"tokenizer.ggml.token_type": []float64{2, 3, 6, 1, 4, 4, 3, 5}, "tokenizer.ggml.add_space_prefix": false,
		"tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.unknown_token_id": 0, "tokenizer.ggml.add_bos_token": true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got = tokenizerOf(t, map[string]string{"config.json": `{}`, "spiece.model": smallPieces(1, 1)}, "T5ForConditionalGeneration", "t5")
	for key, want := range map[string]any{
		"tokenizer.ggml.model": "t5", "tokenizer.ggml.add_space_prefix": true, "tokenizer.ggml.remove_extra_whitespaces": false,
		"tokenizer.ggml.precompiled_charsmap": []float64{'c', 'h', 'a', 'r', 's'},
	} {
		if diff := cmp.Diff(want, got[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
}

// TestRankedVocabularies reads the files of ranks, whose merges are implied.
func TestRankedVocabularies(t *testing.T) {
	var lines strings.Builder
	var vocab []map[string]any
	for i, text := range []string{"a", "b", "c", "ab", "abc"} {
		code := base64.StdEncoding.EncodeToString([]byte(text))
		fmt.Fprintf(&lines, "%s %d\n", code, i)
		vocab = append(vocab, map[string]any{"rank": i, "token_bytes": code})
	}
	got := tokenizerOf(t, map[string]string{
		"config.json": `{"vocab_size": 7}`, "tiktoken.model": lines.String(),
		"tokenizer_config.json": `{"added_tokens_decoder": {"5": {"content": "[BOS]", "special": true}}, "bos_token": "[BOS]"}`,
	}, "KimiLinearForCausalLM", "kimi-linear")
	want := map[string]any{
		"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "kimi-k2", "tokenizer.ggml.merges": []string{"a b", "ab c"},
		"tokenizer.ggml.tokens": []string{"a", "b", "c", "ab", "abc", "[BOS]", "[PAD6]"}, "tokenizer.ggml.token_type": []float64{1, 1, 1, 1, 1, 3, 5},
		"tokenizer.ggml.bos_token_id": 5,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tiktoken (-want +got):\n%s", diff)
	}
	tekken, err := json.Marshal(map[string]any{"config": map[string]any{"default_vocab_size": 8, "default_num_special_tokens": 3}, "vocab": vocab})
	if err != nil {
		t.Fatal(err)
	}
	got = tokenizerOf(t, map[string]string{"config.json": `{}`, "tekken.json": string(tekken)}, "MistralForCausalLM", "llama")
	want = map[string]any{
		"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "tekken", "tokenizer.ggml.merges": []string{"a b", "ab c"},
		"tokenizer.ggml.tokens":     []string{"<unk>", "<s>", "</s>", "a", "b", "c", "ab", "abc"},
		"tokenizer.ggml.token_type": []float64{3, 3, 3, 1, 1, 1, 1, 1}, "tokenizer.ggml.scores": make([]float64, 8),
		"tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2, "tokenizer.ggml.unknown_token_id": 0,
		"tokenizer.ggml.add_bos_token": true, "tokenizer.ggml.add_eos_token": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tekken (-want +got):\n%s", diff)
	}
}

func TestOtherVocabularies(t *testing.T) {
	got := tokenizerOf(t, map[string]string{
		"config.json": `{"vocab_size": 7}`, rwkvFile: "1 '\\x00' 1\n2 b'\\xff\\xfe' 2\n3 \"it's\" 4\n4 '\\n\\\\' 2\n5 'é' 2\n",
	}, "Rwkv7ForCausalLM", "rwkv7")
	want := map[string]any{
		"tokenizer.ggml.model":      "rwkv",
		"tokenizer.ggml.tokens":     []string{"<s>", `\x00`, `\xff\xfe`, `it's`, `\n\\`, `\xc3\xa9`, "[PAD6]"},
		"tokenizer.ggml.token_type": []float64{3, 1, 1, 1, 1, 1, 5}, "tokenizer.ggml.bos_token_id": 0, "tokenizer.ggml.eos_token_id": 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rwkv (-want +got):\n%s", diff)
	}
	got = tokenizerOf(t, map[string]string{
		"config.json":     `{"vocab_size": 6}`,
		"tokenizer.jsonl": "[\"<|plamo:unk|>\", 0.0, \"UNKNOWN\"]\n[\"<|plamo:bos|>\", 0, \"NORMAL\"]\n[\"<0x00>\", 0, \"BYTE\", 1]\n\n[\"a\", -1.5, \"NORMAL\"]\n[\"op\", 0]\n",
	}, "Plamo2ForCausalLM", "plamo2")
	want = map[string]any{
		"tokenizer.ggml.model": "plamo2", "tokenizer.ggml.pre": "default", "tokenizer.ggml.tokens": []string{"<|plamo:unk|>", "<|plamo:bos|>", "<0x00>", "a", "op", "[PAD1]"},
		"tokenizer.ggml.scores": []float64{0, 0, 0, -1.5, 0, -1000}, "tokenizer.ggml.token_type": []float64{2, 3, 6, 1, 1, 5},
		"tokenizer.ggml.eot_token_id": 4, "tokenizer.ggml.add_space_prefix": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("plamo (-want +got):\n%s", diff)
	}
	got = tokenizerOf(t, map[string]string{
		"config.json":    `{"vocab_size": 4}`,
		"tokenizer.json": `{"added_tokens": [{"id": 0, "content": "</s>", "special": true}], "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always"}, "normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAEC"}, "model": {"type": "Unigram", "unk_id": 1, "vocab": [["</s>", 0], ["<unk>", 0], ["\u2581a", -1.5]]}}`,
	}, "T5ForConditionalGeneration", "t5")
	want = map[string]any{
		"tokenizer.ggml.model": "t5", "tokenizer.ggml.pre": "default", "tokenizer.ggml.tokens": []string{"</s>", "<unk>", "\u2581a", "[PAD3]"},
		"tokenizer.ggml.scores": []float64{-1000, 0, -1.5, -10000}, "tokenizer.ggml.token_type": []float64{3, 2, 1, 5},
		"tokenizer.ggml.add_space_prefix": true, "tokenizer.ggml.remove_extra_whitespaces": false, "tokenizer.ggml.precompiled_charsmap": []float64{0, 1, 2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unigram (-want +got):\n%s", diff)
	}
}

// TestHostileVocabularies gives files that are wrong: each is an error that says how.
func TestHostileVocabularies(t *testing.T) {
	bpe := func(old, with string) map[string]string {
		text := strings.Replace(smallBPE, "MERGES", `["a b"]`, 1)
		if !strings.Contains(text, old) {
			t.Fatalf("no %q in the file", old)
		}
		return map[string]string{"config.json": `{"vocab_size": 10}`, "tokenizer.json": strings.Replace(text, old, with, 1)}
	}
	with := func(name, text string) map[string]string { return map[string]string{"config.json": "{}", name: text} }
	huge := strings.Repeat("x", 1<<20)
	for _, c := range []struct {
		name  string
		files map[string]string
		class string
		want  string
	}{
		{"cut short", with("tokenizer.json", smallBPE[:100]), "", "tokenizer.json: unexpected end"},
		{"no object", with("tokenizer.json", `[1]`), "", "tokenizer.json: json"},
		{"no type", with("tokenizer.json", `{"model": {}}`), "", `"model" has no "type"`},
		{"another type", with("tokenizer.json", `{"model": {"type": "WordLevel", "vocab": {}}}`), "", `type "WordLevel" is not known`},
		{"an id twice", bpe(`"b": 1`, `"b": 0`), "", `tokens "a" and "b" have the same id, 0`},
		{"a negative id", bpe(`"b": 1`, `"b": -1`), "", `token "b" has id -1`},
		{"an id beyond 2^31", bpe(`"b": 1`, `"b": 2147483648`), "", "has id 2147483648"},
		{"an id beyond 2^64", bpe(`"b": 1`, `"b": 99999999999999999999`), "", `"vocab"`},
		{"an added id beyond all", bpe(`"id": 7`, `"id": 4194304`), "", "has id 4194304"},
		{"an added id twice", bpe(`"id": 7`, `"id": 5`), "", `added tokens "<|end|>" and "<s>" have the same id, 5`},
		{"an id beyond the model's", bpe(`"b": 1`, `"b": 1, "c": 12`), "", `token "c" has id 12, but the model has 10 tokens`},
		{"another id", bpe(`"content": "<s>"`, `"content": "ab"`), "", `added token "ab" has id 5, but 2 in the vocabulary`},
		{"a merge of nothing", bpe(`["a b"]`, `["a c"]`), "", `merge 0, of "a" and "c", names "c", which is no token`},
		{"a merge to nothing", bpe(`["a b"]`, `["a b", "b a"]`), "", `names "ba", which is no token`},
		{"a merge of three", bpe(`["a b"]`, `["a b c"]`), "", "merge 0, \"a b c\", is not two parts"},
		{"a merge of one", bpe(`["a b"]`, `[["a"]]`), "", "merge 0 has 1 parts"},
		{"merges of numbers", bpe(`["a b"]`, `[1]`), "", `"merges"`},
		{"a huge token", bpe(`"b": 1`, `"`+huge+`": -1`), "", "(1048576 bytes)"},
		{"an unknown pre-tokenizer", bpe(`{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}`, `{"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "..."}, "behavior": "Isolated"}, {"type": "ByteLevel", "use_regex": false}]}`),
			"", `(Split "...", ByteLevel and a space in front)`},
		{"a normalizer that changes letters", bpe(`"pre_tokenizer"`, `"normalizer": {"type": "NFKC"}, "pre_tokenizer"`), "", "normalizer NFKC: it is not known"},
		{"an expression that is none", bpe(`{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}`, `{"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "(a"}, "behavior": "Isolated"}, {"type": "ByteLevel", "use_regex": false}]}`),
			"", "a group does not end"},
		{"an expression without end", bpe(`{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}`, `{"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "(\\S?.?)+(\\S?.?)+$x"}, "behavior": "Isolated"}, {"type": "ByteLevel", "use_regex": false}]}`),
			"", "too many steps"},
		{"a vocab_size beyond all", map[string]string{"config.json": `{"vocab_size": 2000000000}`, "tokenizer.json": strings.Replace(smallBPE, "MERGES", "[]", 1)}, "", `"vocab_size" is 2000000000`},
		{"a config that is none", map[string]string{"config.json": "{}", "tokenizer.json": strings.Replace(smallBPE, "MERGES", "[]", 1), "tokenizer_config.json": "{"}, "", "cut short"},
		{"a token that is none", map[string]string{"config.json": "{}", "tokenizer.json": strings.Replace(smallBPE, "MERGES", "[]", 1), "tokenizer_config.json": `{"added_tokens_decoder": {"x": {}}}`}, "", `"x" is no token`},
		{"no SentencePiece", with("tokenizer.model", "\xff\xff\xff"), "", "no SentencePiece model"},
		{"a SentencePiece cut short", with("tokenizer.model", smallPieces(2, 1)[:28]), "", "cut short"},
		{"an empty SentencePiece", with("tokenizer.model", ""), "", "no SentencePiece model"},
		{"a SentencePiece of words", with("tokenizer.model", smallPieces(3, 1)), "", "of type 3"},
		{"no ranks", with("x.tiktoken", "YQ== 0\nYQ== 1\n"), "QWenLMHeadModel", "is there twice"},
		{"ranks with holes", with("x.tiktoken", "YQ== 0\nYg== 2\n"), "QWenLMHeadModel", "line 2 is no token in base64 with the rank 1"},
		{"ranks without special tokens", with("x.tiktoken", "YQ== 0\n"), "", "Python code only"},
		{"tekken without tokens", with("tekken.json", `{"config": {"default_vocab_size": 9, "default_num_special_tokens": 3}}`), "", "9 tokens, 3 of them special, of 0"},
		{"no RWKV", with(rwkvFile, "1 open('x') 1\n"), "", "is no Python string"},
		{"RWKV with another length", with(rwkvFile, "1 'ab' 1\n"), "", `"ab" has 2 bytes, not 1`},
		{"RWKV with holes", with(rwkvFile, "2 'a' 1\n"), "", "token 2 follows token 0"},
		{"merges without what they are of", map[string]string{"config.json": "{}", "vocab.json": "{}", "merges.txt": ""}, "", "tokenizer_class"},
		{"scores that merges have not", with("tokenizer.json", `{"normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}, "model": {"type": "BPE", "byte_fallback": true, "vocab": {"a": 0, "aa": 1, "b": 2, "bb": 3, "aaa": 4}, "merges": ["aa a", "b b", "a aa"]}}`),
			"", "makes \"aaa\" again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := vocabMaker(t, folderOf(t, c.files), c.class, "gpt2").vocabulary("")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want one with %q", err, c.want)
			}
			if len(err.Error()) > 1500 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
}

// Tokens that were added to a tokenizer, but not to the model, are left out, and named.
func TestAddedBeyondModel(t *testing.T) {
	text := strings.Replace(strings.Replace(smallBPE, "MERGES", `["a b"]`, 1), `"id": 8`, `"id": 12`, 1)
	m := vocabMaker(t, folderOf(t, map[string]string{"config.json": `{"vocab_size": 10, "pad_token_id": 12}`, "tokenizer.json": text}), "", "gpt2")
	if err := m.vocabulary(""); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "x.gguf")
	if err := m.w.Create(to); err != nil {
		t.Fatal(err)
	}
	f := open(t, to)
	tokens, err := f.Array("tokenizer.ggml.tokens")
	if err != nil || tokens.Len() != 10 {
		t.Errorf("%d tokens, %v", tokens.Len(), err)
	}
	if id, err := f.Uint("tokenizer.ggml.padding_token_id"); err == nil {
		t.Errorf("padding is token %d of 10", id)
	}
	if len(m.notes) != 1 || !strings.Contains(m.notes[0], "1 added tokens are left out, among them \"a\u2581b\"") {
		t.Errorf("notes %q", m.notes)
	}
}

// TestGivenPre names the pre-tokenizer of a file that has an unknown one.
func TestGivenPre(t *testing.T) {
	files := map[string]string{"config.json": "{}", "tokenizer.json": strings.Replace(strings.Replace(smallBPE, "MERGES", "[]", 1), `"use_regex": true`, `"use_regex": false`, 1)}
	m := vocabMaker(t, folderOf(t, files), "", "gpt2")
	if err := m.vocabulary("poro-chat"); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "x.gguf")
	if err := m.w.Create(to); err != nil {
		t.Fatal(err)
	}
	if pre, err := open(t, to).Text("tokenizer.ggml.pre"); pre != "poro-chat" || err != nil {
		t.Errorf("the pre-tokenizer is %q, error %v", pre, err)
	}
}

func FuzzModelProto(f *testing.F) {
	f.Add([]byte(smallPieces(2, 1)))
	f.Add([]byte("\x0a\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := readModelProto(data); err == nil && (len(m.pieces) == 0 || len(m.pieces) > len(data)) {
			t.Errorf("%d pieces of %d bytes", len(m.pieces), len(data))
		}
	})
}

func FuzzTokenizerJSON(f *testing.F) {
	f.Add([]byte(strings.Replace(smallBPE, "MERGES", `["a b"]`, 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		j, err := readTokenizerJSON("x", data)
		if err != nil || j.configure(nil) != nil {
			return
		}
		ids, err := j.vocab()
		if err != nil {
			return
		}
		if texts, _, err := j.tokenList(ids); err == nil && len(texts) > maxTokens {
			t.Errorf("%d tokens", len(texts))
		}
		merges, err := j.mergeList()
		if err == nil && j.checkMerges(ids, merges) == nil && len(data) < 4096 {
			_, _ = newWordPipeline(j)
		}
	})
}
