// Package kvcache keeps what a context's tokens leave behind in every layer:
// the keys and values of attention, and the state of recurrent layers.
//
// It owns the memory and the count of tokens; what is written where within a
// pass, and what is computed from it, is the model's business.
package kvcache

import (
	"errors"
	"fmt"

	"happyphonellm/internal/kernels"
	"happyphonellm/internal/quant"
)

// ErrFull is wrapped by Reserve's error when the tokens do not fit.
var ErrFull = errors.New("context is full")

// Shape is what one layer keeps: keys and values per token, a state for all
// tokens together, both, or nothing.
type Shape struct {
	Heads    int // KV heads; 0: no attention
	KeyDim   int // numbers per key
	ValueDim int // numbers per value; 0 where values are the beginnings of keys
	State    int // numbers that one token hands to the next; 0: none
	Sides    [2]Side
}

// Side is a list of rows beside the heads': the keys of an indexer, or what some
// tokens together have been compressed to. Who fills it in also knows how many of
// its rows count; one that covers tokens which Truncate takes away is written
// again when those come back.
type Side struct {
	Dim   int // numbers per row; 0: no such list
	Every int // tokens per row; 0: one
}

// rows is how many there are for so many tokens.
func (s Side) rows(tokens int) int { return tokens / max(1, s.Every) }

// TokenBytes is what a token of the layer takes of a cache of type t; false if its
// rows cannot be kept as that type.
func (s Shape) TokenBytes(t quant.Type) (int64, bool) {
	bytes := int64(0)
	if s.Heads > 0 {
		k, okK := kernels.KVRowBytes(t, s.KeyDim)
		v, okV := kernels.KVRowBytes(t, s.ValueDim)
		if !okK || !okV {
			return 0, false
		}
		bytes = int64(s.Heads) * int64(k+v)
	}
	for _, side := range s.Sides {
		if side.Dim == 0 {
			continue
		}
		row, ok := kernels.KVRowBytes(t, side.Dim)
		if !ok {
			return 0, false
		}
		every := max(1, side.Every)
		bytes += int64((row + every - 1) / every)
	}
	return bytes, true
}

// Cache holds the keys and values of up to Capacity tokens and the state after
// the last of them. It is used by one pass at a time; within a pass, workers
// write different parts concurrently.
type Cache struct {
	typ      quant.Type
	capacity int
	n        int
	layers   []layer
	states   states
	bytes    int64
}

// layer is laid out [head][position][dim]: a head's positions follow each
// other, as attention reads them.
type layer struct {
	Shape
	k, v       []byte
	kRow, vRow int // bytes per key, per value
	sides      [2][]byte
	sideRow    [2]int // bytes per row
}

// New makes an empty cache for capacity tokens. Memory is taken from the system
// page by page as tokens come. typ is F32, F16 or Q8_0.
func New(typ quant.Type, capacity int, shapes []Shape) (*Cache, error) {
	if capacity < 1 {
		return nil, fmt.Errorf("kvcache: capacity of %d tokens", capacity)
	}
	c := &Cache{typ: typ, capacity: capacity, layers: make([]layer, len(shapes))}
	for i, s := range shapes {
		l := layer{Shape: s}
		if s.Heads > 0 {
			var okK, okV bool
			l.kRow, okK = kernels.KVRowBytes(typ, s.KeyDim)
			l.vRow, okV = kernels.KVRowBytes(typ, s.ValueDim)
			if !okK || !okV {
				return nil, fmt.Errorf("kvcache: layer %d: heads of %d and %d numbers cannot be kept as %v", i, s.KeyDim, s.ValueDim, typ)
			}
			l.k = make([]byte, s.Heads*capacity*l.kRow)
			l.v = make([]byte, s.Heads*capacity*l.vRow)
			c.bytes += int64(len(l.k)) + int64(len(l.v))
		}
		for j, side := range s.Sides {
			if side.Dim == 0 {
				continue
			}
			row, ok := kernels.KVRowBytes(typ, side.Dim)
			if !ok {
				return nil, fmt.Errorf("kvcache: layer %d: rows of %d numbers cannot be kept as %v", i, side.Dim, typ)
			}
			l.sides[j], l.sideRow[j] = make([]byte, side.rows(capacity)*row), row
			c.bytes += int64(len(l.sides[j]))
		}
		c.layers[i] = l
	}
	if err := c.states.init(shapes); err != nil {
		return nil, err
	}
	c.bytes += StateBytes(shapes)
	return c, nil
}

// Len is the number of tokens in the cache.
func (c *Cache) Len() int { return c.n }

// Capacity is the number of tokens that fit.
func (c *Cache) Capacity() int { return c.capacity }

// Bytes is the memory of a full cache.
func (c *Cache) Bytes() int64 { return c.bytes }

// Type is how keys and values are kept.
func (c *Cache) Type() quant.Type { return c.typ }

// Reserve checks that n more tokens fit.
func (c *Cache) Reserve(n int) error {
	if n > c.capacity-c.n {
		return fmt.Errorf("%w: %d of %d tokens used, %d more asked for", ErrFull, c.n, c.capacity, n)
	}
	return nil
}

// Advance makes the n tokens after Len, whose keys, values and states have been
// stored, part of the cache.
func (c *Cache) Advance(n int) {
	c.n += n
	c.states.advance(c.n)
}

// Truncate forgets the tokens from position n on. Where there are recurrent
// layers, more may have to go: it goes back to the last checkpoint that is not
// after n, at worst to the beginning. Len tells to where.
func (c *Cache) Truncate(n int) error {
	if n < 0 || n > c.n {
		return fmt.Errorf("kvcache: truncate to %d of %d tokens", n, c.n)
	}
	if n < c.n {
		c.n = c.states.back(n)
	}
	return nil
}

// StoreKey writes the key of a head at position pos, which may lie beyond Len
// but not beyond what Reserve has checked.
func (c *Cache) StoreKey(layer, head, pos int, key []float32) {
	l := &c.layers[layer]
	at := (head*c.capacity + pos) * l.kRow
	kernels.StoreKV(c.typ, l.k[at:at+l.kRow], key)
}

// StoreValue is StoreKey for the value.
func (c *Cache) StoreValue(layer, head, pos int, value []float32) {
	l := &c.layers[layer]
	at := (head*c.capacity + pos) * l.vRow
	kernels.StoreKV(c.typ, l.v[at:at+l.vRow], value)
}

// Head gives attention one head's keys and values, all positions.
func (c *Cache) Head(layer, head int) kernels.HeadCache {
	l := &c.layers[layer]
	return kernels.HeadCache{
		Type: c.typ,
		K:    l.k[head*c.capacity*l.kRow : (head+1)*c.capacity*l.kRow],
		V:    l.v[head*c.capacity*l.vRow : (head+1)*c.capacity*l.vRow],
		KDim: l.KeyDim, VDim: l.ValueDim,
	}
}

// SharedHead is Head for keys whose first dim numbers are the values.
func (c *Cache) SharedHead(layer, head, dim int) kernels.HeadCache {
	l := &c.layers[layer]
	k := l.k[head*c.capacity*l.kRow : (head+1)*c.capacity*l.kRow]
	return kernels.HeadCache{Type: c.typ, K: k, V: k, KDim: l.KeyDim, VDim: dim, KStride: l.kRow, VStride: l.kRow}
}

// RowBytes is the size of a layer's key and value of one head.
func (c *Cache) RowBytes(layer int) (key, value int) {
	return c.layers[layer].kRow, c.layers[layer].vRow
}

// StoreSide writes a row of one of a layer's lists beside the heads.
func (c *Cache) StoreSide(layer, side, row int, x []float32) {
	l := &c.layers[layer]
	at := row * l.sideRow[side]
	kernels.StoreKV(c.typ, l.sides[side][at:at+l.sideRow[side]], x)
}

// Side gives a list beside the heads, all rows, which are keys and values at once.
func (c *Cache) Side(layer, side int) kernels.HeadCache {
	l := &c.layers[layer]
	dim, row := l.Sides[side].Dim, l.sideRow[side]
	return kernels.HeadCache{Type: c.typ, K: l.sides[side], V: l.sides[side], KDim: dim, VDim: dim, KStride: row, VStride: row}
}
