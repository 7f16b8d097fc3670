package convert

import (
	"math"
	"strings"
)

func init() {
	register("qwen3next", qwen35, "Qwen3NextForCausalLM")
	register("qwen35", qwen35, "Qwen3_5ForConditionalGeneration", "Qwen3_5ForCausalLM")
	register("qwen35moe", qwen35, "Qwen3_5MoeForConditionalGeneration", "Qwen3_5MoeForCausalLM")
}

// qwen35 is Qwen 3 Next, and Qwen 3.5 and 3.6, dense or with experts: most layers
// are gated delta nets, every fourth is attention. Norms are stored less 1. Of
// checkpoints that see it is the text part; layers that predict several tokens at
// once are left out.
func qwen35(m *maker) {
	m.renamed(func(name string) string {
		name = textName(name)
		if strings.HasPrefix(name, "mtp.") || strings.HasPrefix(name, "model.mtp.") {
			return ""
		}
		return name
	})
	m.transformer()
	m.qwenExpertWidths()
	if m.arch != "qwen35" && !m.boolOr(true, "norm_topk_prob") {
		m.fail("%s: \"norm_topk_prob\": false cannot be said", m.config.File())
	}
	d := deltaSizes{
		keys: m.int("linear_num_key_heads"), values: m.int("linear_num_value_heads"),
		keyDim: m.int("linear_key_head_dim"), valueDim: m.int("linear_value_head_dim"),
	}
	m.setInt("ssm.conv_kernel", m.int("linear_conv_kernel_dim"))
	m.setInt("ssm.state_size", d.keyDim)
	m.setInt("ssm.group_count", d.keys)
	m.setInt("ssm.time_step_rank", d.values)
	m.setInt("ssm.inner_size", d.valueDim*d.values)
	interval := m.intOr(4, "full_attention_interval")
	m.setInt("full_attention_interval", interval)
	recurrent := m.recurrentLayers(interval)
	m.w.SetBools(m.arch+".attention.recurrent_layers", recurrent)
	m.setInt("rope.dimension_count", int(float64(m.headDim())*m.ropeFloatOr(0.25, "partial_rotary_factor")))
	if _, ok := m.rope().Floats("mrope_section"); !ok && m.arch != "qwen3next" {
		m.ropeSections([]float64{11, 11, 10})
	}
	if !d.check(m) {
		return
	}
	n := m.intOr(0, "num_experts", "num_local_experts")
	m.move("model.embed_tokens.weight", "token_embd.weight")
	m.moveAny("lm_head.weight", "output.weight")
	m.put("output_norm.weight", m.source("model.norm.weight").plus(1))
	for m.nextLayer("model.layers.%d.") {
		m.put("attn_norm.weight", m.source("input_layernorm.weight").plus(1))
		m.put("post_attention_norm.weight", m.source("post_attention_layernorm.weight").plus(1))
		switch {
		case !recurrent[m.layer]:
			m.projections()
			m.put("attn_q_norm.weight", m.source("self_attn.q_norm.weight").plus(1))
			m.put("attn_k_norm.weight", m.source("self_attn.k_norm.weight").plus(1))
		case m.arch == "qwen3next":
			m.groupedDelta(d)
		default:
			m.tiledDelta(d)
		}
		if m.arch == "qwen35" {
			m.gated()
		} else {
			m.qwenExperts(n)
		}
	}
}

// recurrentLayers tells which layers have a state: the configuration's list, or all but every interval-th.
func (m *maker) recurrentLayers(interval int) []bool {
	list := make([]bool, m.layers)
	types := m.layerTypes("layer_types")
	for i := range list {
		if types != nil {
			list[i] = types[i] == "linear_attention"
		} else {
			list[i] = (i+1)%max(interval, 1) != 0
		}
	}
	return list
}

// deltaSizes are those of a gated delta net. There are as many or more value heads
// than key heads; those of one key head stand together in checkpoints.
type deltaSizes struct{ keys, values, keyDim, valueDim int }

func (d deltaSizes) check(m *maker) bool {
	if d.keys < 1 || d.values < 1 || d.values%d.keys != 0 || d.keyDim < 1 || d.valueDim != d.keyDim {
		m.fail("%s: %d value heads of %d for %d key heads of %d (linear_num_value_heads, linear_value_head_dim, linear_num_key_heads, linear_key_head_dim)", m.config.File(), d.values, d.valueDim, d.keys, d.keyDim)
	}
	return m.err == nil
}

// deltaRest moves what both forms have alike. order gives the place of value head i's numbers.
func (m *maker) deltaRest(order func(i int) int) {
	m.move("linear_attn.norm.weight", "ssm_norm.weight")
	values := func(v *view) *view {
		n := v.shape[0]
		return v.reshape(n, 1).pick(n, order).reshape(n)
	}
	m.put("ssm_a", values(m.source("linear_attn.A_log").negativeExp()))
	m.put("ssm_dt.bias", values(m.source("linear_attn.dt_bias")))
}

// negativeExp is -exp of every number: decays are stored as the logarithm of their size.
func (v *view) negativeExp() *view {
	return v.each(func(x float32) float32 { return -float32(math.Exp(float64(x))) })
}

// groupedDelta is Qwen 3 Next's: for each key head, q, k, its values and their gates
// stand together; the file has all of each kind together.
func (m *maker) groupedDelta(d deltaSizes) {
	all := m.source("linear_attn.in_proj_qkvz.weight")
	wide := d.values / d.keys * d.valueDim
	group := 2*d.keyDim + 2*wide
	if all.rows() != d.keys*group {
		all = all.wrong("has shape %v: want %d rows", all.shape, d.keys*group)
	}
	part := func(from, n int) *view {
		return all.pick(d.keys*n, func(r int) int { return r/n*group + from + r%n })
	}
	m.put("attn_qkv.weight", joined(part(0, d.keyDim), part(d.keyDim, d.keyDim), part(2*d.keyDim, wide)))
	m.put("attn_gate.weight", part(2*d.keyDim+wide, wide))
	m.move("linear_attn.in_proj_ba.weight", "ssm_ba.weight")
	m.put("ssm_conv1d.weight", m.source("linear_attn.conv1d.weight").squeezed())
	m.move("linear_attn.out_proj.weight", "ssm_out.weight")
	m.deltaRest(func(i int) int { return i })
}

// tiledDelta is Qwen 3.5's. The file has value heads in another order: the first
// of every key head, then the second of every key head, ...
func (m *maker) tiledDelta(d deltaSizes) {
	each := d.values / d.keys
	// from is where row r of heads of n rows comes from.
	from := func(n int) func(r int) int {
		return func(r int) int {
			head := r / n
			return (head%d.keys*each+head/d.keys)*n + r%n
		}
	}
	queries := 2 * d.keyDim * d.keys
	afterQueries := func(v *view) *view {
		if v.rows() != queries+d.values*d.valueDim {
			return v.wrong("has shape %v: want %d rows", v.shape, queries+d.values*d.valueDim)
		}
		return v.pick(v.rows(), func(r int) int {
			if r < queries {
				return r
			}
			return queries + from(d.valueDim)(r-queries)
		})
	}
	rows := func(name string, n int) *view {
		v := m.source("linear_attn." + name + ".weight")
		if v.rows() != d.values*n {
			return v.wrong("has shape %v: want %d rows", v.shape, d.values*n)
		}
		return v.pick(v.rows(), from(n))
	}
	m.put("attn_qkv.weight", afterQueries(m.source("linear_attn.in_proj_qkv.weight")))
	m.put("attn_gate.weight", rows("in_proj_z", d.valueDim))
	m.put("ssm_beta.weight", rows("in_proj_b", 1))
	m.put("ssm_alpha.weight", rows("in_proj_a", 1))
	m.put("ssm_conv1d.weight", afterQueries(m.source("linear_attn.conv1d.weight").squeezed()))
	m.put("ssm_out.weight", m.source("linear_attn.out_proj.weight").columns(d.values*d.valueDim, from(d.valueDim)))
	m.deltaRest(from(1))
}
