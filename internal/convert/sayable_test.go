package convert

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"happyphonellm/internal/convert/checkpoint"
)

// outlineOf is a configuration that every decoder can have; fields are its own.
func outlineOf(class string, fields map[string]any) map[string]any {
	config := map[string]any{
		"architectures": []string{class}, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4,
		"num_key_value_heads": 2, "vocab_size": 512, "max_position_embeddings": 256, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
	}
	for k, v := range fields {
		config[k] = v
	}
	return config
}

// makerOf runs the adapter of a configuration without its tensors.
func makerOf(t *testing.T, config map[string]any) (*maker, error) {
	t.Helper()
	dir := t.TempDir()
	data, err := json.Marshal(config)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "config.json"), data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	folder, err := checkpoint.OpenWith(dir, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { folder.Close() })
	return newMaker(folder)
}

// What GGUF cannot say is an error that names the field: nothing is left out in silence.
func TestUnsayable(t *testing.T) {
	rope := func(kind string, more ...any) map[string]any {
		r := map[string]any{"rope_type": kind, "rope_theta": 10000.0, "factor": 4.0}
		for i := 0; i < len(more); i += 2 {
			r[more[i].(string)] = more[i+1]
		}
		return map[string]any{"rope_parameters": r}
	}
	latent := map[string]any{"kv_lora_rank": 32, "q_lora_rank": 24, "qk_rope_head_dim": 16, "qk_nope_head_dim": 24, "v_head_dim": 20,
		"n_routed_experts": 4, "moe_intermediate_size": 32, "rope_interleave": false}
	delta := map[string]any{"linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 16, "linear_value_head_dim": 32,
		"linear_conv_kernel_dim": 4}
	for _, c := range []struct {
		name, class, says string
		fields            map[string]any
	}{
		{"another function", "LlamaForCausalLM", `"hidden_act" is "gelu"; llama computes with "silu"`, map[string]any{"hidden_act": "gelu"}},
		{"another function of Gemma", "Gemma2ForCausalLM", `"hidden_activation" is "silu"`, map[string]any{"hidden_activation": "silu"}},
		{"another function of GPT-2", "GPT2LMHeadModel", `"activation_function" is "relu"`, map[string]any{"activation_function": "relu"}},
		{"another function of Falcon", "FalconForCausalLM", `"activation" is "relu"`, map[string]any{"activation": "relu"}},
		{"a stretching that Qwen has not", "Qwen3ForCausalLM", `"rope_parameters": rotation of type "llama3": qwen3 cannot say it`, rope("llama3")},
		{"an unknown stretching", "LlamaForCausalLM", `rotation of type "spiral"`, rope("spiral")},
		{"factors that are not there", "LlamaForCausalLM", `rotation of type "longrope"`, rope("longrope")},
		{"a family that is not stretched", "CohereForCausalLM", `rotation of type "yarn": command-r cannot say it`, rope("yarn", "original_max_position_embeddings", 64)},
		{"the same as Transformers 4 wrote it", "PhiForCausalLM", `rotation of type "linear"`, map[string]any{"rope_scaling": map[string]any{"type": "linear", "factor": 2.0}}},
		{"YaRN to no length", "LlamaForCausalLM", "rotation of type yarn for 0 tokens", rope("yarn", "original_max_position_embeddings", 0)},
		{"a part of heads", "Qwen2ForCausalLM", `"partial_rotary_factor": qwen2 turns all`, rope("default", "partial_rotary_factor", 0.5)},
		{"halves in DeepSeek", "DeepseekV3ForCausalLM", `"rope_interleave"`, latent},
		{"other layers without rotation", "SmolLM3ForCausalLM", `"no_rope_layers": layer 2`, map[string]any{"no_rope_layer_interval": 3}},
		{"scales of GPT-2", "GPT2LMHeadModel", `"scale_attn_by_inverse_layer_idx"`, map[string]any{"scale_attn_by_inverse_layer_idx": true}},
		{"clipping in OLMoE", "OlmoeForCausalLM", `"clip_qkv"`, map[string]any{"clip_qkv": 8.0, "num_experts": 4}},
		{"a norm before the gate", "FalconH1ForCausalLM", `"mamba_norm_before_gate"`, map[string]any{"mamba_rms_norm": true, "mamba_d_ssm": 128, "mamba_n_heads": 8}},
		{"values of another length", "Qwen3_5ForCausalLM", "4 value heads of 32 for 2 key heads of 16", delta},
		{"a model that sees both ways", "Gemma3ForCausalLM", `"use_bidirectional_attention"`, map[string]any{"use_bidirectional_attention": true}},
		{"no scores", "Gemma2ForCausalLM", `"query_pre_attn_scalar" is 0`, map[string]any{"query_pre_attn_scalar": 0}},
		{"norms as the stream", "BloomForCausalLM", `"apply_residual_connection_post_layernorm": true`, map[string]any{"apply_residual_connection_post_layernorm": true}},
		{"one after the other in Falcon", "FalconForCausalLM", `"parallel_attn": false`, map[string]any{"parallel_attn": false}},
		{"biases in ERNIE", "Ernie4_5ForCausalLM", `"use_bias": true`, map[string]any{"use_bias": true}},
		{"normed heads in Phi", "PhiForCausalLM", `"qk_layernorm": true`, map[string]any{"qk_layernorm": true}},
		{"a convolution's bias", "Lfm2ForCausalLM", `"conv_bias": true`, map[string]any{"conv_bias": true}},
		{"layers without experts", "Qwen3MoeForCausalLM", `"mlp_only_layers"`, map[string]any{"num_experts": 4, "mlp_only_layers": []int{1}}},
		{"only every second layer with experts", "Qwen2MoeForCausalLM", `"decoder_sparse_step"`, map[string]any{"num_experts": 4, "decoder_sparse_step": 2}},
		{"a stretching of windows", "Gemma3ForCausalLM", `layers with a window turn in the way "linear"`, map[string]any{"rope_parameters": map[string]any{
			"full_attention":    map[string]any{"rope_type": "default", "rope_theta": 1e6},
			"sliding_attention": map[string]any{"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}}}},
		{"two scales of YaRN", "DeepseekV3ForCausalLM", `"mscale" 1 and "mscale_all_dim" 0.5`, map[string]any{"kv_lora_rank": 32, "qk_rope_head_dim": 16,
			"qk_nope_head_dim": 24, "v_head_dim": 20, "rope_parameters": map[string]any{"rope_type": "yarn", "factor": 4.0,
				"original_max_position_embeddings": 64, "mscale": 1.0, "mscale_all_dim": 0.5}}},
		{"YaRN without scales", "DeepseekV3ForCausalLM", `"mscale" 0 and "mscale_all_dim" 0`, map[string]any{"kv_lora_rank": 32, "qk_rope_head_dim": 16,
			"qk_nope_head_dim": 24, "v_head_dim": 20, "rope_parameters": map[string]any{"rope_type": "yarn", "factor": 4.0,
				"original_max_position_embeddings": 64}}},
		{"distances in Falcon", "FalconForCausalLM", `"alibi"`, map[string]any{"alibi": true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := makerOf(t, outlineOf(c.class, c.fields))
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "config.json") {
				t.Errorf("error %v, want one that says %s", err, c.says)
			}
		})
	}
}

// What llama.cpp makes otherwise of the file is told.
func TestNotes(t *testing.T) {
	for class, fields := range map[string]map[string]any{
		"MistralForCausalLM":  {"sliding_window": 16},
		"Qwen2ForCausalLM":    {"sliding_window": 16, "use_sliding_window": true, "max_window_layers": 1},
		"Phi3ForCausalLM":     {"sliding_window": 16},
		"Exaone4ForCausalLM":  {"sliding_window": 16, "sliding_window_pattern": "LLLG"},
		"Qwen2MoeForCausalLM": {"num_experts": 4, "norm_topk_prob": true},
		"LlamaForCausalLM": {"rope_parameters": map[string]any{"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64,
			"beta_fast": 16.0}},
		"GlmForCausalLM":      {"head_dim": 32},
		"NemotronForCausalLM": {"head_dim": 32},
		"GptOssForCausalLM": {"sliding_window": 16, "num_local_experts": 4, "rope_parameters": map[string]any{"rope_type": "yarn", "factor": 4.0,
			"original_max_position_embeddings": 64, "truncate": false}},
	} {
		m, err := makerOf(t, outlineOf(class, fields))
		if err != nil || len(m.notes) != 1 || !strings.Contains(m.notes[0], "llama.cpp") {
			t.Errorf("%s: error %v, notes %q; want one about llama.cpp", class, err, m.notes)
		}
	}
	for class, fields := range map[string]map[string]any{
		"MistralForCausalLM": {"sliding_window": 4096}, // more than the context
		"LlamaForCausalLM":   {"sliding_window": 16},   // a field that Llama does not read
		"Qwen2ForCausalLM":   {"sliding_window": 16},   // switched off
		"Gemma3ForCausalLM":  {"sliding_window": 16},
	} {
		m, err := makerOf(t, outlineOf(class, fields))
		if err != nil || len(m.notes) != 0 {
			t.Errorf("%s: error %v, notes %q; want none", class, err, m.notes)
		}
	}
}
