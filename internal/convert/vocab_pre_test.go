package convert

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// family is the pre-tokenizer of a published tokenizer.json.
type family struct {
	Name, Arch   string
	IgnoreMerges bool            `json:"ignore_merges"`
	Normalizer   json.RawMessage `json:"normalizer"`
	PreTokenizer json.RawMessage `json:"pre_tokenizer"`
}

func families(t *testing.T) []family {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "pretokenizers.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []family
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func (f family) tokenizer(t *testing.T) *tokenizerJSON {
	t.Helper()
	normalizer := f.Normalizer
	if normalizer == nil {
		normalizer = json.RawMessage("null")
	}
	j, err := readTokenizerJSON(f.Name, fmt.Appendf(nil, `{"normalizer":%s,"pre_tokenizer":%s,"model":{"type":"BPE","ignore_merges":%v}}`, normalizer, f.PreTokenizer, f.IgnoreMerges))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// trained is a small vocabulary: bytes, and the merges of the commonest pairs of the
// words into which the file cuts the probes, as a trainer finds them.
func trained(t *testing.T, j *tokenizerJSON, merges int) *wordMerger {
	t.Helper()
	p, err := newWordPipeline(j)
	if err != nil {
		t.Fatal(err)
	}
	var words [][]string
	for _, group := range slices.Sorted(maps.Keys(probes)) {
		for _, text := range probes[group] {
			cut, err := p.words(text)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range cut {
				words = append(words, strings.Split(toLetters(w), ""))
			}
		}
	}
	ids := map[string]int{}
	for b, r := range letters {
		ids[string(r)] = b
	}
	var list [][2]string
	for range merges {
		count := map[[2]string]int{}
		for _, w := range words {
			for i := range len(w) - 1 {
				count[[2]string{w[i], w[i+1]}]++
			}
		}
		if len(count) == 0 {
			break
		}
		best := slices.MaxFunc(slices.Collect(maps.Keys(count)), func(a, b [2]string) int {
			return cmp.Or(cmp.Compare(count[a], count[b]), strings.Compare(a[0]+" "+a[1], b[0]+" "+b[1]))
		})
		list = append(list, best)
		ids[best[0]+best[1]] = len(ids)
		for k, w := range words {
			for i := 0; i+1 < len(w); i++ {
				if w[i] == best[0] && w[i+1] == best[1] {
					w = slices.Concat(w[:i], []string{w[i] + w[i+1]}, w[i+2:])
				}
			}
			words[k] = w
		}
	}
	return newWordMerger(ids, list)
}

// TestFindPre finds the name of each published pre-tokenizer.
func TestFindPre(t *testing.T) {
	t.Parallel()
	for _, f := range families(t) {
		t.Run(f.Name+" of "+f.Arch, func(t *testing.T) {
			j := f.tokenizer(t)
			name, err := findPre(j, trained(t, j, 800), f.Arch)
			if err != nil {
				t.Fatal(err)
			}
			if name != f.Name {
				t.Errorf("it is %s, not %s", name, f.Name)
			}
		})
	}
}
