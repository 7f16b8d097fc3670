package convert

func init() { register("hunyuan-moe", hunyuanMoE, "HunYuanMoEV1ForCausalLM") }

// hunyuanMoE is Hunyuan A13B: experts and a shared one in every layer.
func hunyuanMoE(m *maker) {
	m.transformer()
	width := m.int("intermediate_size")
	m.setInt("expert_shared_feed_forward_length", width)
	m.setInt("expert_feed_forward_length", m.everywhere(width, "moe_intermediate_size"))
	m.setInt("expert_used_count", m.everywhere(0, "moe_topk"))
	m.setInt("expert_shared_count", m.everywhere(1, "num_shared_expert"))
	if alpha, ok := m.rope().Float("alpha"); ok && m.ropeType() == "dynamic" {
		m.ntkAlpha(alpha, m.headDim())
		m.setInt("rope.scaling.original_context_length", 256<<10)
		m.setInt("context_length", 256<<10)
	}
	n := m.int("num_experts", "num_local_experts")
	m.move("model.embed_tokens.weight", "token_embd.weight")
	m.move("model.norm.weight", "output_norm.weight")
	if m.boolOr(false, "tie_word_embeddings") {
		m.leave("lm_head.weight")
	} else {
		m.moveAny("lm_head.weight", "output.weight")
	}
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		m.normedHeads("self_attn.query_layernorm", "self_attn.key_layernorm")
		m.move("mlp.gate.wg.weight", "ffn_gate_inp.weight")
		m.experts(n, "mlp.experts.", projNames)
		m.shared("mlp.shared_mlp.")
	}
}

// everywhere is a number that the configuration gives for all layers at once or in
// a list of equal ones.
func (m *maker) everywhere(otherwise int, field string) int {
	list, ok := m.config.Floats(field)
	if !ok {
		return m.intOr(otherwise, field)
	}
	for _, v := range list {
		if v != list[0] || v < 0 || v != float64(int(v)) {
			m.fail("%s: %q: layers with different numbers are not known", m.config.File(), field)
			return 0
		}
	}
	if len(list) == 0 {
		return otherwise
	}
	return int(list[0])
}
