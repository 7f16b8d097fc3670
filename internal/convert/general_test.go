package convert

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What llama.cpp's script makes of these names.
func TestSplitID(t *testing.T) {
	for _, c := range []struct {
		id    string
		total int64
		want  modelName
		title string
	}{
		{"mistralai/Mixtral-8x7B-Instruct-v0.1", 0, modelName{"Mixtral-8x7B-Instruct-v0.1", "mistralai", "Mixtral", "Instruct", "v0.1", "8x7B"}, "Mixtral 8x7B Instruct v0.1"},
		{"Qwen/Qwen2.5-0.5B-Instruct", 494032768, modelName{"Qwen2.5-0.5B-Instruct", "Qwen", "Qwen2.5", "Instruct", "", "0.5B"}, "Qwen2.5 0.5B Instruct"},
		{"meta-llama/Meta-Llama-3.1-8B", 8030261248, modelName{"Meta-Llama-3.1-8B", "meta-llama", "Meta-Llama-3.1", "", "", "8B"}, "Meta Llama 3.1 8B"},
		{"bigscience/bloom-7b1-petals", 0, modelName{"bloom-7b1-petals", "bigscience", "bloom", "petals", "", "7.1B"}, "Bloom 7b1 Petals"},
		{"NousResearch/Yarn-Mistral-7b-128k", 7241732096, modelName{"Yarn-Mistral-7b-128k", "NousResearch", "Yarn-Mistral", "128k", "", "7B"}, "Yarn Mistral 7b 128k"},
		{"microsoft/Phi-3-mini-4k-instruct", 3821079552, modelName{"Phi-3-mini-4k-instruct", "microsoft", "Phi-3", "4k-instruct", "", "mini"}, "Phi 3 Mini 4k Instruct"},
		{"smollm2-135m-instruct-q4_0", 134515008, modelName{"smollm2-135m-instruct-q4_0", "", "smollm2", "instruct", "", "135M"}, "Smollm2 135m Instruct Q4_0"},
		{"google/gemma-3n-E2B-it", 0, modelName{"gemma-3n-E2B-it", "google", "gemma", "3n-E2B-it", "", ""}, "Gemma 3n E2B It"},
		{"A sentence of a name", 0, modelName{full: "A sentence of a name"}, "A Sentence Of A Name"},
		{"./gpt2", 0, modelName{full: "gpt2"}, "Gpt2"},
		{"Qwen/Qwen3-30B-A3B", 30532122624, modelName{"Qwen3-30B-A3B", "Qwen", "Qwen3", "", "", "30B-A3B"}, "Qwen3 30B A3B"},
		{"stable-lm-2-1_6b-zephyr", 0, modelName{"stable-lm-2-1_6b-zephyr", "", "stable-lm-2", "zephyr", "", "1.6B"}, "Stable Lm 2 1_6b Zephyr"},
		{"iter2-llama-v3", 0, modelName{"iter2-llama-v3", "", "iter2-llama", "", "v3", ""}, "Iter2 Llama v3"},
		{"v2", 0, modelName{full: "v2", version: "v2"}, "v2"},
		{"--x--", 0, modelName{full: "--x--"}, "X"},
		{"foo/bar-2.0-large-7B-lora", 7000000000, modelName{"bar-2.0-large-7B-lora", "foo", "bar-2.0-large", "lora", "", "7B"}, "Bar 2.0 Large 7B Lora"},
		{"", 0, modelName{}, ""},
		{"---", 0, modelName{full: "---"}, ""},
	} {
		got := splitID(c.id, c.total)
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(modelName{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.id, diff)
		}
		if name := title(got.full); name != c.title {
			t.Errorf("%q has title %q, want %q", c.id, name, c.title)
		}
	}
}

func TestSizeLabel(t *testing.T) {
	for _, c := range []struct {
		p    parameters
		want string
	}{
		{parameters{total: 134515008}, "135M"}, {parameters{total: 999}, "1.0K"}, {parameters{total: 7241732096}, "7.2B"},
		{parameters{46702792704, 1605373952, 5637144576, 8}, "8x7.2B"}, {parameters{total: 1000000}, "1000K"},
		{parameters{total: 2500000000000}, "2.5T"}, {parameters{total: 12345678901}, "12B"}, {parameters{total: 9950000}, "10M"},
	} {
		if got := c.p.label(); got != c.want {
			t.Errorf("%+v is %q, want %q", c.p, got, c.want)
		}
	}
}

func TestModelCard(t *testing.T) {
	files := map[string]string{
		"config.json": `{"_name_or_path": "/home/me/x/y", "vocab_size": 4}`,
		"README.md": "---\nlicense: [mit, apache-2.0]\nmodel_name: The Model\nversion: 1.10\nlanguage:\n- en\n- no\ntags: one\npipeline_tag: two\n" +
			"base_model:\n- meta-llama/Llama-3-8B-v1.5\n- https://huggingface.co/org/name-7b\n- http://else.where/x\n- name: By hand\n  url: http://u\n  other: x\n" +
			"datasets: [a/b]\n---\n# text\n---\nno: card\n",
		"generation_config.json": `{"temperature": 0.5, "top_k": 20, "top_p": null, "min_p": "0.1", "repetition_penalty": 1.5, "mirostat": 1.5}`,
	}
	got := converted(t, files, "LlamaForCausalLM", "llama")
	want := map[string]any{
		"general.license": "mit,apache-2.0", "general.name": "The Model", "general.version": "1.10", "general.languages": []string{"en", "no"},
		"general.tags": []string{"one", "two"}, "general.base_model.count": 4, "general.base_model.0.name": "Llama 3 8B v1.5",
		"general.base_model.0.organization": "Meta Llama", "general.base_model.0.version": "v1.5",
		"general.base_model.0.repo_url": "https://huggingface.co/meta-llama/Llama-3-8B-v1.5", "general.base_model.1.name": "Name 7b",
		"general.base_model.1.organization": "Org", "general.base_model.1.repo_url": "https://huggingface.co/org/name-7b",
		"general.base_model.2.repo_url": "http://else.where/x", "general.base_model.3.name": "By hand", "general.base_model.3.url": "http://u",
		"general.dataset.count": 1, "general.dataset.0.name": "B", "general.dataset.0.organization": "A",
		"general.dataset.0.repo_url": "https://huggingface.co/a/b", "general.basename": "tiny", "general.finetune": "chat", "general.size_label": "7B",
		"general.sampling.temp": 0.5, "general.sampling.top_k": 20, "general.sampling.penalty_repeat": 1.5, "tokenizer.ggml.model": "none",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, card := range map[string]string{
		"a bomb":         "---\na: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nlicense: *c\n---\n",
		"no yaml":        "---\n{: [\n---\n",
		"no end":         "---\nlicense: mit\n",
		"a list":         "---\n- a\n---\n",
		"no front":       "# text\n",
		"maps all along": "---\ntags: {a: b}\nbase_model: {x: y}\nlicense: {z: 1}\nname: [a]\n---\n",
	} {
		if got := converted(t, map[string]string{"config.json": "{}", "README.md": card}, "LlamaForCausalLM", "llama"); got["general.name"] != "Tiny 7B Chat" {
			t.Errorf("%s: the name is %v", name, got["general.name"])
		}
	}
}
