package convert

func init() {
	register("granitehybrid", graniteHybrid, "GraniteMoeHybridForCausalLM", "BambaForCausalLM")
}

// graniteHybrid is Granite 4, and Bamba: Mamba 2 in most layers, attention in the
// others. A Granite 4 without Mamba is a Granite of the older form.
func graniteHybrid(m *maker) {
	m.graniteHeads()
	m.layers = m.layerCount("num_hidden_layers")
	attention, hybrid := m.hybridAttention(), false
	for _, a := range attention {
		hybrid = hybrid || !a
	}
	if !hybrid {
		m.become("granite")
		if m.intOr(0, "num_experts_per_tok") > 0 {
			m.become("granitemoe")
		}
	}
	m.llamaKeys()
	m.graniteFactors()
	m.graniteSharedWidth()
	if m.intOr(0, "num_local_experts") == 0 {
		// The shared expert is the whole feed-forward.
		m.copyInt("feed_forward_length", "shared_intermediate_size", "intermediate_size")
	}
	s := m.mamba2Sizes()
	position, _ := m.config.Text("position_embedding_type")
	rotates := m.class == "BambaForCausalLM" || position == "rope"
	turned := m.headDim()
	if m.class == "BambaForCausalLM" {
		turned = m.intOr(m.rotated(turned, 0.5), "attn_rotary_emb")
	}
	m.setInt("rope.dimension_count", turned)
	m.setBool("rope.scaling.finetuned", rotates)
	if hybrid && !rotates {
		m.setInt("context_length", 1<<20)
	}
	_, keys := m.heads()
	heads := make([]int32, m.layers)
	for i, a := range attention {
		if a {
			heads[i] = int32(keys)
		}
	}
	m.setInts("attention.head_count_kv", heads)
	m.move("model.embed_tokens.weight", "token_embd.weight")
	norm, _ := m.firstOf("model.norm.weight", "model.final_layernorm.weight")
	m.move(norm, "output_norm.weight")
	m.moveAny("lm_head.weight", "output.weight")
	for m.nextLayer("model.layers.%d.") {
		m.move("input_layernorm.weight", "attn_norm.weight")
		if attention[m.layer] {
			m.partlyTurnedProjections(turned)
		} else {
			m.mamba2Layer("mamba.", s)
		}
		if m.class == "BambaForCausalLM" {
			m.move("pre_ff_layernorm.weight", "ffn_norm.weight")
			m.linear("feed_forward.gate_proj", "ffn_gate")
			m.linear("feed_forward.up_proj", "ffn_up")
			m.linear("feed_forward.down_proj", "ffn_down")
			continue
		}
		m.move("post_attention_layernorm.weight", "ffn_norm.weight")
		m.graniteExperts()
	}
}

// become gives the file another architecture than the adapter's own.
func (m *maker) become(arch string) {
	m.arch = arch
	m.w.SetText("general.architecture", arch)
}

// hybridAttention tells which layers are attention: by their types, by a list of
// their numbers, or by a period and where in it they are.
func (m *maker) hybridAttention() []bool {
	list := make([]bool, m.layers)
	field := "layer_types"
	if !m.config.Has(field) {
		field = "layers_block_type"
	}
	if types := m.layerTypes(field); types != nil {
		for i, t := range types {
			list[i] = t == "attention" || t == "full_attention"
		}
		return list
	}
	if numbers, ok := m.config.Floats("attn_layer_indices"); ok && len(numbers) > 0 {
		m.mark(list, numbers, "attn_layer_indices")
		return list
	}
	period, offset := m.int("attn_layer_period"), m.int("attn_layer_offset")
	for i := range list {
		list[i] = i%max(period, 1) == offset
	}
	return list
}

// partlyTurnedProjections moves the matrices of an attention that turns neighbours
// together in the first dim elements of a head.
func (m *maker) partlyTurnedProjections(dim int) {
	queries, keys := m.heads()
	size := m.headDim()
	if dim == size {
		m.turnedProjections(queries, keys)
		return
	}
	if dim < 2 || dim%2 != 0 || dim > size {
		m.fail("%s: %d elements of heads of %d cannot turn", m.config.File(), dim, size)
		return
	}
	turn := func(name string, heads int) *view {
		v := m.source("self_attn." + name)
		if v.shape[0] != heads*size || len(v.shape) != 2 {
			return v.wrong("has shape %v, want %d heads of %d", v.shape, heads, size)
		}
		return v.pick(v.rows(), func(r int) int {
			if at := r % size; at < dim {
				return r - at + at%2*(dim/2) + at/2
			}
			return r
		})
	}
	m.put("attn_q.weight", turn("q_proj.weight", queries))
	m.put("attn_k.weight", turn("k_proj.weight", keys))
	m.linear("self_attn.v_proj", "attn_v")
	m.linear("self_attn.o_proj", "attn_output")
}
