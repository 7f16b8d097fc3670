package convert

import (
	"fmt"
	"strings"
)

// Experts stand in checkpoints as matrices of their own (experts.7.up_proj.weight),
// or, as Transformers 5 holds them, as one tensor of all, whose gate and up are
// joined; GGUF has one tensor each of all gates, ups and downs.

// expertNames are how an expert's matrices are called in a family. Together is
// the tensor of all gates and ups.
type expertNames struct{ gate, up, down, together, allDown string }

var (
	projNames = expertNames{"gate_proj", "up_proj", "down_proj", "gate_up_proj", "down_proj"}
	wNames    = expertNames{"w1", "w3", "w2", "gate_up_proj", "down_proj"}
)

// experts puts the layer's stacks of n experts, which stand under from
// ("mlp.experts.").
func (m *maker) experts(n int, from string, names expertNames) {
	if all, ok := m.firstOf(from+names.together, from+names.together+".weight", strings.Replace(from, "block_sparse_moe", "mlp", 1)+names.together); ok {
		m.gateAndUp(m.source(all), "_exps")
		at := strings.TrimSuffix(strings.TrimSuffix(all, ".weight"), names.together)
		down, _ := m.firstOf(at+names.allDown+".weight", at+names.allDown)
		m.move(down, "ffn_down_exps.weight")
		return
	}
	m.put("ffn_gate_exps.weight", m.stack(n, from, names.gate))
	m.put("ffn_up_exps.weight", m.stack(n, from, names.up))
	m.put("ffn_down_exps.weight", m.stack(n, from, names.down))
}

// stack is the tensor of one matrix of each of n experts.
func (m *maker) stack(n int, from, name string) *view {
	if n < 1 || n > maxExperts {
		m.fail("%s: %d experts", m.config.File(), n)
		return &view{shape: []int{1}}
	}
	views := make([]*view, n)
	for i := range views {
		views[i] = m.source(fmt.Sprintf("%s%d.%s.weight", from, i, name))
	}
	return stacked(views)
}

// maxExperts bounds what a configuration can make us look for.
const maxExperts = 1 << 16

// gateAndUp puts the halves of a tensor that has the rows of a gate and then
// those of as many ups; its outer dimension may be experts.
func (m *maker) gateAndUp(v *view, suffix string) {
	n := v.height()
	m.put("ffn_gate"+suffix+".weight", v.within(0, n/2, 1))
	m.put("ffn_up"+suffix+".weight", v.within(n-n/2, n/2, 1))
}

// firstOf is the first of the layer's tensors that is there, or the last name.
func (m *maker) firstOf(names ...string) (string, bool) {
	for _, name := range names {
		if m.has(name) {
			return name, true
		}
	}
	return names[len(names)-1], false
}

// height is the number of rows of a matrix, or of each of a stack.
func (v *view) height() int {
	if len(v.shape) < 2 {
		return 1
	}
	return v.shape[len(v.shape)-2]
}

// within takes n rows of a matrix, or of each of a stack: from, from+step, ...
func (v *view) within(from, n, step int) *view {
	height := v.height()
	if len(v.shape) < 2 || from < 0 || n < 1 || step < 1 || from+(n-1)*step >= height {
		return v.wrong("has shape %v: %d rows from %d are asked for", v.shape, n, from)
	}
	shape := append([]int(nil), v.shape...)
	shape[len(shape)-2] = n
	rows := v.rows() / height * n
	return v.pick(rows, func(r int) int { return r/n*height + from + r%n*step }).reshape(shape...)
}

// shared moves the matrices of an expert that every token goes through.
func (m *maker) shared(from string) {
	m.moveAny(from+"gate_proj.weight", "ffn_gate_shexp.weight")
	m.move(from+"up_proj.weight", "ffn_up_shexp.weight")
	m.move(from+"down_proj.weight", "ffn_down_shexp.weight")
}
