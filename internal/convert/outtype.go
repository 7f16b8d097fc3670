package convert

import (
	"fmt"
	"slices"
	"strings"

	"happyphonellm/internal/convert/checkpoint"
	"happyphonellm/internal/quant"
)

// Which types a checkpoint's tensors get. For F32, F16, BF16 and Q8_0 the rules are
// those of llama.cpp's converter: all matrices get the type, but some tensors are
// F32 always. For other mixes they are those of its quantizer, as if it had read
// the file in the checkpoint's own 16-bit type.

// mxfp4Experts is general.file_type of a file whose experts are MXFP4.
const mxfp4Experts = 38

// isFloat reports whether a type is one of plain floats.
func isFloat(t quant.Type) bool { return t == quant.F32 || t == quant.F16 || t == quant.BF16 }

// always are names of tensors, without layer and ".weight", that are F32 in every file.
var always = []string{
	"ffn_gate_inp", "ffn_gate_inp_shexp", "position_embd", "token_types", "ssm_conv1d", "ssm_conv1d_q", "ssm_conv1d_k",
	"ssm_conv1d_v", "shortconv.conv", "time_mix_first", "time_mix_w1", "time_mix_w2", "time_mix_decay_w1", "time_mix_decay_w2",
	"time_mix_lerp_fused", "altup_correct_coef", "altup_predict_coef", "indexer.proj",
}

// float32Always reports whether a tensor of dims dimensions is one of them: vectors,
// norms, and what is read in a way that needs it exact.
func float32Always(name string, dims int) bool {
	if dims < 2 || strings.HasSuffix(name, "_norm.weight") {
		return true
	}
	short, ok := strings.CutSuffix(name, ".weight")
	if !ok {
		return true
	}
	if n := layerOf(name); n >= 0 {
		short = strings.TrimPrefix(short, fmt.Sprintf("blk.%d.", n))
	}
	return slices.Contains(always, short)
}

// autoMix is BF16 or F16, whichever the first matrix of a 16-bit type has; F16
// where none has one.
func autoMix(folder *checkpoint.Folder) Mix {
	name := "F16"
	for _, t := range folder.Tensors() {
		if len(t.Shape) >= 2 && (t.Type == checkpoint.BF16 || t.Type == checkpoint.F16) {
			name = string(t.Type)
			break
		}
	}
	m, err := ParseMix(name)
	if err != nil {
		panic(err) // both are mixes
	}
	return m
}
