package model

import "happyphonellm/internal/quant"

// actBytes is what kernels.Acts takes per value: the value, its int8, and the
// scales and sums of its blocks.
const actBytes = 4 + 1 + 3*4/32. + 2/16. + 4/16.

// StateBytes estimates the memory of NewState(batch, workers), its large buffers,
// and of what a state makes for a cache of that type for so many tokens.
func (m *Model) StateBytes(batch, workers, context int, kv quant.Type) int64 {
	z := &m.sizes
	perToken := 4*float64(m.Embd*(1+m.keeps)+z.query+z.key+z.gate+z.layerInputs+z.branch+z.aside+z.mix) +
		actBytes*float64(m.Embd+z.attnOut+z.ffn) +
		4*2*float64(workers*z.tile)
	for _, r := range m.ropes {
		perToken += 4 * float64(r.dim)
	}
	l := &z.latent
	perToken += 4*float64(l.kva) + actBytes*float64(l.query+l.short+l.out+workers*l.head)
	perToken += 4 * float64(z.streams*m.Embd+hyperWidth(z.streams))
	if z.slots > 0 {
		perToken += float64(z.slots)*(12+actBytes*float64(z.expert)) + actBytes*float64(z.narrow)
	}
	if z.shared > 0 {
		perToken += actBytes*float64(z.shared) + 4*float64(m.Embd+1)
	}
	row := int64(0)
	for _, shape := range m.cache {
		shape.Heads = min(shape.Heads, 1)
		bytes, _ := shape.TokenBytes(kv)
		row = max(row, bytes)
	}
	return int64(perToken*float64(batch) + z.sparse.bytes(batch, workers, context, row))
}

// scratchLimit is the memory that a session's passes take at most where their size
// is the engine's choice: the larger part of the 64 MiB beside weights and KV cache.
const scratchLimit = 48 << 20

// leastBatch is how far that goes.
const leastBatch = 32

// Batch is how many tokens a pass should have, at most most: fewer than that where
// layers are so wide, or so many experts have a token, that its memory, which
// StateBytes tells, would be beyond limits.
func (m *Model) Batch(most, workers, context int, kv quant.Type) int {
	for most > leastBatch && m.StateBytes(most, workers, context, kv) > scratchLimit {
		most = max(leastBatch, (most-1)/32*32)
	}
	return most
}
