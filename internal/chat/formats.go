package chat

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
		name:   "llama4",
		tokens: []string{"<|header_start|>", "<|eot|>"},
		archs:  []string{"llama4"},
		source: `{{ bos_token }}
{%- for m in messages %}
{{- '<|header_start|>' + m.role + '<|header_end|>\n\n' + m.content | trim + '<|eot|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|header_start|>assistant<|header_end|>\n\n' }}{% endif %}`,
	},
	{
		// Answers are in the channel "final" there.
		name:   "gpt-oss",
		tokens: []string{"<|start|>", "<|message|>", "<|channel|>"},
		archs:  []string{"gpt-oss"},
		source: `{% for m in messages %}
{{- '<|start|>' + m.role + ('<|channel|>final' if m.role == 'assistant' else '') + '<|message|>' + m.content + '<|end|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|start|>assistant' }}{% endif %}`,
	},
	{
		name:   "glm4",
		tokens: []string{"[gMASK]", "<sop>", "<|user|>"},
		archs:  []string{"glm4", "chatglm", "glm4moe"},
		source: `[gMASK]<sop>
{%- for m in messages %}{{ '<|' + m.role + '|>\n' + m.content }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}`,
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
		name:   "hunyuan",
		tokens: []string{"<｜hy_User｜>", "<｜hy_Assistant｜>"},
		archs:  []string{"hunyuan-dense"},
		source: `{{ bos_token }}
{%- for m in messages %}
{%- if m.role == 'user' %}{{ '<｜hy_User｜>' + m.content }}
{%- elif m.role == 'assistant' %}{{ '<｜hy_Assistant｜>' + m.content + eos_token }}
{%- else %}{{ m.content + '<｜hy_place▁holder▁no▁3｜>' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<｜hy_Assistant｜>' }}{% endif %}`,
	},
	{
		name:   "ernie",
		tokens: []string{"<|begin_of_sentence|>", "<|end_of_sentence|>"},
		archs:  []string{"ernie4_5", "ernie4_5-moe"},
		source: `<|begin_of_sentence|>
{%- for m in messages %}
{%- if m.role == 'user' %}{{ 'User: ' + m.content + '\n' }}
{%- elif m.role == 'assistant' %}{{ 'Assistant: ' + m.content + '<|end_of_sentence|>' }}
{%- else %}{{ m.content + '\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ 'Assistant: ' }}{% endif %}`,
	},
	{
		name:   "exaone",
		tokens: []string{"[|system|]", "[|assistant|]", "[|endofturn|]"},
		archs:  []string{"exaone"},
		source: `{% for m in messages %}
{{- '[|' + m.role + '|]' + m.content | trim + ('\n' if m.role == 'user' else '[|endofturn|]\n') }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '[|assistant|]' }}{% endif %}`,
	},
	{
		name:   "phi4",
		tokens: []string{"<|im_start|>", "<|im_sep|>", "<|im_end|>"},
		source: `{% for m in messages %}
{{- '<|im_start|>' + m.role + '<|im_sep|>' + m.content + '<|im_end|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant<|im_sep|>' }}{% endif %}`,
	},
	{
		name:   "chatml",
		tokens: []string{"<|im_start|>", "<|im_end|>"},
		archs:  []string{"qwen2", "qwen3", "qwen2moe", "qwen3moe", "lfm2", "smollm3"},
		source: chatML,
	},
	{
		// Mistral's, since its system prompt has tokens of its own.
		name:   "mistral",
		tokens: []string{"[INST]", "[/INST]", "[SYSTEM_PROMPT]"},
		archs:  []string{"mistral3"},
		source: `{{ bos_token }}
{%- for m in messages %}
{%- if m.role == 'system' %}{{ '[SYSTEM_PROMPT]' + m.content + '[/SYSTEM_PROMPT]' }}
{%- elif m.role == 'assistant' %}{{ m.content + eos_token }}
{%- else %}{{ '[INST]' + m.content + '[/INST]' }}
{%- endif %}
{%- endfor %}`,
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
	// The marks of these are plain text.
	{
		name:  "olmo",
		archs: []string{"olmo2", "olmo", "olmoe"},
		source: `{{ bos_token }}
{%- for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + (eos_token if m.role == 'assistant' else '') + '\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}`,
	},
	{
		name:  "minicpm",
		archs: []string{"minicpm"},
		source: `{{ bos_token }}
{%- for m in messages %}
{{- ('<AI>' if m.role == 'assistant' else '<用户>' if m.role == 'user' else '') + m.content | trim }}
{%- endfor %}
{%- if add_generation_prompt %}<AI>{% endif %}`,
	},
	{
		name:  "nemotron",
		archs: []string{"nemotron"},
		source: `{% for m in messages %}
{{- ('<extra_id_0>' if m.role == 'system' else '<extra_id_1>') + m.role | capitalize + '\n' + m.content + ('\n\n' if m.role == 'system' else '\n') }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<extra_id_1>Assistant\n' }}{% endif %}`,
	},
	{
		name:  "rwkv",
		archs: []string{"rwkv7", "rwkv6", "rwkv6qwen2", "arwkv7"},
		source: `{% for m in messages %}
{{- m.role | capitalize + ': ' + m.content | trim + '\n\n' }}
{%- endfor %}
{%- if add_generation_prompt %}Assistant:{% endif %}`,
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
