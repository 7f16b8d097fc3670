package convert

import "slices"

// The function of a feed-forward is the architecture's in GGUF: no key names it. A
// checkpoint with another one than its family's would silently compute nonsense.

// activations are the functions that count as one. llama.cpp's and the engine's GELU
// is the one with tanh; the exact one differs by less than half precision shows.
var activations = map[string][]string{
	"silu":  {"silu", "swish", "swiglu"},
	"gelu":  {"gelu", "gelu_new", "gelu_fast", "gelu_python", "gelu_pytorch_tanh", "gelu_accurate"},
	"relu":  {"relu"},
	"relu2": {"relu2", "relu_squared"},
	"xielu": {"xielu"},
}

// ownActivation are the architectures whose function is not SiLU.
var ownActivation = map[string]string{
	"apertus": "xielu",
	"arcee":   "relu2", "jais2": "relu2", "nemotron": "relu2", "nemotron_h": "relu2", "nemotron_h_moe": "relu2", "plm": "relu2",
	"bloom": "gelu", "falcon": "gelu", "gemma": "gelu", "gemma2": "gelu", "gemma3": "gelu", "gemma3n": "gelu", "gemma4": "gelu",
	"gpt2": "gelu", "gptneox": "gelu", "mpt": "gelu", "phi2": "gelu", "starcoder": "gelu", "starcoder2": "gelu",
	"smallthinker": "relu",
}

// checkActivation refuses a function that is not the architecture's.
func (m *maker) checkActivation() {
	want, ok := ownActivation[m.arch]
	if !ok {
		want = "silu"
	}
	for _, field := range []string{"hidden_act", "hidden_activation", "activation_function", "mlp_hidden_act", "activation"} {
		if got, ok := m.config.Text(field); ok && !slices.Contains(activations[want], got) {
			m.fail("%s: %q is %q; %s computes with %q", m.config.File(), field, got, m.arch, want)
		}
	}
}
