package convert

import "fmt"

func init() { register("hrm_text", hrm, "HrmTextForCausalLM") }

// hrm is a hierarchical reasoning model of text: two stacks of layers, a low and a
// high one, that are run in turns. The file has the low stack's layers first; the
// number of blocks is that of all turns.
func hrm(m *maker) {
	stack := m.layerCount("num_layers_per_stack", "num_hidden_layers")
	high, low := m.int("H_cycles"), m.int("L_cycles")
	if stack < 1 || high > 1<<10 || low > 1<<10 || stack > 1<<10 {
		m.fail("%s: %d layers in a stack, %d times %d cycles", m.config.File(), stack, high, low)
		return
	}
	m.transformer()
	m.setInt("block_count", stack*high*(low+1))
	m.setInt("rope.dimension_count", m.headDim())
	m.setFloat("embedding_scale", m.float("embedding_scale"))
	m.setInt("hrm.layers_per_stack", stack)
	m.setInt("hrm.h_cycles", high)
	m.setInt("hrm.l_cycles", low)
	m.setBool("hrm.prefix_lm", m.boolOr(false, "prefix_lm"))
	m.move("model.embed_tokens.weight", "token_embd.weight")
	m.move("lm_head.weight", "output.weight")
	m.move("model.z_L_init", "hrm.z_l_init")
	for m.layers = 2 * stack; m.nextLayer("model.L_module.layers.%d."); {
		if m.layer >= stack {
			m.prefix = fmt.Sprintf("model.H_module.layers.%d.", m.layer-stack)
		}
		four := m.source("attn.gqkv_proj.weight")
		n := four.rows() / 4
		parts := four.parts(1, n, n, n, n)
		m.put("attn_gate.weight", parts[0])
		m.put("attn_q.weight", parts[1])
		m.put("attn_k.weight", parts[2])
		m.put("attn_v.weight", parts[3])
		m.move("attn.o_proj.weight", "attn_output.weight")
		m.gateAndUp(m.source("mlp.gate_up_proj.weight"), "")
		m.move("mlp.down_proj.weight", "ffn_down.weight")
	}
}
