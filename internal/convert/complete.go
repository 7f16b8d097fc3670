package convert

import "slices"

// What llama.cpp's loader wants besides what a checkpoint has.

// ownOutput are the architectures whose output matrix must be in the file, even where
// it is the embedding.
var ownOutput = []string{
	"apertus", "baichuan", "bailingmoe", "bailingmoe2", "dots1", "exaone-moe", "gpt-oss", "gptneox", "internlm2", "mellum", "minimax-m2",
	"nemotron", "olmo2", "olmoe", "orion", "phi2", "phimoe", "qwen", "qwen2moe", "rwkv6", "rwkv7", "stablelm", "xverse",
}

// completeOutput puts the embedding a second time, as the output matrix, if the
// checkpoint has no other and the architecture wants one.
func (m *maker) completeOutput() {
	if !slices.Contains(ownOutput, m.arch) {
		return
	}
	at := -1
	for i, r := range m.outputs {
		switch r.name {
		case "output.weight":
			return
		case "token_embd.weight":
			at = i
		}
	}
	if at >= 0 {
		m.outputs = append(m.outputs, result{"output.weight", m.outputs[at].view})
	}
}

// linearBias moves a matrix and its bias: zeros, if it has none.
func (m *maker) linearBias(from, to string) {
	m.linear(from, to)
	m.zeroBias(from, to)
}

// zeroBias puts zeros where a matrix, or the filters of a convolution, has no bias.
func (m *maker) zeroBias(from, to string) {
	if !m.has(from + ".bias") {
		n := m.source(from + ".weight").shape[0]
		m.put(to+".bias", vector(from+".bias", make([]float32, n)))
	}
}

// vocabularyRows is how many tokens the model has a row for; 0 if that is not known.
func (m *maker) vocabularyRows() int {
	for _, r := range m.outputs {
		if r.name == "token_embd.weight" {
			return r.view.rows()
		}
	}
	return 0
}
