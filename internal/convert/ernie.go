package convert

import "strings"

func init() {
	register("ernie4_5", ernie, "Ernie4_5ForCausalLM", "Ernie4_5_ForCausalLM")
}

// ernie is Baidu's dense ERNIE 4.5. Old checkpoints have fused matrices.
func ernie(m *maker) {
	m.renamed(func(name string) string { return strings.Replace(name, "ernie.", "model.", 1) })
	m.defaults(`{"rms_norm_eps": 1e-5}`)
	m.transformer()
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.ernieAttention()
		if m.has("mlp.up_gate_proj.weight") {
			both := m.source("mlp.up_gate_proj.weight")
			halves := both.parts(1, both.rows()/2, both.rows()-both.rows()/2)
			m.put("ffn_gate.weight", halves[0])
			m.put("ffn_up.weight", halves[1])
			m.move("mlp.down_proj.weight", "ffn_down.weight")
		} else {
			m.gated()
		}
	}
}

// ernieAttention moves the matrices of attention, fused or not.
func (m *maker) ernieAttention() {
	if !m.has("self_attn.qkv_proj.weight") {
		m.projections()
		return
	}
	heads, keys := m.heads()
	dim := m.headDim()
	qkv := m.source("self_attn.qkv_proj.weight").parts(1, heads*dim, keys*dim, keys*dim)
	m.put("attn_q.weight", qkv[0])
	m.put("attn_k.weight", qkv[1])
	m.put("attn_v.weight", qkv[2])
	m.move("self_attn.o_proj.weight", "attn_output.weight")
}
