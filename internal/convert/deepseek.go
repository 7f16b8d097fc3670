package convert

import (
	"math"
	"sync"
)

func init() {
	register("deepseek", deepSeek, "DeepseekForCausalLM")
	register("bailingmoe", bailingMoE, "BailingMoeForCausalLM")
	register("bailingmoe2", bailingMoE2, "BailingMoeV2ForCausalLM")
}

// deepSeek is the first DeepSeek MoE: Llama with experts and shared ones.
func deepSeek(m *maker) {
	m.transformer()
	m.setInt("rope.dimension_count", m.headDim())
	m.setText("rope.scaling.type", "none")
	m.copyInt("vocab_size", "vocab_size")
	m.copyInt("expert_feed_forward_length", "moe_intermediate_size")
	m.copyInt("expert_shared_count", "n_shared_experts")
	m.copyInt("leading_dense_block_count", "first_k_dense_replace")
	m.setFloat("expert_weights_scale", 1)
	dense, n := m.int("first_k_dense_replace"), m.int("n_routed_experts")
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.turnedProjections(m.heads())
		if m.layer < dense {
			m.gated()
		} else {
			m.deepSeekExperts(n)
		}
	}
}

// bailingMoE is Ant's first Ling: DeepSeek's form with fused matrices of attention.
func bailingMoE(m *maker) {
	m.bailingKeys(m.headDim())
	m.setFloat("expert_weights_scale", 1)
	heads, keys := m.heads()
	dim, n := m.headDim(), m.int("num_experts", "num_local_experts")
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		qkv := m.source("attention.query_key_value.weight").parts(1, heads*dim, keys*dim, keys*dim)
		m.put("attn_q.weight", qkv[0].turned(heads))
		m.put("attn_k.weight", qkv[1].turned(keys))
		m.put("attn_v.weight", qkv[2])
		m.linear("attention.dense", "attn_output")
		m.deepSeekExperts(n)
	}
}

// bailingMoE2 is Ling and Ring 2: norms on heads, experts chosen with a bias in groups.
func bailingMoE2(m *maker) {
	m.bailingKeys(m.rotated(m.headDim(), 0.5))
	shared := m.intOr(1, "num_shared_experts")
	m.setInt("expert_shared_feed_forward_length", m.intOr(m.int("moe_intermediate_size")*shared, "moe_shared_expert_intermediate_size"))
	m.copyFloat("expert_weights_scale", "routed_scaling_factor")
	dense, n := m.int("first_k_dense_replace"), m.int("num_experts", "num_local_experts")
	m.leaveLayersAfter()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.linear("attention.query_key_value", "attn_qkv")
		m.linear("attention.dense", "attn_output")
		m.normedHeads("attention.query_layernorm", "attention.key_layernorm")
		if m.layer < dense {
			m.gated()
			continue
		}
		m.moveAny("mlp.gate.expert_bias", "exp_probs_b.bias")
		m.deepSeekExperts(n)
	}
}

// bailingKeys sets the keys of both, turned the elements of a head that turn, and
// moves what is beside the layers.
func (m *maker) bailingKeys(turned int) {
	m.transformer()
	m.setInt("rope.dimension_count", turned)
	m.copyInt("leading_dense_block_count", "first_k_dense_replace")
	m.copyInt("vocab_size", "vocab_size")
	m.copyInt("expert_feed_forward_length", "moe_intermediate_size")
	m.copyInt("expert_shared_count", "num_shared_experts")
	m.copyBool("expert_weights_norm", "norm_topk_prob")
	m.move(m.oneOf("model.word_embeddings.weight", "model.embed_tokens.weight"), "token_embd.weight")
	m.move("model.norm.weight", "output_norm.weight")
	m.leave(".rotary_emb.inv_freq")
	if !m.has("lm_head.weight") {
		return
	}
	head := m.source("lm_head.weight")
	if m.boolOr(false, "norm_head") {
		head = head.unitColumns()
	}
	m.put("output.weight", head)
}

// unitColumns is a matrix whose columns have the length 1.
func (v *view) unitColumns() *view {
	cols := v.cols()
	lengths := sync.OnceValues(func() ([]float32, error) {
		sums := make([]float64, cols)
		row := make([]float32, cols)
		for r := range v.rows() {
			if err := v.read(row, r, 1); err != nil {
				return nil, err
			}
			for c, x := range row {
				sums[c] += float64(x) * float64(x)
			}
		}
		out := make([]float32, cols)
		for c, s := range sums {
			out[c] = float32(math.Sqrt(s)) + 1e-7
		}
		return out, nil
	})
	return v.derived(v.shape, func(dst []float32, row, rows int) error {
		l, err := lengths()
		if err != nil {
			return err
		}
		if err := v.read(dst, row, rows); err != nil {
			return err
		}
		for i := range dst[:rows*cols] {
			dst[i] /= l[i%cols]
		}
		return nil
	})
}
