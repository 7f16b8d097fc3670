package convert

func init() {
	register("granitemoe", graniteMoE, "GraniteMoeForCausalLM", "GraniteMoeSharedForCausalLM")
}

// graniteMoE is IBM's Granite 3 with experts, and some with one that every token
// goes through besides.
func graniteMoE(m *maker) {
	m.graniteHeads()
	m.llamaKeys()
	m.graniteFactors()
	m.graniteSharedWidth()
	m.longRope(m.headDim())
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.turnedProjections(m.heads())
		m.graniteExperts()
	}
}

func (m *maker) graniteSharedWidth() {
	if width := m.intOr(0, "shared_intermediate_size"); width > 0 {
		m.setInt("expert_shared_feed_forward_length", width)
	}
}

// graniteExperts moves the layer's experts, whose gates and ups are joined, and the
// shared one, which is the whole feed-forward where there are no others.
func (m *maker) graniteExperts() {
	suffix := ""
	if m.has("block_sparse_moe.router.layer.weight") {
		suffix = "_shexp"
		m.move("block_sparse_moe.router.layer.weight", "ffn_gate_inp.weight")
		m.gateAndUp(m.source("block_sparse_moe.input_linear.weight"), "_exps")
		m.move("block_sparse_moe.output_linear.weight", "ffn_down_exps.weight")
	}
	if suffix == "" || m.has("shared_mlp.input_linear.weight") {
		m.gateAndUp(m.source("shared_mlp.input_linear.weight"), suffix)
		m.move("shared_mlp.output_linear.weight", "ffn_down"+suffix+".weight")
	}
}
