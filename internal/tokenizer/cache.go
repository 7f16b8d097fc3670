package tokenizer

// wordCache remembers the tokens of short words. It is direct mapped: a word
// displaces another. 512 KiB, made when a long text is encoded.
type wordCache struct {
	entries [1 << 13]cacheEntry
}

type cacheEntry struct {
	len  uint8
	n    uint8
	word [22]byte
	ids  [10]int32
}

// at returns the entry a word of hash h may lie in; nil when the word is too long.
func (c *wordCache) at(word []byte, h uint64) *cacheEntry {
	if c == nil || len(word) > len(cacheEntry{}.word) {
		return nil
	}
	return &c.entries[h%uint64(len(c.entries))]
}

func (e *cacheEntry) holds(word []byte) bool {
	return int(e.len) == len(word) && string(e.word[:e.len]) == string(word)
}

// set stores the ids of word, if they are few.
func (e *cacheEntry) set(word []byte, ids []int32) {
	if len(ids) > len(e.ids) {
		return
	}
	e.len, e.n = uint8(copy(e.word[:], word)), uint8(copy(e.ids[:], ids))
}
