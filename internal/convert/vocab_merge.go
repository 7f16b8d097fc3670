package convert

// wordMerger encodes single words by a file's merges, plainly: it is for the
// short texts that tell pre-tokenizers apart.
type wordMerger struct {
	ids   map[string]int
	ranks map[[2]string]int
	known map[string][]int // of words; those that ignore merges begin with a zero byte
}

func newWordMerger(ids map[string]int, merges [][2]string) *wordMerger {
	m := &wordMerger{ids, make(map[[2]string]int, len(merges)), make(map[string][]int)}
	for i, pair := range merges {
		if _, ok := m.ranks[pair]; !ok {
			m.ranks[pair] = i
		}
	}
	return m
}

// encode appends the ids of words; what has none is -1. With ignore set, a word that
// is a token is not merged.
func (m *wordMerger) encode(words []string, ignore bool) []int {
	var out []int
	for _, word := range words {
		key := word
		if ignore {
			key = "\x00" + word
		}
		ids, ok := m.known[key]
		if !ok {
			ids = m.word(word, ignore)
			m.known[key] = ids
		}
		out = append(out, ids...)
	}
	return out
}

func (m *wordMerger) word(word string, ignore bool) []int {
	text := toLetters(word)
	if id, ok := m.ids[text]; ok && ignore {
		return []int{id}
	}
	var parts []string
	for _, r := range text {
		parts = append(parts, string(r))
	}
	for {
		best, at := -1, 0
		for i := range len(parts) - 1 {
			if rank, ok := m.ranks[[2]string{parts[i], parts[i+1]}]; ok && (best < 0 || rank < best) {
				best, at = rank, i
			}
		}
		if best < 0 {
			break
		}
		parts[at] += parts[at+1]
		parts = append(parts[:at+1], parts[at+2:]...)
	}
	out := make([]int, len(parts))
	for i, p := range parts {
		id, ok := m.ids[p]
		if !ok {
			id = -1
		}
		out[i] = id
	}
	return out
}
