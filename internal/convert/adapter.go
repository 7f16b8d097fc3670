package convert

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"happyphonellm/internal/convert/checkpoint"
)

// Adapter turns the checkpoints of one family into tensors and metadata of GGUF.
// It is found by the class that config.json names.
type Adapter struct {
	Arch    string   // general.architecture
	Classes []string // of config.json's "architectures"
	convert func(m *maker)
}

// adapters are all adapters, by class.
var adapters = map[string]*Adapter{}

// register adds an adapter; each family's file does so for its classes.
func register(arch string, convert func(m *maker), classes ...string) {
	a := &Adapter{Arch: arch, Classes: classes, convert: convert}
	for _, class := range classes {
		if adapters[class] != nil {
			panic("convert: two adapters for " + class)
		}
		adapters[class] = a
	}
}

// Adapters lists all adapters by architecture.
func Adapters() []*Adapter {
	var list []*Adapter
	for _, class := range slices.Sorted(maps.Keys(adapters)) {
		if a := adapters[class]; !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	slices.SortStableFunc(list, func(a, b *Adapter) int { return strings.Compare(a.Arch, b.Arch) })
	return list
}

// adapterOf finds the adapter of the first class that config.json names and that has
// one, and the class. Of a model that sees or hears, and has none of its own, it is
// that of the model of text inside (part).
func adapterOf(config *checkpoint.Object) (a *Adapter, class string, part bool, err error) {
	classes, _ := config.Texts("architectures")
	text := config.Object("text_config")
	inner, _ := text.Texts("architectures")
	if kind, ok := text.Text("model_type"); ok && textClasses[kind] != "" {
		inner = append(inner, textClasses[kind])
	}
	for i, class := range append(slices.Clone(classes), inner...) {
		if a := adapters[class]; a != nil {
			return a, class, i >= len(classes), nil
		}
	}
	if len(classes) == 0 {
		return nil, "", false, fmt.Errorf(`%s: "architectures" is missing: it names the model's class`, config.File())
	}
	return nil, "", false, fmt.Errorf("%s: architecture %s is not known; `hpllm-cli convert --list` shows those that are", config.File(), quotedList(classes[:min(len(classes), 3)]))
}

// textClasses are the classes of models of text inside of others, by their model_type.
var textClasses = map[string]string{
	"gemma": "GemmaForCausalLM", "gemma2": "Gemma2ForCausalLM", "gemma3_text": "Gemma3ForCausalLM", "granite": "GraniteForCausalLM",
	"llama": "LlamaForCausalLM", "mistral": "MistralForCausalLM", "phi3": "Phi3ForCausalLM", "qwen2": "Qwen2ForCausalLM",
	"qwen3": "Qwen3ForCausalLM", "qwen3_moe": "Qwen3MoeForCausalLM", "smollm3": "SmolLM3ForCausalLM",
}
