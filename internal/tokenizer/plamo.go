package tokenizer

import (
	"bytes"
	"fmt"
	"math"
	"slices"
)

// plamoModel is the tokenizer of PLaMo 2 and 3: the split with the best sum of scores,
// rounded to 1/10000, where a character may also be written in bytes at a cost.
type plamoModel struct {
	v      *vocab
	trie   func() *trie
	scores []float64 // by token
	bytes  [256]int32
}

const (
	plamoUnknown = -10_000_000 // score of a character in bytes
	plamoInvalid = -20_000_000 // scores up to this one are not used
)

func newPlamo(v *vocab) (*plamoModel, error) {
	m := &plamoModel{v: v, scores: make([]float64, len(v.attrs))}
	for id := range m.scores {
		m.scores[id] = math.Round(float64(v.score(int32(id))) * 1e4)
	}
	var err error
	// Tokens are those that the vocabulary finds by their text, and no bytes.
	m.trie, err = lazyTrie(v.tokens, func(id int32) bool {
		return v.attrs[id]&attrByte == 0 && v.index.find(v.text(id)) == id
	})
	if err != nil {
		return nil, err
	}
	for b := range m.bytes {
		if m.bytes[b] = v.hexToken(byte(b)); m.bytes[b] < 0 {
			return nil, fmt.Errorf("the byte token <0x%02X> is missing", b)
		}
	}
	return m, nil
}

func (m *plamoModel) text(e *encoder, dst []int32, s []byte, _ bool) []int32 {
	s, e.valid = normalize(s, e.valid)
	if m.v.model == "plamo3" {
		m.segments(e, s, func(part []byte) { dst = m.part(e, dst, part) })
		return dst
	}
	return m.part(e, dst, bytes.TrimPrefix(s, []byte("\uFEFF")))
}

func (m *plamoModel) part(e *encoder, dst []int32, s []byte) []int32 {
	// From the end: best[i] is the cheapest way to write s[i:], from its first piece's end.
	best := slices.Grow(e.lattice[:0], len(s)+1)[:len(s)+1]
	e.lattice = best
	best[len(s)] = latticeNode{}
	trie := m.trie()
	for i := len(s) - 1; i >= 0; i-- {
		if s[i]&0xC0 == 0x80 {
			continue
		}
		_, n := decodeRune(s, i)
		here := latticeNode{score: math.MaxFloat64}
		node := trie.first[s[i]]
		for j := i + 1; node != 0; j++ {
			// Of equals the longest.
			if id := trie.ids[node]; id >= 0 && m.scores[id] > plamoInvalid {
				if cost := best[j].score - m.scores[id]; cost <= here.score {
					here = latticeNode{id, int32(j - i), cost}
				}
			}
			if j == len(s) {
				break
			}
			node = trie.next(node, s[j])
		}
		if cost := best[i+n].score - plamoUnknown; cost < here.score {
			here = latticeNode{-1, int32(n), cost}
		}
		best[i] = here
	}
	for i := 0; i < len(s); {
		node := best[i]
		end := i + int(node.from)
		if node.id >= 0 {
			dst = append(dst, node.id)
		} else {
			for _, b := range s[i:end] {
				dst = append(dst, m.bytes[b])
			}
		}
		i = end
	}
	return dst
}

// segments cuts text as PLaMo 3 does: around <|plamo:...|>, around runs of four equal
// characters or more and of two spaces or more, and at U+EE00, which is dropped.
func (m *plamoModel) segments(e *encoder, s []byte, emit func(part []byte)) {
	cut := make([]bool, len(s)+1)
	for i := 0; i < len(s); {
		if n := m.markLen(e, s[i:]); n > 0 {
			cut[i], cut[i+n] = true, true
			i += n
			continue
		}
		i++
	}
	for i := 0; i < len(s); {
		r, n := decodeRune(s, i)
		end, count := i+n, 1
		for end < len(s) && !cut[end] {
			next, size := decodeRune(s, end)
			if next != r {
				break
			}
			end += size
			count++
		}
		if r != '\n' && count >= 4 || r == ' ' && count >= 2 {
			cut[i], cut[end] = true, true
		}
		i = end
	}
	const boundary = "\uEE00"
	from := 0
	for i := 0; i <= len(s); i++ {
		drop := bytes.HasPrefix(s[i:], []byte(boundary))
		if i < len(s) && !cut[i] && !drop {
			continue
		}
		if from < i {
			emit(s[from:i])
		}
		from = i
		if drop {
			from += len(boundary)
			i += len(boundary) - 1
		}
	}
}

// markLen returns the length of <|plamo:...|> at the beginning of s, 0: none. What is
// between is up to 64 characters, no bar and no white space.
func (m *plamoModel) markLen(e *encoder, s []byte) int {
	const open = "<|plamo:"
	if !bytes.HasPrefix(s, []byte(open)) {
		return 0
	}
	i := len(open)
	for n := 0; n < 64 && i < len(s) && s[i] != '|' && (s[i] < 0x1C || s[i] > 0x1F); n++ {
		c, size := e.split.at(s, i)
		if c == space {
			break
		}
		i += size
	}
	if bytes.HasPrefix(s[i:], []byte("|>")) {
		return i + 2
	}
	return 0
}
