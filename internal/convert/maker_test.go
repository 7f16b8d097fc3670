package convert

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"happyphonellm/internal/quant"
)

// TestAbsurdConfig: numbers that no tensor has confirmed yet cost nothing, and the error
// is one line.
func TestAbsurdConfig(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	a := newMadeAdapter()
	a.linear(r, "model.layers.1.self_attn.q_proj.weight", 8, 8, 2)
	dir := writeAdapter(t, plainLoRA(), a.tensors, a.shapes)
	mistral := strings.Replace(smallLlama, "LlamaForCausalLM", "MistralForCausalLM", 1)
	for _, c := range []struct{ config, says string }{
		{strings.Replace(smallLlama, `"num_hidden_layers":2`, `"num_hidden_layers":2147483648`, 1), "num_hidden_layers"},
		{strings.Replace(mistral, `"num_hidden_layers":2`, `"num_hidden_layers":2147483648,"sliding_window":4`, 1), "num_hidden_layers"},
		{strings.Replace(smallLlama, "LlamaForCausalLM", `a\nb`, 1), `architecture "a\nb"`},
		{`{"architectures":["` + strings.Repeat(`a","`, 10000) + `"]}`, `architecture "a" or`},
	} {
		base := configFolder(t, c.config)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		l, err := OpenLoRA(dir, base, LoRAOptions{Type: quant.F32})
		runtime.ReadMemStats(&after)
		if err == nil {
			l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "config.json") || strings.Contains(err.Error(), "\n") || len(err.Error()) > 500 {
			t.Errorf("want one line with %q, got %.1000v", c.says, err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
			t.Errorf("%q: %d MiB of memory", c.says, n>>20)
		}
	}
}
