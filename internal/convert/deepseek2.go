package convert

import (
	"strconv"
	"strings"

	"happyphonellm/internal/convert/checkpoint"
)

func init() {
	register("deepseek2", deepSeek2, "DeepseekV2ForCausalLM", "DeepseekV3ForCausalLM", "Glm4MoeLiteForCausalLM", "KimiVLForConditionalGeneration", "KimiK25ForConditionalGeneration", "YoutuForCausalLM")
}

// deepSeek2 is DeepSeek V2 and V3 and all that has their form: keys and values come
// out of one short vector (MLA). The file has the matrix that makes them in two: the
// keys' part turned over, to go with the queries, and the values'.
func deepSeek2(m *maker) {
	m.defaults(`{"rms_norm_eps": 1e-6, "kv_lora_rank": 512}`)
	if m.class != "DeepseekV2ForCausalLM" && m.class != "YoutuForCausalLM" {
		m.defaults(`{"scoring_func": "sigmoid"}`)
	}
	m.textOnly()
	m.transformer()
	if !m.boolOr(true, "rope_interleave") {
		m.fail("%s: \"rope_interleave\": false: rotations of halves cannot be said", m.config.File())
	}
	heads, _ := m.heads()
	m.setInt("attention.head_count_kv", 1)
	n := m.intOr(0, "n_routed_experts")
	dense := m.layers
	if n > 0 {
		dense = 0
	}
	dense = m.intOr(dense, "first_k_dense_replace")
	m.setInt("leading_dense_block_count", dense)
	m.copyInt("vocab_size", "vocab_size")
	m.copyInt("attention.q_lora_rank", "q_lora_rank")
	rank, turned, still, value := m.int("kv_lora_rank"), m.int("qk_rope_head_dim"), m.int("qk_nope_head_dim"), m.int("v_head_dim")
	m.setInt("attention.kv_lora_rank", rank)
	m.setInt("attention.key_length", rank+turned)
	m.setInt("attention.value_length", rank)
	m.setInt("attention.key_length_mla", still+turned)
	m.setInt("attention.value_length_mla", value)
	m.setInt("expert_feed_forward_length", m.int("moe_intermediate_size", "intermediate_size"))
	m.setInt("expert_shared_count", m.intOr(0, "n_shared_experts"))
	m.copyFloat("expert_weights_scale", "routed_scaling_factor")
	if m.boolOr(false, "norm_topk_prob") {
		m.setBool("expert_weights_norm", true)
	}
	m.setInt("rope.dimension_count", turned)
	if above, below := m.ropeFloatOr(0, "mscale"), m.ropeFloatOr(0, "mscale_all_dim"); (above != below || below == 0) && m.ropeType() == "yarn" {
		m.fail("%s: \"mscale\" %g and \"mscale_all_dim\" %g: YaRN cannot be said but with two that are equal, and not 0", m.config.File(), above, below)
	}
	if scale, ok := m.ropeFloat("mscale_all_dim"); ok {
		m.setFloat("rope.scaling.yarn_log_multiplier", 0.1*scale)
	}
	m.move("model.embed_tokens.weight", "token_embd.weight")
	m.move("model.norm.weight", "output_norm.weight")
	if m.boolOr(false, "tie_word_embeddings") {
		m.leave("lm_head.weight")
	} else {
		m.moveAny("lm_head.weight", "output.weight")
	}
	m.leave(".rotary_emb.inv_freq")
	m.leaveLayersAfter()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.linearAny("self_attn.q_proj", "attn_q")
		m.linearAny("self_attn.q_a_proj", "attn_q_a")
		m.linearAny("self_attn.q_a_layernorm", "attn_q_a_norm")
		m.linearAny("self_attn.q_b_proj", "attn_q_b")
		m.linear("self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa")
		m.move("self_attn.kv_a_layernorm.weight", "attn_kv_a_norm.weight")
		both := m.source("self_attn.kv_b_proj.weight").reshape(heads, still+value, rank)
		m.put("attn_k_b.weight", both.within(0, still, 1).flipped())
		m.put("attn_v_b.weight", both.within(still, value, 1))
		m.linear("self_attn.o_proj", "attn_output")
		if m.layer < dense {
			m.gated()
		} else {
			m.deepSeekExperts(n)
		}
	}
}

// deepSeekExperts moves n experts, what chooses them, and those that every token goes through.
func (m *maker) deepSeekExperts(n int) {
	m.move("mlp.gate.weight", "ffn_gate_inp.weight")
	m.moveAny(m.oneOf("mlp.gate.e_score_correction_bias", "mlp.e_score_correction_bias"), "exp_probs_b.bias")
	m.experts(n, "mlp.experts.", projNames)
	if m.has("mlp.shared_experts.up_proj.weight") {
		m.shared("mlp.shared_experts.")
	}
}

// leaveLayersAfter leaves the layers after the last one: they predict several
// tokens at once, which the file does without.
func (m *maker) leaveLayersAfter() {
	names := m.names
	if names == nil {
		names = make(map[string]*checkpoint.Tensor)
		for _, t := range m.folder.Tensors() {
			names[t.Name] = t
		}
	}
	for name, t := range names {
		rest, _ := strings.CutPrefix(name, "model.layers.")
		number, _, _ := strings.Cut(rest, ".")
		if i, err := strconv.Atoi(number); err == nil && i >= m.layers {
			m.claimed[t.Name] = true
		}
	}
}
