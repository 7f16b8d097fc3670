package convert

import (
	"happyphonellm/internal/convert/checkpoint"
	"happyphonellm/internal/quant"
)

func init() { register("gpt-oss", gptOSS, "GptOssForCausalLM") }

// gptOSS is OpenAI's open-weight models. Their experts are MXFP4 and stay so; a
// fine-tuned one may have them as matrices of [in, out]. An expert's gate and up
// have every other row of one matrix.
func gptOSS(m *maker) {
	m.transformer()
	m.setInt("attention.sliding_window", m.int("sliding_window"))
	m.windowsBut(2)
	m.setInt("expert_feed_forward_length", m.int("intermediate_size"))
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.move("input_layernorm.weight", "attn_norm.weight")
		m.move("post_attention_layernorm.weight", "post_attention_norm.weight")
		m.projections()
		m.move("self_attn.sinks", "attn_sinks.weight")
		m.linear("mlp.router", "ffn_gate_inp")
		gateUp, down := m.gptOSSMatrices("mlp.experts.gate_up_proj"), m.gptOSSMatrices("mlp.experts.down_proj")
		half := gateUp.height() / 2
		m.put("ffn_gate_exps.weight", gateUp.within(0, half, 2))
		m.put("ffn_up_exps.weight", gateUp.within(1, half, 2))
		m.put("ffn_down_exps.weight", down)
		bias := m.source("mlp.experts.gate_up_proj_bias")
		m.put("ffn_gate_exps.bias", bias.columns(half, func(c int) int { return 2 * c }))
		m.put("ffn_up_exps.bias", bias.columns(half, func(c int) int { return 2*c + 1 }))
		m.move("mlp.experts.down_proj_bias", "ffn_down_exps.bias")
	}
}

// gptOSSMatrices is a stack of the experts' matrices [out, in], in either form.
func (m *maker) gptOSSMatrices(name string) *view {
	if m.has(name + "_blocks") {
		return m.mxfp4(name+"_blocks", name+"_scales")
	}
	return m.source(name).flipped()
}

// An MXFP4 block has 32 numbers of 4 bits and the exponent that they share. In
// checkpoints a byte has two neighbours and the exponents are a tensor of their own;
// GGUF has the exponent first, and number i and i+16 in a byte.
// Source: OCP Microscaling Formats (MX) Specification 1.0; ggml-common.h
const (
	mxfp4Elems = 32
	mxfp4Bytes = 1 + mxfp4Elems/2
)

// mxfp4 is a stack of matrices from the tensor of its blocks [.., rows, blocks, 16]
// and that of their exponents [.., rows, blocks].
func (m *maker) mxfp4(blocks, scales string) *view {
	v := m.source(blocks)
	m.source(scales)
	b, s := m.tensor(m.prefix+blocks), m.tensor(m.prefix+scales)
	if b == nil || s == nil {
		return v // the error is known
	}
	n := len(s.Shape)
	if b.Type != checkpoint.U8 || s.Type != checkpoint.U8 || b.Computed() || s.Computed() || n < 2 || len(b.Shape) != n+1 ||
		b.Shape[n] != mxfp4Elems/2 || s.Len()*mxfp4Elems/2 != b.Len() {
		return v.wrong("%s %v with exponents %s %v: these are no MXFP4 blocks", b.Type, b.Shape, s.Type, s.Shape)
	}
	each := s.Shape[n-1] // blocks in a row
	shape := append(append([]int(nil), s.Shape[:n-1]...), each*mxfp4Elems)
	raw := func(dst []byte, row, rows int) error {
		at, count := row*each, rows*each
		packed, exponents := make([]byte, count*mxfp4Elems/2), make([]byte, count)
		if err := b.ReadBytes(packed, at*mxfp4Elems/2); err != nil {
			return err
		}
		if err := s.ReadBytes(exponents, at); err != nil {
			return err
		}
		for i, e := range exponents {
			mxfp4Block(dst[i*mxfp4Bytes:][:mxfp4Bytes], packed[i*mxfp4Elems/2:][:mxfp4Elems/2], e)
		}
		return nil
	}
	f, _ := quant.MXFP4.Format()
	made := v.derived(shape, func(dst []float32, row, rows int) error {
		buf := make([]byte, rows*each*mxfp4Bytes)
		if err := raw(buf, row, rows); err != nil {
			return err
		}
		f.Dequantize(dst[:rows*each*mxfp4Elems], buf)
		return nil
	})
	made.native, made.raw = quant.MXFP4, raw
	made.typ, made.bytes = quant.MXFP4.String(), b.Bytes()+s.Bytes()
	return made.in(quant.MXFP4)
}

// mxfp4Block writes a block as GGUF has it.
func mxfp4Block(dst, pairs []byte, exponent byte) {
	dst[0] = exponent
	number := func(i int) byte { return pairs[i/2] >> (4 * (i % 2)) & 15 }
	for i := range mxfp4Elems / 2 {
		dst[1+i] = number(i) | number(i+mxfp4Elems/2)<<4
	}
}
