package convert

import "slices"

func init() {
	register("qwen2moe", qwenMoE, "Qwen2MoeForCausalLM")
	register("qwen3moe", qwenMoE, "Qwen3MoeForCausalLM")
	register("qwen3vlmoe", qwenVLMoE, "Qwen3VLMoeForConditionalGeneration")
}

// qwenMoE is Qwen 1.5 and 2 MoE, with an expert that every token goes through,
// and Qwen 3 MoE, without one.
func qwenMoE(m *maker) {
	m.transformer()
	m.qwenExpertWidths()
	m.qwenWindows()
	m.weightsNormed(m.arch == "qwen3moe")
	n := m.int("num_experts", "num_local_experts")
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		m.moveAny("self_attn.q_norm.weight", "attn_q_norm.weight")
		m.moveAny("self_attn.k_norm.weight", "attn_k_norm.weight")
		m.qwenExperts(n)
	}
}

// weightsNormed says whether the weights of a token's experts are made to sum to 1,
// where the configuration has it otherwise than all models of its architecture, whose
// files do not say it.
func (m *maker) weightsNormed(always bool) {
	if normed := m.boolOr(always, "norm_topk_prob"); normed != always {
		m.setBool("expert_weights_norm", normed)
		m.note("\"norm_topk_prob\": %v is this program's: llama.cpp's %s has it the other way", normed, m.arch)
	}
}

func (m *maker) qwenExpertWidths() {
	m.copyInt("expert_feed_forward_length", "moe_intermediate_size")
	m.copyInt("expert_shared_feed_forward_length", "shared_expert_intermediate_size")
}

// qwenExperts puts n experts and, where there is one, the shared expert with the
// gate that it has of its own.
func (m *maker) qwenExperts(n int) {
	dense, _ := m.config.Floats("mlp_only_layers")
	if step := m.intOr(1, "decoder_sparse_step"); step < 1 || (m.layer+1)%step != 0 || slices.Contains(dense, float64(m.layer)) {
		m.fail("%s: \"mlp_only_layers\" or \"decoder_sparse_step\": layer %d is without experts, which %s cannot say", m.config.File(), m.layer, m.arch)
	}
	m.move("mlp.gate.weight", "ffn_gate_inp.weight")
	m.experts(n, "mlp.experts.", projNames)
	if m.has("mlp.shared_expert.up_proj.weight") {
		m.shared("mlp.shared_expert.")
		m.move("mlp.shared_expert_gate.weight", "ffn_gate_inp_shexp.weight")
	}
}

// qwenVLMoE is the text part of Qwen 3 VL with experts. On the hub those are
// tensors of matrices [in, out].
func qwenVLMoE(m *maker) {
	m.textOnly()
	m.transformer()
	m.qwenExpertWidths()
	depths, _ := m.config.Object("vision_config").List("deepstack_visual_indexes")
	m.setInt("n_deepstack_layers", len(depths))
	n, width, inner := m.int("num_experts", "num_local_experts"), m.width(), m.int("moe_intermediate_size")
	m.move("model.embed_tokens.weight", "token_embd.weight")
	m.move("model.norm.weight", "output_norm.weight")
	m.moveAny("lm_head.weight", "output.weight")
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		m.normedHeads("self_attn.q_norm", "self_attn.k_norm")
		both, _ := m.firstOf("mlp.experts.gate_up_proj", "mlp.experts.gate_up_proj.weight")
		if !m.has(both) || m.tensorIs(both, n, 2*inner, width) && width != 2*inner {
			m.qwenExperts(n)
			continue
		}
		m.move("mlp.gate.weight", "ffn_gate_inp.weight")
		m.gateAndUp(m.source(both).flipped(), "_exps")
		down, _ := m.firstOf("mlp.experts.down_proj", "mlp.experts.down_proj.weight")
		m.put("ffn_down_exps.weight", m.source(down).flipped())
	}
}

// tensorIs reports whether one of the layer's tensors has a shape.
func (m *maker) tensorIs(name string, shape ...int) bool {
	t := m.tensor(m.prefix + name)
	return t != nil && slices.Equal(t.Shape, shape)
}
