package convert

import (
	"fmt"
	"math"
)

func init() {
	register("gemma3n", gemma3n, "Gemma3nForCausalLM", "Gemma3nForConditionalGeneration")
}

// gemma3n is Gemma 3n, and the text part of those that see and hear: four residual
// streams, a low-rank path beside attention, an input of its own for each layer.
func gemma3n(m *maker) {
	m.textOnly()
	m.defaults(`{"head_dim": 256, "rms_norm_eps": 1e-6, "max_position_embeddings": 32768, "num_attention_heads": 8,
		"num_key_value_heads": 2, "vocab_size": 262400, "rope_theta": 1000000.0, "rope_local_base_freq": 10000.0, "sliding_window": 512,
		"final_logit_softcapping": 30.0, "hidden_size_per_layer_input": 256, "altup_active_idx": 0, "altup_num_inputs": 4,
		"num_kv_shared_layers": 15}`)
	m.transformer()
	m.gemmaLimits()
	m.setInt("altup.active_idx", m.int("altup_active_idx"))
	m.setInt("altup.num_inputs", m.int("altup_num_inputs"))
	m.setInt("embedding_length_per_layer_input", m.int("hidden_size_per_layer_input"))
	m.setInt("attention.shared_kv_layers", m.int("num_kv_shared_layers"))
	m.setFloats("activation_sparsity_scale", m.sparsity())
	m.setBool("activation_sparsity_population", true)
	sliding := m.slidingLayers(func(layer int) bool { return (layer+1)%5 != 0 })
	m.setFlags("attention.sliding_window_pattern", sliding)
	if m.int("altup_num_inputs") != 4 {
		m.fail("%s: \"altup_num_inputs\": %d streams, want 4", m.config.File(), m.int("altup_num_inputs"))
	}
	vocabulary := m.int("vocab_size")
	m.put("token_embd.weight", m.source("model.embed_tokens.weight").padded(vocabulary))
	m.put("per_layer_token_embd.weight", m.source("model.embed_tokens_per_layer.weight").padded(vocabulary))
	m.move("model.per_layer_model_projection.weight", "per_layer_model_proj.weight")
	m.move("model.per_layer_projection_norm.weight", "per_layer_proj_norm.weight")
	m.move("model.norm.weight", "output_norm.weight")
	m.streams("model.altup_projections", "altup_proj.weight")
	m.streams("model.altup_unembed_projections", "altup_unembd_proj.weight")
	m.leave("lm_head.weight")
	for m.nextLayer("model.layers.%d.") {
		m.gemmaPlainLayer()
		if !m.has("self_attn.k_proj.weight") {
			m.lentKeys(sliding)
		}
		m.layerInput()
		for _, name := range [][2]string{
			{"altup.correction_coefs.weight", "altup_correct_coef.weight"},
			{"altup.correct_output_scale", "altup_correct_scale.weight"},
			{"altup.prediction_coefs.weight", "altup_predict_coef.weight"},
			{"altup.modality_router.weight", "altup_router.weight"},
			{"altup.router_norm.weight", "altup_router_norm.weight"},
			{"laurel.linear_left.weight", "laurel_l.weight"},
			{"laurel.linear_right.weight", "laurel_r.weight"},
			{"laurel.post_laurel_norm.weight", "laurel_post_norm.weight"},
		} {
			m.move(name[0], name[1])
		}
	}
}

// gemmaLimits sets the keys of windows and of the limit on logits, for Gemma 3n and 4.
func (m *maker) gemmaLimits() {
	if limit := m.floatOr(0, "final_logit_softcapping"); limit != 0 {
		m.setFloat("final_logit_softcapping", limit)
	}
	m.setInt("attention.sliding_window", m.int("sliding_window"))
}

// gemmaPlainLayer moves a layer of Gemma 3n or 4, whose norms are stored as they
// are. Layers that take keys or values of others may lack their own.
func (m *maker) gemmaPlainLayer() {
	m.move("input_layernorm.weight", "attn_norm.weight")
	m.move("post_attention_layernorm.weight", "post_attention_norm.weight")
	m.move("pre_feedforward_layernorm.weight", "ffn_norm.weight")
	m.move("post_feedforward_layernorm.weight", "post_ffw_norm.weight")
	m.linear("self_attn.q_proj", "attn_q")
	m.linearAny("self_attn.k_proj", "attn_k")
	m.linearAny("self_attn.v_proj", "attn_v")
	m.linear("self_attn.o_proj", "attn_output")
	m.move("self_attn.q_norm.weight", "attn_q_norm.weight")
	m.moveAny("self_attn.k_norm.weight", "attn_k_norm.weight")
	m.gated()
}

// lentKeys gives a layer the matrices of keys and values of the layer whose keys and
// values it takes. Nothing reads them, but llama.cpp's loader wants some, and
// Transformers 5 saves none.
func (m *maker) lentKeys(sliding []bool) {
	own := m.layers - m.int("num_kv_shared_layers")
	from := own - 1
	for from >= 0 && sliding != nil && sliding[from] != sliding[m.layer] {
		from--
	}
	if m.layer < own || from < 0 {
		m.source("self_attn.k_proj.weight") // which is missing
		return
	}
	prefix := m.prefix
	m.prefix = fmt.Sprintf("model.layers.%d.", from)
	m.linear("self_attn.k_proj", "attn_k")
	m.linear("self_attn.v_proj", "attn_v")
	m.move("self_attn.k_norm.weight", "attn_k_norm.weight")
	m.prefix = prefix
}

// layerInput moves what adds a layer's own input to its output.
func (m *maker) layerInput() {
	m.move("per_layer_input_gate.weight", "inp_gate.weight")
	m.move("per_layer_projection.weight", "proj.weight")
	m.move("post_per_layer_input_norm.weight", "post_norm.weight")
}

// streams moves the matrices of the three streams beside the first as one tensor.
func (m *maker) streams(from, to string) {
	views := make([]*view, 3)
	for i := range views {
		views[i] = m.source(fmt.Sprintf("%s.%d.weight", from, i))
	}
	m.put(to, stacked(views))
}

// sparsity is, for each layer, how many standard deviations above the mean a
// feed-forward's gate must be: the share that stays off is the configuration's.
func (m *maker) sparsity() []float32 {
	shares, ok := m.config.Floats("activation_sparsity_pattern")
	if share, one := m.config.Float("activation_sparsity_pattern"); one {
		for range m.layers {
			shares = append(shares, share)
		}
	} else if !ok {
		for layer := range m.layers {
			share := 0.0
			if layer < 10 && m.layers > 10 {
				share = 0.95
			}
			shares = append(shares, share)
		}
	}
	if len(shares) != m.layers {
		m.fail("%s: \"activation_sparsity_pattern\": %d numbers for %d layers", m.config.File(), len(shares), m.layers)
		return nil
	}
	deviations := make([]float32, len(shares))
	for i, share := range shares {
		deviations[i] = float32(math.Erfinv(float64(2*float32(share)-1))) * math.Sqrt2
	}
	return deviations
}
