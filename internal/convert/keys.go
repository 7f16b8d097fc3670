package convert

// Keys that many families have. Each is written if the configuration has its
// field, under any of the names that families give it; a family adds what it
// knows besides. What a key means: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md

// outline sets the keys of a decoder's sizes, and the number of layers.
func (m *maker) outline() {
	m.layers = m.layerCount("n_layers", "num_hidden_layers", "n_layer", "num_layers")
	m.setInt("block_count", m.layers)
	m.copyInt("context_length", "max_position_embeddings", "n_ctx", "n_positions", "max_length", "max_sequence_length", "model_max_length")
	m.copyInt("embedding_length", "hidden_size", "n_embd", "dim", "d_model")
	m.copyInt("feed_forward_length", "prefix_dense_intermediate_size", "dense_intermediate_size", "intermediate_size", "n_inner", "hidden_dim", "ffn_dim")
	m.copyInt("attention.head_count", "num_attention_heads", "n_head", "n_heads")
	m.copyInt("attention.head_count_kv", "num_key_value_heads", "n_kv_heads")
}

// transformer sets the keys that nearly every decoder has.
func (m *maker) transformer() {
	m.outline()
	if causal, ok := m.config.Bool("is_causal"); ok && !causal {
		m.setBool("attention.causal", false)
	}
	m.copyFloat("attention.layer_norm_rms_epsilon", "rms_norm_eps", "norm_eps")
	m.copyFloat("attention.layer_norm_epsilon", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon")
	if m.config.Has("head_dim") {
		m.setInt("attention.key_length", m.int("head_dim"))
		m.setInt("attention.value_length", m.int("head_dim"))
	}
	m.rotation()
	m.choice()
}

// headDim is the size of an attention head: the configuration's, or its share of the width.
func (m *maker) headDim() int {
	return m.intOr(m.intOr(0, "hidden_size", "n_embd")/max(m.intOr(1, "num_attention_heads", "n_head"), 1), "head_dim")
}

// noteHeads tells of heads that are not the width's share, where llama.cpp takes that for granted.
func (m *maker) noteHeads() {
	heads := max(m.int("num_attention_heads", "n_head"), 1)
	if dim := m.headDim(); dim*heads != m.width() {
		m.note("heads of %d are this program's: llama.cpp's %s takes %d", dim, m.arch, m.width()/heads)
	}
}

// choice sets the keys that say how a token's experts are chosen.
func (m *maker) choice() {
	m.copyInt("expert_count", "num_local_experts", "num_experts", "n_routed_experts")
	m.copyInt("expert_used_count", "num_experts_per_tok", "num_experts_per_token", "top_k_experts")
	m.copyInt("expert_group_count", "n_group")
	m.copyInt("expert_group_used_count", "topk_group")
	for _, name := range []string{"score_function", "scoring_func", "score_func", "moe_router_activation", "moe_router_activation_func", "expert_selection_fn"} {
		if !m.config.Has(name) {
			continue
		}
		text, _ := m.config.Text(name)
		n, ok := gatings[text]
		if !ok {
			m.fail("%s: %q: %q is no way of scoring experts that is known", m.config.File(), name, text)
		}
		m.setInt("expert_gating_func", n)
		return
	}
}

// The numbers of expert_gating_func.
const (
	gateSoftmax = 1
	gateSigmoid = 2
)

var gatings = map[string]int{"softmax": gateSoftmax, "sigmoid": gateSigmoid, "noaux_tc": gateSigmoid, "sqrtsoftplus": 4}

// copyInt sets a key from the first of the fields that is there: a number, or a
// list with one for each layer.
func (m *maker) copyInt(key string, fields ...string) {
	for _, field := range fields {
		if list, ok := m.config.Floats(field); ok {
			m.setList(key, field, list)
			return
		}
		if m.config.Has(field) {
			m.setInt(key, m.int(field))
			return
		}
	}
}

// copyFloat does the same for a number that is not whole.
func (m *maker) copyFloat(key string, fields ...string) {
	for _, field := range fields {
		if m.config.Has(field) {
			m.setFloat(key, m.float(field))
			return
		}
	}
}

// copyBool does the same for a flag.
func (m *maker) copyBool(key, field string) {
	if v, ok := m.config.Bool(field); ok {
		m.setBool(key, v)
	}
}

// boolOr is the flag in a field, or the value for "not there".
func (m *maker) boolOr(otherwise bool, field string) bool {
	if v, ok := m.config.Bool(field); ok {
		return v
	}
	return otherwise
}

// layerTypes is the list in a field that says what each layer is; nil if there is
// none. A list of another length is an error.
func (m *maker) layerTypes(field string) []string {
	if !m.config.Has(field) {
		return nil
	}
	types, ok := m.config.Texts(field)
	if !ok || len(types) != m.layers {
		m.fail("%s: %q is no list of %d texts", m.config.File(), field, m.layers)
		return nil
	}
	return types
}
