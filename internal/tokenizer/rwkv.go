package tokenizer

// rwkvModel takes the longest token at each place. The file has tokens as Python
// writes them, with escapes.
type rwkvModel struct {
	v    *vocab
	trie func() *trie
}

func newRWKV(v *vocab) (*rwkvModel, error) {
	plain := make(stringList, v.tokens.Len())
	for id := range plain {
		plain[id] = string(appendUnescaped(nil, v.text(int32(id))))
	}
	t, err := lazyTrie(plain, nil)
	return &rwkvModel{v, t}, err
}

func (m *rwkvModel) text(_ *encoder, dst []int32, s []byte, _ bool) []int32 {
	unk := m.v.special["unk"]
	trie := m.trie()
	for i := 0; i < len(s); {
		c := trie.longest(s, i)
		if c.len == 0 {
			c.id, c.len = unk, 1
		}
		if c.id >= 0 {
			dst = append(dst, c.id)
		}
		i += c.len
	}
	return dst
}

// appendUnescaped appends text with \t, \n, \r, \xNN and \c read as one byte each.
func appendUnescaped(dst, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			if text[i] != '\\' {
				dst = append(dst, text[i])
			}
			continue
		}
		i++
		switch c := text[i]; c {
		case 't':
			dst = append(dst, '\t')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 'x':
			var b byte
			digits := 0
			for ; digits < 2 && i+1 < len(text); digits++ {
				i++
				d := text[i] - '0'
				if text[i] >= 'a' {
					d = text[i] - 'a' + 10
				}
				b = b<<4 + d
			}
			if digits == 2 {
				dst = append(dst, b)
			}
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
