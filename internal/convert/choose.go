package convert

import (
	"fmt"
	"path"
	"strings"

	"happyphonellm/internal/quant"
)

// Which type each tensor gets. The rules are llama.cpp's, learned by experiment
// there: attention's values, the output and the first and last layers suffer
// most from coarse weights.

// shape is what the rules read of a model.
type shape struct {
	arch    string
	layers  int
	group   int // query heads per key head
	experts int
	tied    bool // no output matrix: the embedding serves
}

// chooser walks through the tensors in the order of their layers and counts.
type chooser struct {
	mix          Mix
	shape        shape
	importance   bool // there are importances
	values       int  // tensors of kind value in the model
	value        int  // of them seen
	downs        int  // tensors of kind down seen
	output       quant.Type
	outputIsSet  bool
	typeOverride []Override
}

// Override gives the tensors whose name matches Glob (as path.Match does) a type.
type Override struct {
	Glob string
	Type quant.Type
}

// Matches reports whether the tensor of this name gets the type. Glob was checked.
func (o *Override) Matches(name string) bool {
	ok, err := path.Match(o.Glob, name)
	return ok && err == nil
}

type kind int

const (
	other kind = iota
	embedding
	output
	value // v, qkv, kv_b
	key
	attentionOutput
	down
)

func kindOf(name string) kind {
	switch {
	case name == "output.weight":
		return output
	case name == "token_embd.weight", name == "per_layer_token_embd.weight":
		return embedding
	}
	for _, c := range []struct {
		part string
		kind kind
	}{
		{"attn_qkv.weight", value}, {"attn_kv_b.weight", value}, {"attn_v.weight", value}, {"attn_k.weight", key},
		{"attn_output.weight", attentionOutput}, {"ffn_up", other}, {"ffn_gate", other}, {"ffn_down", down},
	} {
		if strings.Contains(name, c.part) {
			return c.kind
		}
	}
	return other
}

// keptParts are parts of names of tensors that stay as they are: small, or read
// in a way that needs them exact.
var keptParts = []string{
	"_norm.weight", "ffn_gate_inp.weight", "ffn_gate_tid2eid.weight", "altup", "laurel", "per_layer_model_proj",
	"ssm_conv1d", "shortconv.conv.weight", "indexer.k_proj.weight", "indexer.q_proj.weight",
	"time_mix_first.weight", "time_mix_w0.weight", "time_mix_w1.weight", "time_mix_w2.weight", "time_mix_v0.weight",
	"time_mix_v1.weight", "time_mix_v2.weight", "time_mix_a0.weight", "time_mix_a1.weight", "time_mix_a2.weight",
	"time_mix_g1.weight", "time_mix_g2.weight", "time_mix_decay_w1.weight", "time_mix_decay_w2.weight",
	"time_mix_lerp_fused.weight", "attn_rel_b.weight", ".position_embd", "sam.pos_embd", "sam.neck.", "sam.net_",
	".rel_pos", ".patch_embd", ".patch_merger", "a.rvq.codebook", "mm.a.code_embd",
}

// keptGLM5Next are more of them, of one architecture.
var keptGLM5Next = []string{
	"hc_", "indexer.attn_q_b", "indexer.attn_k", "indexer.proj", "indexer_compressor_gate", "indexer_compressor_ape",
	"ssm_f_a.weight", "ssm_f_b.weight", "ssm_g_a.weight", "ssm_g_b.weight", "ssm_beta.weight", "attn_kv_a_mqa.weight",
	"attn_k_b.weight", "attn_v_b.weight",
}

// kept reports whether a tensor stays as it is. dims counts its dimensions up to
// the last that is not 1.
func kept(arch, name string, dims int) bool {
	if dims < 2 || !strings.HasSuffix(name, "weight") || name == "position_embd.weight" || name == "token_types.weight" {
		return true
	}
	parts := keptParts
	if arch == "glm5-next" {
		parts = append(parts[:len(parts):len(parts)], keptGLM5Next...)
	}
	for _, part := range parts {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// choose returns the type of the next tensor that is not kept. shape is in
// ggml's order.
func (c *chooser) choose(name string, dims []int) (t quant.Type, note string, err error) {
	k := kindOf(name)
	if k == output && c.outputIsSet {
		return c.fit(c.output, dims[0])
	}
	if c.mix.Type == quant.F32 || c.mix.Type == quant.F16 || c.mix.Type == quant.BF16 {
		return c.mix.Type, "", nil
	}
	if o, ok := match(c.typeOverride, name); ok {
		return c.fit(o, dims[0])
	}
	t, err = c.byRule(name, k, dims)
	if err != nil {
		return 0, "", err
	}
	return c.fit(t, dims[0])
}

// fit replaces a type whose blocks do not divide the columns.
func (c *chooser) fit(t quant.Type, cols int) (quant.Type, string, error) {
	if divides(t, cols) {
		return t, "", nil
	}
	to := quant.F16
	if coarse, ok := narrower[t]; ok && divides(coarse, cols) {
		to = coarse
	}
	return to, fmt.Sprintf("%d columns are no multiple of %s's block: %s", cols, t, to), nil
}

func divides(t quant.Type, cols int) bool {
	f, ok := t.Format()
	return ok && cols%f.BlockElems == 0
}

// narrower has a type of 32-wide blocks for each of 256-wide ones.
var narrower = map[quant.Type]quant.Type{
	quant.Q2_K: quant.Q4_0, quant.Q3_K: quant.Q4_0, quant.Q4_K: quant.Q5_0, quant.Q5_K: quant.Q5_1, quant.Q6_K: quant.Q8_0,
	quant.IQ4_XS: quant.IQ4_NL,
}

func (c *chooser) byRule(name string, k kind, dims []int) (quant.Type, error) {
	m, s := c.mix, c.shape
	t := m.Type
	switch {
	case s.arch == "glm5-next" && (strings.Contains(name, "attn_q_a") || strings.Contains(name, "attn_q_b") || strings.Contains(name, "nextn.eh_proj")):
		return quant.Q8_0, nil
	case k == output || k == embedding && s.tied:
		switch {
		case c.outputIsSet:
			return c.output, nil
		case m.is(quant.MXFP4, "") || s.arch == "falcon" || !divides(t, dims[0]):
			return quant.Q8_0, nil
		case t != quant.Q8_0:
			return quant.Q6_K, nil
		}
		return t, nil
	case m.is(quant.MXFP4, "m"):
		stacked := len(dims) > 2 && dims[2] > 1
		if stacked && s.arch == "bailingmoe3" {
			stacked = strings.Contains(name, "ffn_up") || strings.Contains(name, "ffn_gate") || strings.Contains(name, "ffn_down")
		}
		if !stacked {
			return quant.Q8_0, nil
		}
		return t, nil
	}
	switch k {
	case value:
		t = c.ofValue(t)
		c.value++
	case key:
		if s.experts == 8 {
			t = quant.Q8_0
		}
	case down:
		layer := c.downs
		if s.experts > 1 {
			if layer = layerOf(name); layer < 0 || layer >= s.layers {
				return 0, fmt.Errorf("layer %d is not one of %d", layer, s.layers)
			}
		}
		t = c.ofDown(t, layer)
		c.downs++
	case attentionOutput:
		t = c.ofAttentionOutput(t)
	}
	return t, nil
}

// moreBits: the first and the last eighth of the layers, and every third between.
func moreBits(layer, layers int) bool {
	return layer < layers/8 || layer >= 7*layers/8 || (layer-layers/8)%3 == 2
}

func (c *chooser) ofValue(t quant.Type) quant.Type {
	m, wide := c.mix, c.shape.group >= 4 // few values for many heads
	switch {
	case m.is(quant.Q2_K, "m"):
		t = quant.Q3_K
		if wide {
			t = quant.Q4_K
		}
	case m.is(quant.Q2_K, "s") && wide:
		t = quant.Q4_K
	case m.is(quant.Q3_K, "m"):
		t = quant.Q4_K
		if c.value < 2 {
			t = quant.Q5_K
		}
	case m.is(quant.Q3_K, "l"):
		t = quant.Q5_K
	case (m.is(quant.IQ4_NL, "") || m.is(quant.IQ4_XS, "")) && wide:
		t = quant.Q5_K
	case (m.is(quant.Q4_K, "m") || m.is(quant.Q5_K, "m")) && moreBits(c.value, c.values):
		t = quant.Q6_K
	case m.is(quant.Q4_K, "s") && c.value < 4:
		t = quant.Q5_K
	}
	// A llama of 80 layers with grouped heads: its values are an eighth of the queries.
	if c.shape.arch == "llama" && c.shape.layers == 80 && c.shape.group > 1 && (t == quant.Q3_K || t == quant.Q4_K) {
		t = quant.Q5_K
	}
	if c.shape.experts == 8 {
		t = quant.Q8_0
	}
	return t
}

func (c *chooser) ofDown(t quant.Type, layer int) quant.Type {
	m, layers, falcon := c.mix, c.shape.layers, c.shape.arch == "falcon"
	first := layer < layers/8
	switch {
	case m.is(quant.Q2_K, "m"):
		t = quant.Q3_K
	case m.is(quant.Q2_K, "s") && first:
		t = quant.Q4_K
	case m.is(quant.Q3_K, "m"):
		switch {
		case layer < layers/16:
			t = quant.Q5_K
		case !falcon || moreBits(layer, layers):
			t = quant.Q4_K
		}
	case m.is(quant.Q3_K, "l"):
		t = quant.Q5_K
		if falcon {
			t = quant.Q4_K
		}
	case m.is(quant.Q4_K, "m") && falcon:
		switch {
		case layer < layers/16:
			t = quant.Q6_K
		case moreBits(layer, layers):
			t = quant.Q5_K
		}
	case (m.is(quant.Q4_K, "m") || m.is(quant.Q5_K, "m")) && moreBits(layer, layers):
		t = quant.Q6_K
	case (m.is(quant.IQ4_NL, "") || m.is(quant.IQ4_XS, "")) && first && !c.importance:
		t = quant.Q5_K
	case m.is(quant.Q4_K, "s") && !falcon && first:
		t = quant.Q5_K
	case m.is(quant.Q4_0, "") && first && c.importance:
		t = quant.Q4_1
	case m.is(quant.Q5_0, "") && first && c.importance:
		t = quant.Q5_1
	}
	return t
}

func (c *chooser) ofAttentionOutput(t quant.Type) quant.Type {
	m := c.mix
	switch {
	case c.shape.arch == "falcon":
		if m.is(quant.Q3_K, "l") {
			t = quant.Q4_K
		}
	case c.shape.experts == 8:
		if m.is(quant.Q2_K, "m") || m.is(quant.Q3_K, "sm") || m.is(quant.Q4_K, "") || m.is(quant.IQ4_NL, "") || m.is(quant.IQ4_XS, "") {
			t = quant.Q5_K
		}
	case m.is(quant.Q2_K, "m"):
		t = quant.Q3_K
	case m.is(quant.Q3_K, "m"):
		t = quant.Q4_K
	case m.is(quant.Q3_K, "l"):
		t = quant.Q5_K
	}
	return t
}

// layerOf is N of a name that begins with blk.N., else -1.
func layerOf(name string) int {
	rest, ok := strings.CutPrefix(name, "blk.")
	if !ok {
		return -1
	}
	digits, _, ok := strings.Cut(rest, ".")
	if !ok || digits == "" || len(digits) > 6 {
		return -1
	}
	n := 0
	for _, d := range digits {
		if d < '0' || d > '9' {
			return -1
		}
		n = 10*n + int(d-'0')
	}
	return n
}
