package convert

import "strings"

func init() {
	register("gptneox", gptNeoX, "GPTNeoXForCausalLM")
	register("bloom", bloom, "BloomForCausalLM", "BloomModel")
	register("mpt", mpt, "MPTForCausalLM", "MptForCausalLM")
}

// gptNeoX is GPT-NeoX and Pythia: for each head, query, key and value stand together.
func gptNeoX(m *maker) {
	m.defaults(`{"layer_norm_eps": 1e-5}`)
	m.transformer()
	heads, _ := m.heads()
	dim := m.width() / heads
	m.setInt("rope.dimension_count", m.rotated(dim, 0.25))
	m.setBool("use_parallel_residual", m.boolOr(true, "use_parallel_residual"))
	m.move("gpt_neox.embed_in.weight", "token_embd.weight")
	m.linear("gpt_neox.final_layer_norm", "output_norm")
	m.moveAny("embed_out.weight", "output.weight")
	m.leave(".attention.bias", ".attention.masked_bias", ".rotary_emb.inv_freq")
	for m.nextLayer("gpt_neox.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.ungrouped("attention.query_key_value", heads, dim, dim, dim)
		m.zeroBias("attention.query_key_value", "attn_qkv")
		m.linearBias("attention.dense", "attn_output")
		m.linear("mlp.dense_h_to_4h", "ffn_up")
		m.linear("mlp.dense_4h_to_h", "ffn_down")
	}
}

// bloom is BLOOM: biases by distance in place of positions, and a norm after the embedding.
func bloom(m *maker) {
	m.renamed(withoutTransformer)
	m.outline()
	m.setFloat("attention.layer_norm_epsilon", m.floatOr(1e-5, "layer_norm_epsilon"))
	heads, _ := m.heads()
	width := m.width()
	dim := width / heads
	m.setInt("context_length", m.intOr(width, "seq_length"))
	m.setInt("embedding_length", width)
	m.setInt("feed_forward_length", 4*width)
	m.setInt("attention.head_count_kv", heads)
	m.move("word_embeddings.weight", "token_embd.weight")
	m.linear("word_embeddings_layernorm", "token_embd_norm")
	m.linear("ln_f", "output_norm")
	m.moveAny("lm_head.weight", "output.weight")
	for m.nextLayer("h.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.ungrouped("self_attention.query_key_value", heads, dim, dim, dim)
		m.linear("self_attention.dense", "attn_output")
		m.linear("mlp.dense_h_to_4h", "ffn_up")
		m.linear("mlp.dense_4h_to_h", "ffn_down")
	}
}

// mpt is MosaicML's MPT: biases by distance in place of positions, norms without biases.
func mpt(m *maker) {
	attention := m.config.Object("attn_config")
	m.config = m.config.Merged(attention)
	m.outline()
	m.setInt("context_length", m.int("max_seq_len"))
	width := m.width()
	m.setInt("embedding_length", width)
	inner := m.intOr(4, "expansion_ratio") * width
	if up := m.tensor("transformer.blocks.0.ffn.up_proj.weight"); up != nil && len(up.Shape) == 2 {
		inner = up.Shape[0] // Transformers makes it 4 times the width, whatever the ratio is
	}
	m.setInt("feed_forward_length", inner)
	m.copyInt("attention.head_count_kv", "kv_n_heads")
	m.setFloat("attention.layer_norm_epsilon", 1e-5)
	m.copyFloat("attention.clamp_kqv", "clip_qkv")
	bias := 0.0
	if m.boolOr(true, "alibi") {
		bias = m.floatOr(8, "alibi_bias_max")
	}
	m.setFloat("attention.max_alibi_bias", bias)
	m.move("transformer.wte.weight", "token_embd.weight")
	m.moveAny("transformer.wpe.weight", "position_embd.weight")
	m.linear("transformer.norm_f", "output_norm")
	m.moveAny("lm_head.weight", "output.weight")
	for m.nextLayer("transformer.blocks.%d.") {
		m.layerNorms("norm_1", "norm_2")
		m.linear("attn.Wqkv", "attn_qkv")
		m.linear("attn.out_proj", "attn_output")
		m.linearAny("attn.q_ln", "attn_q_norm")
		m.linearAny("attn.k_ln", "attn_k_norm")
		m.linear("ffn.up_proj", "ffn_up")
		m.linear("ffn.down_proj", "ffn_down")
		m.moveAny("ffn.act.scales", "ffn.act.scales")
	}
}

// withoutTransformer is a name without the prefix that checkpoints of the model
// alone have not.
func withoutTransformer(name string) string { return strings.TrimPrefix(name, "transformer.") }
