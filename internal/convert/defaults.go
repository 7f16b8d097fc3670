package convert

import "happyphonellm/internal/gguf"

// defaults gives fields that the configuration lacks, or has as null, the values
// that the model's class has for them: a JSON object.
func (m *maker) defaults(literal string) { m.config = m.config.WithDefaults(literal) }

// ignore forgets fields of the configuration.
func (m *maker) ignore(fields ...string) { m.config = m.config.Without(fields...) }

// heads are the numbers of heads of queries and of keys.
func (m *maker) heads() (queries, keys int) {
	queries = m.int("num_attention_heads", "n_head", "n_heads")
	keys = m.intOr(queries, "num_key_value_heads", "num_kv_heads", "n_head_kv", "n_kv_heads")
	if queries < 1 || keys < 1 {
		m.fail("%s: %d heads of queries, %d of keys", m.config.File(), queries, keys)
		return 1, 1
	}
	return queries, keys
}

// width is the length of a token's vector.
func (m *maker) width() int { return m.int("hidden_size", "n_embd", "n_embed", "d_model") }

// rotated is the number of elements of a head of dim that turn: the share that
// the configuration names, or share.
func (m *maker) rotated(dim int, share float64) int {
	return int(m.ropeFloatOr(share, "partial_rotary_factor") * float64(dim))
}

// setFloats and setFlags set keys with a number or a flag for each layer.
func (m *maker) setFloats(key string, v []float32) { gguf.SetNumbers(m.w, m.arch+"."+key, v) }

func (m *maker) setFlags(key string, v []bool) { m.w.SetBools(m.arch+"."+key, v) }

func (m *maker) setInts(key string, v []int32) { gguf.SetNumbers(m.w, m.arch+"."+key, v) }

// setList sets a key with whole numbers from a list in a field.
func (m *maker) setList(key, field string, list []float64) {
	v := make([]int32, len(list))
	for i, x := range list {
		if v[i] = int32(x); float64(v[i]) != x {
			m.fail("%s: %q: %g is no whole number that a model can have", m.config.File(), field, x)
		}
	}
	m.setInts(key, v)
}

// slidingLayers tells which layers look through a window: those that the list of
// layers' types says, or those that otherwise says. nil is none of both.
func (m *maker) slidingLayers(otherwise func(layer int) bool) []bool {
	types := m.layerTypes("layer_types")
	if types == nil && otherwise == nil {
		return nil
	}
	list := make([]bool, m.layers)
	for i := range list {
		if types != nil {
			list[i] = types[i] == "sliding_attention"
		} else {
			list[i] = otherwise(i)
		}
	}
	return list
}
