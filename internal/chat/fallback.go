package chat

import "fmt"

// Model is what New needs to know of a model beside its template.
type Model struct {
	BOS, EOS string // texts of these tokens, "" if the model has none
	Arch     string // general.architecture
	// Has says whether a text is one token of the vocabulary; nil: unknown.
	Has func(token string) bool
}

// format is a well-known way to write conversations, for models that bring no template, or a broken one.
type format struct {
	name string
	// tokens must all be in the vocabulary.
	tokens []string
	// archs is what to go by when the vocabulary is unknown.
	archs  []string
	source string
}

// formats from the most to the least particular. The last one is the default.
var formats = []format{
	{
		name:   "gemma4",
		tokens: []string{"<|turn>", "<turn|>"},
		archs:  []string{"gemma4"},
		source: `{{ bos_token }}
{%- for m in messages %}
{{- '<|turn>' + ('model' if m.role == 'assistant' else m.role) + '\n' + m.content | trim + '<turn|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|turn>model\n' }}{% endif %}`,
	},
	{
		// Gemma knows no system role: its own templates put the system text before the first user message.
		name:   "gemma",
		tokens: []string{"<start_of_turn>", "<end_of_turn>"},
		archs:  []string{"gemma", "gemma2", "gemma3", "gemma3n"},
		source: `{{ bos_token }}
{%- set ns = namespace(system='') %}
{%- for m in messages %}
{%- if m.role == 'system' %}
{%- set ns.system = ns.system + m.content + '\n\n' %}
{%- else %}
{{- '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\n' + ns.system + m.content | trim + '<end_of_turn>\n' }}
{%- set ns.system = '' %}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}`,
	},
	{
		name:   "llama3",
		tokens: []string{"<|start_header_id|>", "<|eot_id|>"},
		source: `{{ bos_token }}
{%- for m in messages %}
{{- '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + m.content | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}`,
	},
	{
		name:   "phi3",
		tokens: []string{"<|user|>", "<|assistant|>", "<|end|>"},
		archs:  []string{"phi3"},
		source: `{% for m in messages %}
{{- '<|' + m.role + '|>\n' + m.content + '<|end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}`,
	},
	{
		name:   "zephyr",
		tokens: []string{"<|user|>", "<|assistant|>"},
		source: `{% for m in messages %}
{{- '<|' + m.role + '|>\n' + m.content + eos_token + '\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}`,
	},
	{
		name:   "command-r",
		tokens: []string{"<|START_OF_TURN_TOKEN|>", "<|USER_TOKEN|>"},
		archs:  []string{"command-r", "cohere2"},
		source: `{{ bos_token }}
{%- for m in messages %}
{{- '<|START_OF_TURN_TOKEN|><|' + ('CHATBOT' if m.role == 'assistant' else m.role | upper) + '_TOKEN|>' + m.content | trim + '<|END_OF_TURN_TOKEN|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}{% endif %}`,
	},
	{
		name:   "deepseek",
		tokens: []string{"<｜User｜>", "<｜Assistant｜>"},
		archs:  []string{"deepseek2"},
		source: `{{ bos_token }}
{%- for m in messages %}
{%- if m.role == 'user' %}{{ '<｜User｜>' + m.content }}
{%- elif m.role == 'assistant' %}{{ '<｜Assistant｜>' + m.content + '<｜end▁of▁sentence｜>' }}
{%- else %}{{ m.content + '\n\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<｜Assistant｜>' }}{% endif %}`,
	},
	{
		name:   "granite",
		tokens: []string{"<|start_of_role|>", "<|end_of_role|>"},
		archs:  []string{"granite", "granitemoe", "granitehybrid"},
		source: `{% for m in messages %}
{{- '<|start_of_role|>' + m.role + '<|end_of_role|>' + m.content + '<|end_of_text|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|start_of_role|>assistant<|end_of_role|>' }}{% endif %}`,
	},
	{
		name:   "chatml",
		tokens: []string{"<|im_start|>", "<|im_end|>"},
		archs:  []string{"qwen2", "qwen3", "qwen2moe", "qwen3moe", "lfm2", "smollm3"},
		source: chatML,
	},
	{
		// Mistral and Llama 2 write their marks as plain text or tokens of their own.
		name:   "llama2",
		tokens: []string{"[INST]", "[/INST]"},
		source: inst,
	},
	{
		name:   "llama2",
		archs:  []string{"llama"},
		source: inst,
	},
	{name: "chatml", source: chatML},
}

const chatML = `{% for m in messages %}
{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}`

const inst = `{{ bos_token }}
{%- set ns = namespace(system='') %}
{%- for m in messages %}
{%- if m.role == 'system' %}{% set ns.system = m.content + '\n\n' %}
{%- elif m.role == 'assistant' %}{{ ' ' + m.content | trim + eos_token }}
{%- else %}{{ '[INST] ' + ns.system + m.content | trim + ' [/INST]' }}{% set ns.system = '' %}
{%- endif %}
{%- endfor %}`

// New returns the template of a model file. If source is empty, cannot be parsed or cannot render a plain
// question, a well-known format stands in, chosen by the vocabulary's special tokens, then by the architecture;
// Warning says so.
func New(source string, m Model) *Template {
	why := "the model brings no chat template"
	if source != "" {
		t, err := Parse(source, m.BOS, m.EOS)
		if err == nil {
			_, err = t.Render([]Message{{Role: "user", Content: "Hello"}}, Options{AddGenerationPrompt: true})
		}
		if err == nil {
			return t
		}
		why = fmt.Sprintf("the model's chat template is broken (%v)", err)
	}
	f := fallback(m)
	t, err := Parse(f.source, m.BOS, m.EOS)
	if err != nil {
		panic("the built-in format " + f.name + ": " + err.Error())
	}
	t.name = f.name
	t.warning = fmt.Sprintf("%s; the format %q stands in for it", why, f.name)
	return t
}

// fallback picks the first format whose tokens are all there, or whose architecture it is.
func fallback(m Model) format {
	if m.Has != nil {
		for _, f := range formats {
			if len(f.tokens) > 0 && all(f.tokens, m.Has) {
				return f
			}
		}
	}
	for _, f := range formats {
		for _, a := range f.archs {
			// With a vocabulary at hand a format whose marks it lacks cannot be right.
			if a == m.Arch && (m.Has == nil || len(f.tokens) == 0) {
				return f
			}
		}
	}
	return formats[len(formats)-1]
}

func all(tokens []string, has func(string) bool) bool {
	for _, t := range tokens {
		if !has(t) {
			return false
		}
	}
	return true
}
