package convert

import (
	"math"
	"sync"
)

func init() { register("bitnet", bitNet, "BitnetForCausalLM", "BitNetForCausalLM") }

// bitNet is BitNet b1.58. Its matrices are trained to be rounded to -1, 0 and 1
// times a scale of each; the file has them so rounded.
func bitNet(m *maker) {
	if act, ok := m.config.Text("hidden_act"); ok && act != "silu" {
		m.fail("%s: \"hidden_act\": %q is not known, only \"silu\"", m.config.File(), act)
	}
	m.transformer()
	m.setText("rope.scaling.type", "linear")
	m.setFloat("rope.scaling.factor", 1)
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		for _, name := range [][2]string{
			{"self_attn.q_proj", "attn_q"}, {"self_attn.k_proj", "attn_k"}, {"self_attn.v_proj", "attn_v"}, {"self_attn.o_proj", "attn_output"},
			{"mlp.gate_proj", "ffn_gate"}, {"mlp.up_proj", "ffn_up"}, {"mlp.down_proj", "ffn_down"},
		} {
			m.put(name[1]+".weight", m.source(name[0]+".weight").ternary())
		}
		m.move(m.oneOf("self_attn.attn_sub_norm.weight", "self_attn.inner_attn_ln.weight"), "attn_sub_norm.weight")
		m.move(m.oneOf("mlp.ffn_sub_norm.weight", "mlp.ffn_layernorm.weight"), "ffn_sub_norm.weight")
	}
}

// ternary is a matrix rounded to -1, 0 and 1 times the mean of its numbers' sizes,
// which is known once all of it was read.
// Source: arXiv:2402.17764, equations 1 to 3.
func (v *view) ternary() *view {
	scale := sync.OnceValues(v.meanSize)
	cols := v.cols()
	return v.derived(v.shape, func(dst []float32, row, rows int) error {
		s, err := scale()
		if err != nil {
			return err
		}
		if err := v.read(dst, row, rows); err != nil {
			return err
		}
		inverse := 1 / max(s, 1e-5)
		for i, x := range dst[:rows*cols] {
			whole := float32(math.RoundToEven(float64(float32(x * inverse))))
			dst[i] = min(max(whole, -1), 1) / inverse
		}
		return nil
	})
}

// meanSize is the mean of the absolute values, added in float64.
func (v *view) meanSize() (float32, error) {
	cols, rows := v.cols(), v.rows()
	step := max(1, (1<<18)/max(cols, 1))
	buf := make([]float32, min(step, rows)*cols)
	sum := 0.0
	for r := 0; r < rows; r += step {
		n := min(step, rows-r)
		if err := v.read(buf, r, n); err != nil {
			return 0, err
		}
		for _, x := range buf[:n*cols] {
			sum += math.Abs(float64(x))
		}
	}
	return float32(sum / float64(rows*cols)), nil
}
