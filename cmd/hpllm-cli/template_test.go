package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTemplate(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	messages := file("messages.json", `[{"role": "user", "content": [{"type": "text", "text": "Hi"}]},
		{"role": "assistant", "content": null, "reasoning_content": "hm", "tool_calls": [{"function": {"name": "f", "arguments": "{\"a\": 1}"}}]},
		{"role": "tool", "content": "ok"}]`)
	tools := file("tools.json", `[{"type": "function", "function": {"name": "f", "description": "d"}}]`)
	jinja := file("chat.jinja", `{{ bos_token }}{% if tools %}<{{ tools[0].function.name }}>{% endif %}
{%- for m in messages %}{{ m.role }}:{{ m.reasoning_content }}{{ m.content }}{{ eos_token }}
{%- if m.tool_calls %}{{ m.tool_calls[0].function | tojson }}{% endif %}
{%- endfor %}{% if add_generation_prompt %}>{{ enable_thinking }}{% endif %}`)
	model := tinyModel{}.write(t)
	// As Python prints what the messages have in them.
	const conversation = "user:[{'type': 'text', 'text': 'Hi'}]Eassistant:hmNoneE{\"name\": \"f\", \"arguments\": \"{\\\"a\\\": 1}\"}tool:okE"
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--template", jinja, "--bos", "B", "--eos", "E", "--messages", messages}, "B" + conversation + ">"},
		{[]string{"--template", jinja, "--eos", "E", "--messages", messages, "--tools", tools, "--thinking", "on"}, "<f>" + conversation + ">True"},
		{[]string{"--template", jinja, "--eos", "E", "--messages", messages, "--no-generation-prompt"}, conversation},
		{[]string{"-m", model, "--messages", messages}, "<s>[user] [{'type': 'text', 'text': 'Hi'}]\n[assistant] None\n[tool] ok\n[assistant] "},
		{[]string{"-m", model, "--messages", messages, "--no-generation-prompt"}, "<s>[user] [{'type': 'text', 'text': 'Hi'}]\n[assistant] None\n[tool] ok\n"},
	} {
		if got := ok(t, "", append([]string{"template"}, tc.args...)...); got.stdout != tc.want || got.stderr != "" {
			t.Errorf("%v:\n got %q\nwant %q\n%s", tc.args, got.stdout, tc.want, got.stderr)
		}
	}
	if got := ok(t, `[{"role": "user", "content": "x"}]`, "template", "-m", model, "--messages", "-").stdout; got != "<s>[user] x\n[assistant] " {
		t.Errorf("from standard input: %q", got)
	}
	// What stands in for a missing template is named.
	bare := tinyModel{noChat: true}.write(t)
	if got := ok(t, "", "template", "-m", bare, "--messages", messages); !strings.Contains(got.stderr, "llama2") || !strings.Contains(got.stdout, "[INST] Hi [/INST]") {
		t.Errorf("without a template: %q, %q", got.stdout, got.stderr)
	}

	broken := file("broken.jinja", "{% for %}")
	refusing := file("refusing.jinja", "{{ raise_exception('no tools here') }}")
	for _, tc := range []struct {
		code int
		want string // on standard error
		args []string
	}{
		{2, "no template", []string{"--messages", messages}},
		{2, "exclude", []string{"-m", model, "--template", jinja, "--messages", messages}},
		{2, "no messages", []string{"-m", model}},
		{2, "belong to", []string{"-m", model, "--bos", "x", "--messages", messages}},
		{2, "--thinking maybe", []string{"-m", model, "--messages", messages, "--thinking", "maybe"}},
		{1, "messages.json.nope", []string{"-m", model, "--messages", messages + ".nope"}},
		{1, "tools.json", []string{"-m", model, "--messages", tools}},
		{1, "messages.json", []string{"-m", model, "--messages", messages, "--tools", messages}},
		{1, "broken.jinja", []string{"--template", broken, "--messages", messages}},
		{1, "no tools here", []string{"--template", refusing, "--messages", messages}},
	} {
		got := cli(t, "", append([]string{"template"}, tc.args...)...)
		if got.code != tc.code || !strings.Contains(got.stderr, tc.want) || strings.Count(got.stderr, "\n") != 1 || got.stdout != "" {
			t.Errorf("%v: code %d, %q, %q", tc.args, got.code, got.stdout, got.stderr)
		}
	}
}

// thinker is a template whose answers begin inside the reasoning.
const thinker = "{#</think>#}{% for m in messages %}[{{ m.role }}]{{ m.reasoning_content }}|{{ m.content }}{% endfor %}{% if add_generation_prompt %}<think>{% endif %}"

// What a model thinks is no part of the answer.
func TestRunReasoning(t *testing.T) {
	model := tinyModel{chat: thinker}.write(t)
	args := []string{"run", "-m", model, "-p", "Hi", "-n", "5", "--logit-bias", "65+1000", "--stats", "none"}
	if got := ok(t, "", args...); got.stdout != "" || got.stderr != "" {
		t.Errorf("%q, %q", got.stdout, got.stderr)
	}
	if got := ok(t, "", append(args, "--raw")...).stdout; got != "AAAAA\n" {
		t.Errorf("raw: %q", got)
	}
	if got := ok(t, "", "run", "-m", tinyModel{}.write(t), "-p", "Hi", "-n", "5", "-l", "65+1000", "--stats", "none").stdout; got != "AAAAA\n" {
		t.Errorf("without reasoning: %q", got)
	}
}

// Whatever name a flag or a sampler has in llama-cli, it has here.
func TestSamplingNames(t *testing.T) {
	model := tinyModel{}.write(t)
	run := func(more ...string) string {
		return ok(t, "", append([]string{"run", "-m", model, "-p", "Hello", "-n", "20", "--ignore-eos", "--stats", "none"}, more...)...).stdout
	}
	want := run("--seed", "5", "--temp", "1.5", "--typical", "0.9", "--top-nsigma", "3", "--sampler-seq", "skyt", "--logit-bias", "72-1")
	for _, more := range [][]string{
		{"-s", "5", "--temperature", "1.5", "--typical-p", "0.9", "--top-n-sigma", "3", "--sampling-seq", "skyt", "-l", "72-1"},
		{"-s", "5", "--temp", "1.5", "--typical", "0.9", "--top-n-sigma", "3", "--samplers", "top-n-sigma;topk;TYP;temp", "-l", "72-1"},
		{"-s", "5", "--temp", "1.5", "--typical", "0.9", "--top-n-sigma", "3", "--samplers", "top_n_sigma;top_k;typ-p;temperature", "-l", "72-1"},
	} {
		if got := run(more...); got != want {
			t.Errorf("%v: %q, want %q", more, got, want)
		}
	}
	// Ignoring the end bans its tokens, however likely they are.
	if got := run("-l", "257+1000", "-s", "1"); len(got) < 20 {
		t.Errorf("%q", got)
	}
}
