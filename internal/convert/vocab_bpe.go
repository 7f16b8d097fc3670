package convert

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// configure adds what tokenizer_config.json says of added tokens, as transformers
// does: its flags win, and a special token that is no added one becomes one.
func (t *tokenizerJSON) configure(config map[string]any) error {
	at := make(map[string]int, len(t.Added))
	byID := make(map[int64]string, len(t.Added))
	for i, a := range t.Added {
		if err := t.checkID(a.Content, a.ID); err != nil {
			return err
		}
		if other, ok := byID[a.ID]; ok && other != a.Content {
			return fmt.Errorf("%s: added tokens %s and %s have the same id, %d", t.file, brief(other), brief(a.Content), a.ID)
		}
		at[a.Content], byID[a.ID] = i, a.Content
	}
	more, err := addedTokens(config)
	if err != nil {
		return err
	}
	for _, a := range more {
		if err := t.checkID(a.Content, a.ID); err != nil {
			return err
		}
		if i, ok := at[a.Content]; ok {
			a.ID = t.Added[i].ID
			t.Added[i] = a
		} else if _, taken := byID[a.ID]; !taken {
			at[a.Content], byID[a.ID] = len(t.Added), a.Content
			t.Added = append(t.Added, a)
		}
	}
	special, err := specialTexts(config)
	if err != nil {
		return err
	}
	for _, text := range special {
		if i, ok := at[text]; ok {
			t.Added[i].Special = true
		} else {
			at[text] = len(t.Added)
			t.Added = append(t.Added, addedToken{ID: -1, Content: text, Special: true})
		}
	}
	return nil
}

// addedTokens are those of tokenizer_config.json's "added_tokens_decoder", by id.
func addedTokens(config map[string]any) ([]addedToken, error) {
	list, _ := config["added_tokens_decoder"].(map[string]any)
	var out []addedToken
	for key, value := range list {
		fields, _ := value.(map[string]any)
		text, ok := fields["content"].(string)
		id, err := strconv.ParseInt(key, 10, 64)
		if !ok || err != nil {
			return nil, fmt.Errorf(`tokenizer_config.json: "added_tokens_decoder": %s is no token with an id and a "content"`, brief(key))
		}
		a := addedToken{ID: id, Content: text}
		a.Special, _ = fields["special"].(bool)
		a.Normalized, _ = fields["normalized"].(bool)
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b addedToken) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// specialTexts are the special tokens that tokenizer_config.json names.
func specialTexts(config map[string]any) ([]string, error) {
	var out []string
	add := func(value any) {
		if text := contentOf(value); text != "" && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	for _, name := range []string{"bos", "eos", "unk", "sep", "pad", "cls", "mask"} {
		add(config[name+"_token"])
	}
	for _, key := range []string{"additional_special_tokens", "extra_special_tokens"} {
		switch list := config[key].(type) {
		case []any:
			for _, x := range list {
				add(x)
			}
		case map[string]any:
			var texts []string
			for _, x := range list {
				texts = append(texts, contentOf(x))
			}
			slices.Sort(texts)
			for _, x := range texts {
				add(x)
			}
		}
	}
	return out, nil
}

// contentOf is a token's text, which stands as such or in an object.
func contentOf(value any) string {
	switch x := value.(type) {
	case string:
		return x
	case map[string]any:
		text, _ := x["content"].(string)
		return text
	}
	return ""
}

// tokenList is all tokens of tokenizer.json by id, those of the model and those that
// were added, and which of them are added ones.
func (t *tokenizerJSON) tokenList(ids map[string]int) (texts []string, added map[int]addedToken, err error) {
	top := -1
	for _, id := range ids {
		top = max(top, id)
	}
	for i, a := range t.Added {
		id, known := ids[a.Content]
		switch {
		case a.ID < 0 && !known:
			continue // a special token that the vocabulary does not have
		case a.ID < 0:
			t.Added[i].ID = int64(id)
		case known && int64(id) != a.ID:
			return nil, nil, fmt.Errorf("%s: added token %s has id %d, but %d in the vocabulary", t.file, brief(a.Content), a.ID, id)
		}
		top = max(top, int(t.Added[i].ID))
	}
	texts = make([]string, top+1)
	for text, id := range ids {
		texts[id] = text
	}
	added = make(map[int]addedToken, len(t.Added))
	for _, a := range t.Added {
		if a.ID >= 0 {
			texts[a.ID], added[int(a.ID)] = a.Content, a
		}
	}
	return texts, added, nil
}

// readBPE reads a tokenizer.json of byte-level BPE.
func (v *vocabulary) readBPE() error {
	ids, merges, err := v.readTokens()
	if err != nil {
		return err
	}
	v.model, v.pre = "gpt2", v.given
	if v.pre == "" {
		if v.pre, err = findPre(v.json, newWordMerger(ids, merges), v.m.arch); err != nil {
			return err
		}
	}
	return nil
}

// readTokens reads tokens, types and merges of a tokenizer.json whose model is BPE.
func (v *vocabulary) readTokens() (map[string]int, [][2]string, error) {
	t := v.json
	ids, err := t.vocab()
	if err != nil {
		return nil, nil, err
	}
	merges, err := t.mergeList()
	if err != nil {
		return nil, nil, err
	}
	if err := t.checkMerges(ids, merges); err != nil {
		return nil, nil, err
	}
	texts, added, err := t.tokenList(ids)
	if err != nil {
		return nil, nil, err
	}
	n, err := v.size(len(texts))
	if err != nil {
		return nil, nil, err
	}
	if len(texts) > n {
		if top := slices.Max(slices.Collect(maps.Values(ids))); top >= n {
			return nil, nil, fmt.Errorf("%s: token %s has id %d, but the model has %d tokens (%s)", t.file, brief(texts[top]), top, n, v.m.config.File())
		}
		// Somebody added tokens (for padding, mostly) and left the model as it was.
		more := slices.DeleteFunc(slices.Clone(texts[n:]), func(text string) bool { return text == "" })
		v.m.note("%d added tokens are left out, among them %s: the model has %d tokens", len(more), brief(more[0]), n)
		texts = texts[:n]
	}
	for i, a := range t.Added { // special tokens that no list has come after the last, as transformers adds them
		if a.ID < 0 && len(texts) < n {
			t.Added[i].ID = int64(len(texts))
			added[len(texts)] = t.Added[i]
			texts = append(texts, a.Content)
		}
	}
	v.room(n)
	used := make([]bool, len(texts))
	for _, id := range ids {
		used[id] = true
	}
	for id, text := range texts {
		a, isAdded := added[id]
		switch {
		case isAdded:
			v.tokens[id], v.types[id] = t.addedForm(a)
		case used[id]:
			v.tokens[id], v.types[id] = text, tokenNormal
		}
	}
	v.merges = make([]string, len(merges))
	for i, m := range merges {
		v.merges[i] = strings.ReplaceAll(m[0], " ", "Ġ") + " " + strings.ReplaceAll(m[1], " ", "Ġ")
	}
	return ids, merges, nil
}

// addedForm is how an added token stands in the file. llama.cpp looks for such tokens
// in the text as it is: those that are not normalized stand as they are decoded.
func (t *tokenizerJSON) addedForm(a addedToken) (text string, kind int32) {
	text = a.Content
	if !a.Normalized {
		text = t.decoded(text)
	}
	if a.Special || looksSpecial(text) {
		return text, tokenControl
	}
	return strings.ReplaceAll(text, "\u2581", " "), tokenUser
}

// decoded is the text of a single token, as the decoder makes it.
func (t *tokenizerJSON) decoded(text string) string {
	for _, s := range t.Decoder.steps() {
		switch s.Type {
		case "ByteLevel":
			if !strings.ContainsFunc(text, func(r rune) bool { _, ok := byLetter[r]; return !ok }) {
				text = strings.ToValidUTF8(fromLetters(text), string(utf8.RuneError))
			}
		case "Replace":
			if s.Pattern != nil && s.Pattern.String != nil {
				text = strings.ReplaceAll(text, *s.Pattern.String, s.Content)
			}
		case "Metaspace":
			text = strings.ReplaceAll(text, cmp.Or(s.Replacement, "\u2581"), " ")
			if s.PrependScheme != "never" && orTrue(s.AddPrefixSpace) {
				text = strings.TrimPrefix(text, " ")
			}
		case "ByteFallback":
			if b, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(text, "<0x"), ">"), 16, 8); err == nil && len(text) == 6 {
				text = strings.ToValidUTF8(string([]byte{byte(b)}), string(utf8.RuneError))
			}
		case "Strip":
			for range s.Start {
				text = strings.TrimPrefix(text, s.Content)
			}
			for range s.Stop {
				text = strings.TrimSuffix(text, s.Content)
			}
		}
	}
	return text
}

// readMergesText reads vocab.json and merges.txt, of which tokenizer.json is made
// where there is one.
func (v *vocabulary) readMergesText() error {
	vocab, err := v.m.folder.ReadFile("vocab.json")
	if err != nil {
		return err
	}
	text, err := v.m.folder.ReadFile("merges.txt")
	if err != nil {
		return err
	}
	t := &tokenizerJSON{file: v.m.path("vocab.json")}
	t.Model.Type, t.Model.Vocab = "BPE", vocab
	var lines []string
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || i == 0 && strings.HasPrefix(line, "#") {
			continue
		}
		lines = append(lines, line)
	}
	if t.Model.Merges, err = jsonOf(lines); err != nil {
		return err
	}
	class, _ := v.config["tokenizer_class"].(string)
	words, ok := slowPreTokenizers[strings.TrimSuffix(class, "Fast")]
	if !ok {
		return fmt.Errorf("%s: there is no tokenizer.json, and what tokenizer_class %q does is not known", v.m.folder.Dir(), class)
	}
	byteLevel := &step{Type: "ByteLevel", AddPrefixSpace: new(bool), UseRegex: new(bool)}
	*byteLevel.UseRegex = words == ""
	t.PreTokenizer, t.Decoder = byteLevel, byteLevel
	if words != "" {
		split := &step{Type: "Split", Behavior: "Isolated"}
		split.Pattern = &stepPattern{Regex: &words}
		t.PreTokenizer = &step{Type: "Sequence", PreTokenizers: []*step{split, byteLevel}}
	}
	if err := t.configure(v.config); err != nil {
		return err
	}
	v.json = t
	return v.readBPE()
}

// slowPreTokenizers are the words of tokenizers that are classes of transformers; "":
// GPT-2's.
var slowPreTokenizers = map[string]string{
	"GPT2Tokenizer": "", "CodeGenTokenizer": "", "GPTNeoXTokenizer": "", "RobertaTokenizer": "",
	"Qwen2Tokenizer": `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
}
