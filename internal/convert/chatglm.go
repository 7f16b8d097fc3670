package convert

import "strings"

func init() {
	register("chatglm", oldGLM, "ChatGLMModel", "ChatGLMForConditionalGeneration", "GlmForCausalLM")
}

// oldGLM is ChatGLM 3 and GLM 4 of 2024, under the names of its own code
// ("transformer.encoder...") or of Transformers' class Glm: half of each head turns.
func oldGLM(m *maker) {
	m.renamed(func(name string) string { return strings.TrimPrefix(name, "transformer.") })
	m.outline()
	heads := m.int("num_attention_heads", "n_head")
	keys := m.intOr(heads, "multi_query_group_num", "num_key_value_heads")
	width := m.width()
	dim := m.intOr(width/max(heads, 1), "kv_channels", "head_dim")
	if dim*heads != width {
		m.setInt("attention.key_length", dim)
		m.setInt("attention.value_length", dim)
		m.noteHeads()
	}
	m.setInt("context_length", m.intOr(width, "seq_length", "max_position_embeddings"))
	m.setInt("feed_forward_length", m.intOr(4*width, "ffn_hidden_size", "intermediate_size"))
	m.setInt("attention.head_count_kv", keys)
	m.setFloat("attention.layer_norm_rms_epsilon", m.floatOr(1e-5, "layernorm_epsilon", "rms_norm_eps"))
	m.setInt("rope.dimension_count", m.rotated(m.intOr(dim, "attention_dim"), 0.5))
	m.setFloat("rope.freq_base", m.ropeFloatOr(10000*m.floatOr(1, "rope_ratio"), "rope_theta"))
	if m.has("embedding.word_embeddings.weight") {
		m.chatGLMOwn(heads*dim, keys*dim)
		return
	}
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		m.move("mlp.gate_up_proj.weight", "ffn_up.weight")
		m.move("mlp.down_proj.weight", "ffn_down.weight")
	}
}

// chatGLMOwn moves the tensors that ChatGLM's own code has.
func (m *maker) chatGLMOwn(queries, keys int) {
	m.move("embedding.word_embeddings.weight", "token_embd.weight")
	m.move("encoder.final_layernorm.weight", "output_norm.weight")
	m.move("output_layer.weight", "output.weight")
	m.leave(".rotary_pos_emb.inv_freq", "rotary_pos_emb.inv_freq")
	for m.nextLayer("encoder.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.ungrouped("self_attention.query_key_value", 1, queries, keys, keys)
		m.linear("self_attention.dense", "attn_output")
		m.move("mlp.dense_h_to_4h.weight", "ffn_up.weight")
		m.move("mlp.dense_4h_to_h.weight", "ffn_down.weight")
	}
}
