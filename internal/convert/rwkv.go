package convert

import (
	"math"
	"strings"
)

func init() {
	register("rwkv6", rwkv6, "Rwkv6ForCausalLM")
	register("rwkv7", rwkv7, "Rwkv7ForCausalLM", "RWKV7ForCausalLM")
}

// rwkv6 is RWKV 6 (Finch).
func rwkv6(m *maker) {
	m.rwkvTemplate()
	width := m.int("hidden_size")
	inner := m.intOr(width*7/2/32*32, "intermediate_size")
	extra, decay := 32, 64
	if width == 4096 {
		extra, decay = 64, 128
	}
	m.layers = m.layerCount("num_hidden_layers")
	every := m.intOr(0, "rescale_every")
	m.setInt("block_count", m.layers)
	m.setInt("context_length", manyTokens)
	m.setInt("embedding_length", width)
	m.setFloat("attention.layer_norm_epsilon", m.float("layer_norm_epsilon"))
	m.setInt("rescale_every_n_layers", every)
	m.setInt("wkv.head_size", m.int("head_size"))
	m.setInt("time_mix_extra_dim", extra)
	m.setInt("time_decay_extra_dim", decay)
	m.setInt("feed_forward_length", inner)
	m.setInt("attention.head_count", 0)
	m.move("rwkv.embeddings.weight", "token_embd.weight")
	m.linear("rwkv.blocks.0.pre_ln", "token_embd_norm")
	m.linear("rwkv.ln_out", "output_norm")
	m.move("head.weight", "output.weight")
	for m.nextLayer("rwkv.blocks.%d.") {
		m.linear("ln1", "attn_norm")
		m.linear("ln2", "attn_norm_2")
		m.linear("attention.ln_x", "time_mix_ln")
		m.put("time_mix_w1.weight", m.source("attention.time_maa_w1").transposed())
		m.put("time_mix_w2.weight", m.source("attention.time_maa_w2").flipped())
		m.put("time_mix_lerp_x.weight", m.source("attention.time_maa_x").squeezed())
		m.lerpsOf("attention.time_maa_", "wkvrg")
		m.move("attention.time_faaaa", "time_mix_first.weight")
		m.put("time_mix_decay.weight", m.source("attention.time_decay").squeezed())
		m.put("time_mix_decay_w1.weight", m.source("attention.time_decay_w1").transposed())
		m.put("time_mix_decay_w2.weight", m.source("attention.time_decay_w2").transposed())
		for _, name := range []string{"key", "value", "receptance", "gate"} {
			m.move("attention."+name+".weight", "time_mix_"+name+".weight")
		}
		// What the layers add is halved every so often; the file's weights are so already.
		scale := 1.0
		if every > 0 {
			scale = math.Ldexp(1, -(m.layer / every))
		}
		m.put("time_mix_output.weight", m.source("attention.output.weight").scaled(scale))
		m.put("channel_mix_lerp_k.weight", m.source("feed_forward.time_maa_k").squeezed())
		m.put("channel_mix_lerp_r.weight", m.source("feed_forward.time_maa_r").squeezed())
		m.move("feed_forward.key.weight", "channel_mix_key.weight")
		m.move("feed_forward.receptance.weight", "channel_mix_receptance.weight")
		m.put("channel_mix_value.weight", m.source("feed_forward.value.weight").scaled(scale))
	}
}

// rwkvTemplate names the chat template of RWKV's World models, which engines know
// by this name; a checkpoint's own wins.
func (m *maker) rwkvTemplate() { m.w.SetText("tokenizer.chat_template", "rwkv-world") }

// lerpsOf puts the layer's mixtures, one for each letter, in one tensor.
func (m *maker) lerpsOf(from, letters string) {
	var views []*view
	for _, l := range letters {
		v := m.source(from + string(l))
		views = append(views, v.reshape(1, 1, v.rows()*v.cols()))
	}
	m.put("time_mix_lerp_fused.weight", stacked(views))
}

// rwkv7 is RWKV 7 (Goose), under the names of flash-linear-attention or older ones.
func rwkv7(m *maker) {
	m.rwkvTemplate()
	m.renamed(rwkv7Name)
	width := m.int("hidden_size")
	m.layers = m.layerCount("num_hidden_layers")
	m.setInt("block_count", m.layers)
	m.setInt("context_length", manyTokens)
	m.setInt("embedding_length", width)
	m.setFloat("attention.layer_norm_epsilon", m.float("layer_norm_epsilon", "norm_eps"))
	m.setInt("wkv.head_size", m.int("head_size", "head_dim"))
	rank := func(power, factor float64) int {
		return max(1, int(math.RoundToEven(math.Pow(float64(width), power)*factor/32))) * 32
	}
	m.setInt("attention.decay_lora_rank", m.intOr(rank(0.5, 1.8), "lora_rank_decay", "decay_low_rank_dim"))
	m.setInt("attention.iclr_lora_rank", m.intOr(rank(0.5, 1.8), "lora_rank_iclr", "a_low_rank_dim"))
	m.setInt("attention.value_residual_mix_lora_rank", m.intOr(rank(0.5, 1.3), "lora_rank_value_residual_mix", "v_low_rank_dim"))
	m.setInt("attention.gate_lora_rank", m.intOr(rank(0.8, 0.6), "lora_rank_gate", "gate_low_rank_dim"))
	m.setInt("feed_forward_length", m.intOr(4*width, "intermediate_size"))
	m.setInt("attention.head_count", 0)
	m.move("model.embeddings.weight", "token_embd.weight")
	m.linear(strings.TrimSuffix(m.oneOf("model.layers.0.pre_norm.weight", "model.pre_ln.weight"), ".weight"), "token_embd_norm")
	m.linear(strings.TrimSuffix(m.oneOf("model.norm.weight", "model.ln_out.weight"), ".weight"), "output_norm")
	m.move(m.oneOf("lm_head.weight", "head.weight"), "output.weight")
	for m.nextLayer("model.layers.%d.") {
		m.rwkv7Layer()
	}
}

// rwkv7Name gives all spellings of a tensor's name the same one.
func rwkv7Name(name string) string {
	for _, r := range [][2]string{
		{"blocks", "layers"}, {"ffn", "feed_forward"}, {"self_attn", "attention"}, {"attn", "attention"}, {"time_mixer.", ""},
		{"feed_forward_norm", "ln2"}, {"attention_norm", "ln1"}, {"g_norm", "ln_x"},
		{"r_proj", "receptance"}, {"k_proj", "key"}, {"v_proj", "value"}, {"o_proj", "output"},
	} {
		name = strings.ReplaceAll(name, r[0], r[1])
	}
	return name
}

func (m *maker) rwkv7Layer() {
	m.linear("ln1", "attn_norm")
	m.linear("ln2", "attn_norm_2")
	m.linear("attention.ln_x", "time_mix_ln")
	for _, name := range []string{"receptance", "key", "value", "output"} {
		m.move("attention."+name+".weight", "time_mix_"+name+".weight")
	}
	letters := "rwkvag"
	if !m.boolOr(true, "wkv_has_gate") {
		letters = "rwkva"
	}
	if m.has("attention.x_x") {
		v := m.source("attention.x_x")
		m.put("time_mix_lerp_fused.weight", v.reshape(len(letters), 1, 1, v.rows()*v.cols()/len(letters)))
	} else {
		m.lerpsOf("attention.x_", letters)
	}
	for _, name := range []string{"k_k", "k_a", "r_k"} {
		v := m.source("attention." + name)
		m.put("time_mix_"+name+".weight", v.reshape(v.rows()*v.cols()))
	}
	m.narrow("w", "w")
	m.narrow("a", "a")
	if m.layer == 0 {
		// The first layer's values are mixed with nothing; llama.cpp wants tensors nevertheless.
		m.narrow("a", "v")
		m.leaveNarrow("v")
	} else {
		m.narrow("v", "v")
	}
	if m.has("attention.g_lora.lora.0.weight") || m.has("attention.g1") {
		m.narrow("g", "g")
	}
	m.put("channel_mix_lerp_k.weight", m.source("feed_forward.x_k").squeezed())
	m.move("feed_forward.key.weight", "channel_mix_key.weight")
	m.move("feed_forward.value.weight", "channel_mix_value.weight")
}

// narrow puts a product by way of a few numbers, with what is added to it, if anything.
func (m *maker) narrow(from, to string) {
	at := "attention." + from
	if m.has(at + "_lora.lora.0.weight") {
		m.move(at+"_lora.lora.0.weight", "time_mix_"+to+"1.weight")
		m.move(at+"_lora.lora.2.weight", "time_mix_"+to+"2.weight")
		m.moveAny(at+"_lora.lora.2.bias", "time_mix_"+to+"0.weight")
		return
	}
	m.put("time_mix_"+to+"1.weight", m.source(at+"1").squeezed().transposed())
	m.put("time_mix_"+to+"2.weight", m.source(at+"2").squeezed().transposed())
	if m.has(at + "0") {
		m.put("time_mix_"+to+"0.weight", m.source(at+"0").squeezed())
	}
}

// leaveNarrow leaves one that some checkpoints have and nothing uses.
func (m *maker) leaveNarrow(name string) {
	for _, part := range []string{"_lora.lora.0.weight", "_lora.lora.2.weight", "_lora.lora.2.bias", "0", "1", "2"} {
		if m.has("attention." + name + part) {
			m.source("attention." + name + part)
		}
	}
}
