package tokenizer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"golang.org/x/text/unicode/norm"
)

// ugmModel is SentencePiece's Unigram: of all ways to write the normalized text as
// tokens, the one with the highest sum of scores (log probabilities).
type ugmModel struct {
	v       *vocab
	trie    func() *trie
	scores  []float64 // by token; user defined ones cost nothing
	unknown float64   // score of a character that no token is
	user    [][]byte  // user defined tokens, sorted; they are not normalized
	chars   charMap
}

// latticeNode is the best way to a place in the text.
type latticeNode struct {
	id    int32
	from  int32
	score float64
}

func newUGM(v *vocab) (*ugmModel, error) {
	m := &ugmModel{v: v, scores: make([]float64, len(v.attrs))}
	lowest := float32(math.MaxFloat32)
	for id, a := range v.filed {
		if v.attrs[id]&attrUser == 0 {
			m.scores[id] = float64(v.score(int32(id)))
		}
		if a&attrNormal != 0 {
			lowest = min(lowest, v.score(int32(id)))
		}
		if a&attrUser != 0 && len(v.text(int32(id))) > 0 {
			m.user = append(m.user, v.text(int32(id)))
		}
	}
	slices.SortFunc(m.user, bytes.Compare)
	m.unknown = float64(lowest - 10)
	var err error
	m.trie, err = lazyTrie(v.tokens, func(id int32) bool { return v.filed[id]&(attrNormal|attrUser|attrUnused) != 0 })
	if err != nil {
		return nil, err
	}
	if len(v.charsmap) > 0 {
		if m.chars, err = newCharMap(v.charsmap); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *ugmModel) text(e *encoder, dst []int32, s []byte, _ bool) []int32 {
	if m.v.nfc {
		s = norm.NFC.Bytes(s)
	}
	s = m.normalize(e, s)
	if len(s) == 0 || len(s) > math.MaxInt32-1 {
		return dst
	}
	unk := m.v.special["unk"]
	best := slices.Grow(e.lattice[:0], len(s)+1)[:len(s)+1]
	e.lattice = best
	for i := range best {
		best[i] = latticeNode{unk, 0, -math.MaxFloat64}
	}
	best[0].score = 0
	trie := m.trie()
	for i := 0; i < len(s); {
		n := min(charLen(s[i]), len(s)-i)
		here := best[i].score
		whole := false
		node := trie.first[s[i]]
		for j := i + 1; node != 0; j++ {
			if id := trie.ids[node]; id >= 0 {
				whole = whole || j == i+n
				if to := &best[j]; here+m.scores[id] > to.score {
					*to = latticeNode{id, int32(i), here + m.scores[id]}
				}
			}
			if j == len(s) {
				break
			}
			node = trie.next(node, s[j])
		}
		if !whole {
			if to := &best[i+n]; here+m.unknown > to.score {
				*to = latticeNode{unk, int32(i), here + m.unknown}
			}
		}
		i += n
	}
	first := len(dst)
	wasUnknown := false
	for at := int32(len(s)); ; {
		node := best[at]
		if unknown := node.id == unk; !unknown || !wasUnknown {
			if node.id >= 0 {
				dst = append(dst, node.id)
			}
			wasUnknown = unknown
		}
		if node.from == 0 {
			break
		}
		at = node.from
	}
	slices.Reverse(dst[first:])
	return dst
}

// normalize maps characters by the file's table and treats spaces by its flags.
func (m *ugmModel) normalize(e *encoder, s []byte) []byte {
	out := e.escaped[:0]
	mark := spaceMark
	if !m.v.escape {
		mark = " "
	}
	led, inWord := false, false
	for len(s) > 0 {
		text, n := m.mapped(s)
		s = s[n:]
		for _, c := range text {
			if c == ' ' {
				inWord = false
				if !m.v.squeeze {
					out = append(out, mark...)
				}
				continue
			}
			if !inWord {
				inWord = true
				if m.v.prefix && !led || m.v.squeeze {
					out = append(out, mark...)
					led = true
				}
			}
			out = append(out, c)
		}
	}
	e.escaped = out
	return out
}

// mapped returns what the beginning of s becomes, and how long that is in s.
func (m *ugmModel) mapped(s []byte) (text []byte, n int) {
	if n := m.userPrefix(s); n > 0 {
		return s[:n], n
	}
	if text, n := m.chars.longest(s); n > 0 {
		return text, n
	}
	r, n := decodeLoose(s)
	if r == 0xFFFD && n == 1 {
		return []byte("\uFFFD"), 1
	}
	return s[:n], n
}

// userPrefix returns the length of the longest beginning of s that is also the
// beginning of a user defined token: like llama.cpp, not only of whole tokens.
func (m *ugmModel) userPrefix(s []byte) (n int) {
	if len(m.user) == 0 {
		return 0
	}
	i, _ := slices.BinarySearchFunc(m.user, s, bytes.Compare)
	for _, k := range []int{i - 1, i} { // the neighbours in order share the most
		if k >= 0 && k < len(m.user) {
			j := 0
			for j < len(s) && j < len(m.user[k]) && s[j] == m.user[k][j] {
				j++
			}
			n = max(n, j)
		}
	}
	return n
}

// charMap maps character sequences to others: SentencePiece's precompiled table, a
// double array whose units hold an offset (bits 10 to 30, scaled by bit 9), a leaf mark
// (bit 8) and the byte that led to it (bits 0 to 7, and 31), then the replacements,
// each ended by a zero (Darts-clone's format; a leaf's own unit holds the place of its
// replacement).
type charMap struct {
	units []byte // 4 bytes each, little endian
	texts []byte
}

func newCharMap(b []byte) (charMap, error) {
	if len(b) < 4 {
		return charMap{}, errors.New(`key "tokenizer.ggml.precompiled_charsmap" is shorter than its header`)
	}
	n := uint64(binary.LittleEndian.Uint32(b))
	if b = b[4:]; n >= uint64(len(b)) {
		return charMap{}, errors.New(`key "tokenizer.ggml.precompiled_charsmap" is shorter than its header says`)
	}
	return charMap{units: b[:n], texts: b[n:]}, nil
}

func (m *charMap) unit(i uint32) (uint32, bool) {
	if uint64(i)*4+4 > uint64(len(m.units)) {
		return 0, false
	}
	return binary.LittleEndian.Uint32(m.units[i*4:]), true
}

func unitOffset(u uint32) uint32 { return u >> 10 << (u & (1 << 9) >> 6) }

// longest returns the replacement of the longest sequence that s begins with, and
// the length of that; 0: there is none.
func (m *charMap) longest(s []byte) (text []byte, n int) {
	u, ok := m.unit(0)
	if !ok {
		return nil, 0
	}
	at := unitOffset(u)
	for i, c := range s {
		if c == 0 {
			break
		}
		at ^= uint32(c)
		u, ok := m.unit(at)
		if !ok || u&(1<<31|0xff) != uint32(c) {
			break
		}
		at ^= unitOffset(u)
		if u>>8&1 == 0 {
			continue
		}
		if leaf, ok := m.unit(at); ok {
			if from := uint64(leaf &^ (1 << 31)); from < uint64(len(m.texts)) {
				if end := bytes.IndexByte(m.texts[from:], 0); end >= 0 {
					text, n = m.texts[from:from+uint64(end)], i+1
				}
			}
		}
	}
	return text, n
}
