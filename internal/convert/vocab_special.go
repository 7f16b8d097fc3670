package convert

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/tokenizer"
)

// specialTokens are the ids of special tokens, whether they are added to a text, and
// the chat templates.
type specialTokens struct {
	ids          map[string]int  // by kind, see specialKeys
	add          map[string]bool // by kind: bos, eos and sep
	templates    map[string]string
	lowercase    *bool
	stripAccents *bool
}

// specialKeys are the keys of special tokens, in the order in which they are written.
var specialKeys = []struct{ kind, key string }{
	{"bos", "bos_token_id"}, {"eos", "eos_token_id"}, {"unk", "unknown_token_id"}, {"sep", "seperator_token_id"},
	{"pad", "padding_token_id"}, {"mask", "mask_token_id"}, {"eot", "eot_token_id"}, {"eom", "eom_token_id"},
}

// write sets the keys.
func (s *specialTokens) write(w *gguf.Writer) {
	const prefix = "tokenizer.ggml."
	for _, k := range specialKeys {
		if id, ok := s.ids[k.kind]; ok {
			w.SetUint32(prefix+k.key, uint32(id))
		}
	}
	for _, kind := range []string{"bos", "eos", "sep"} {
		if on, ok := s.add[kind]; ok {
			w.SetBool(prefix+"add_"+kind+"_token", on)
		}
	}
	if s.lowercase != nil {
		w.SetBool(prefix+"normalizer.lowercase", *s.lowercase)
	}
	if s.stripAccents != nil {
		w.SetBool(prefix+"normalizer.strip_accents", *s.stripAccents)
	}
	var names []string
	for name, text := range s.templates {
		if name == "default" {
			w.SetText("tokenizer.chat_template", text)
		} else {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		w.SetText("tokenizer.chat_template."+name, s.templates[name])
	}
	if len(names) > 0 {
		w.SetTexts("tokenizer.chat_templates", names)
	}
}

// set gives a kind its id, unless it has one; ids that no token has are left out.
func (s *specialTokens) set(kind string, id, tokens int) {
	if _, ok := s.ids[kind]; !ok && id >= 0 && id < tokens {
		s.ids[kind] = id
	}
}

// readSpecial finds the special tokens. The first source that names one counts:
// tokenizer_config.json by a text that is an added token of tokenizer.json,
// config.json by an id; then, beyond what llama.cpp's script does, tokenizer_config.json
// by any token's text, and generation_config.json by ids.
func (v *vocabulary) readSpecial() error {
	s := &v.special
	s.ids, s.add = map[string]int{}, map[string]bool{}
	texts := map[string]string{}
	kinds := []string{"bos", "eos", "unk", "sep", "pad", "cls", "mask"}
	for _, kind := range append(kinds, "eot", "eom") {
		if text := contentOf(v.config[kind+"_token"]); text != "" {
			texts[kind] = text
		}
	}
	if v.json != nil {
		if texts["bos"] == "" && texts["cls"] != "" {
			texts["bos"] = texts["cls"]
		}
		if texts["eos"] == "" && texts["sep"] != "" {
			texts["eos"] = texts["sep"]
		}
		kinds = s.fromPostProcessor(v.json.PostProcessor, texts, kinds)
		s.fromNormalizer(v.json.Normalizer)
	}
	for _, kind := range kinds {
		if on, ok := v.config["add_"+kind+"_token"].(bool); ok {
			if _, known := s.add[kind]; !known {
				s.add[kind] = on
			}
		}
		if v.json != nil && texts[kind] != "" {
			i := slices.IndexFunc(v.json.Added, func(a addedToken) bool { return a.Content == texts[kind] })
			if i >= 0 {
				s.set(kind, int(v.json.Added[i].ID), len(v.tokens))
			}
		}
	}
	for _, kind := range kinds {
		if id, ok := v.m.config.Int(kind + "_token_id"); ok {
			s.set(kind, id, len(v.tokens))
		}
	}
	for _, kind := range kinds {
		if _, ok := s.ids[kind]; !ok && texts[kind] != "" {
			s.set(kind, slices.Index(v.tokens, texts[kind]), len(v.tokens))
		}
	}
	delete(s.ids, "cls")
	return v.readTemplates()
}

// readGenerationEnds takes up the tokens at which generation_config.json ends a
// generation, where GGUF's readers would not by themselves: those that end by their
// text need no key.
func (v *vocabulary) readGenerationEnds() {
	generation, err := v.m.fields("generation_config.json")
	if err != nil {
		return // it is a hint only, and some are no JSON
	}
	list, ok := generation["eos_token_id"].([]any)
	if !ok {
		list = []any{generation["eos_token_id"]}
	}
	for _, value := range list {
		id, ok := wholeNumber(value)
		if !ok || id < 0 || id >= len(v.tokens) {
			continue
		}
		v.special.set("eos", id, len(v.tokens))
		if id == v.special.ids["eos"] || tokenizer.EndsByText(v.tokens[id]) {
			continue
		}
		kind := "eot"
		if other, ok := v.special.ids[kind]; ok && other != id {
			kind = "eom"
		}
		v.special.set(kind, id, len(v.tokens))
	}
}

// fromPostProcessor reads which tokens the post-processor adds, from the first and the
// last of its template. It returns the kinds to look for.
func (s *specialTokens) fromPostProcessor(p *step, texts map[string]string, kinds []string) []string {
	for _, x := range p.steps() {
		switch x.Type {
		case "ByteLevel":
			for _, kind := range []string{"bos", "eos"} {
				if _, ok := s.add[kind]; !ok {
					s.add[kind] = false
				}
			}
		case "RobertaProcessing":
			s.add["bos"], s.add["eos"], s.add["sep"] = true, true, true
			for kind, pair := range map[string][]any{"cls": x.Cls, "sep": x.Sep} {
				if texts[kind] == "" && len(pair) > 0 {
					texts[kind], _ = pair[0].(string)
				}
			}
		case "TemplateProcessing":
			kinds = s.fromTemplate(x, texts, kinds)
		}
	}
	return kinds
}

// fromTemplate is fromPostProcessor for a TemplateProcessing.
func (s *specialTokens) fromTemplate(x *step, texts map[string]string, kinds []string) []string {
	first, last := "", ""
	if len(x.Single) > 1 {
		first, last = x.Single[0].special(), x.Single[len(x.Single)-1].special()
	}
	if first != "" {
		if first != texts["bos"] && first != texts["cls"] {
			for _, kind := range []string{"bos", "cls"} {
				texts[kind] = cmp.Or(texts[kind], first)
			}
		}
		s.add["bos"] = first == texts["bos"] || first == texts["cls"]
	}
	if last != "" {
		if before := texts["eos"]; last != before {
			for _, kind := range []string{"eot", "eom"} {
				if !slices.Contains(kinds, kind) {
					kinds = append(slices.Clone(kinds), kind)
					texts[kind] = before
					break
				}
			}
			texts["eos"] = last
		}
		s.add["eos"] = true
	}
	s.fromPair(x.Pair, first, last, texts)
	return kinds
}

// fromPair reads whether texts are separated: A [sep] [eos] B.
func (s *specialTokens) fromPair(pair []templatePiece, first, last string, texts map[string]string) {
	if len(pair) > 0 && first != "" && pair[0].special() == first {
		pair = pair[1:]
	}
	if len(pair) > 0 && last != "" && pair[len(pair)-1].special() == last {
		pair = pair[:len(pair)-1]
	}
	if len(pair) < 3 || pair[0].sequence() != "A" || pair[len(pair)-1].sequence() != "B" {
		return
	}
	pair = pair[1 : len(pair)-1]
	separates := func(p templatePiece) bool {
		x := p.special()
		return x != "" && (x == texts["sep"] || x == texts["eos"])
	}
	add := separates(pair[0]) && last == "" || len(pair) == 2 && separates(pair[1])
	s.add["sep"] = add
	if add && texts["sep"] == "" {
		texts["sep"] = texts["eos"]
	}
}

// fromNormalizer reads what is done to text before it is split.
func (s *specialTokens) fromNormalizer(n *step) {
	yes := true
	for _, x := range n.steps() {
		switch x.Type {
		case "Lowercase":
			s.lowercase = &yes
		case "StripAccents":
			s.stripAccents = &yes
		case "BertNormalizer":
			if x.Lowercase != nil {
				s.lowercase = x.Lowercase
			}
			if x.StripAccents != nil {
				s.stripAccents = x.StripAccents
			}
		}
	}
}

// maxTemplates bounds the named templates of a checkpoint; the known ones have up to 3.
const maxTemplates = 64

// readTemplates finds the chat templates: tokenizer_config.json's own, a text or a list
// of named ones; else those in files.
func (v *vocabulary) readTemplates() error {
	s := &v.special
	s.templates = map[string]string{}
	switch own := v.config["chat_template"].(type) {
	case string:
		s.templates["default"] = own
		return nil
	case []any:
		for _, x := range own {
			fields, _ := x.(map[string]any)
			name, _ := fields["name"].(string)
			if text, ok := fields["template"].(string); ok {
				s.template(name, text)
			}
		}
		return nil
	}
	text, err := v.m.folder.ReadFile("chat_template.jinja")
	switch {
	case err == nil:
		s.templates["default"] = string(text)
		names, err := v.m.folder.Names("additional_chat_templates/*.jinja")
		if err != nil {
			return err
		}
		if len(names) > maxTemplates {
			return fmt.Errorf("%s: it has %d templates: more than %d", v.m.path("additional_chat_templates"), len(names), maxTemplates)
		}
		for _, name := range names {
			text, err := v.m.folder.ReadFile("additional_chat_templates/" + name)
			if err != nil {
				return err
			}
			s.template(strings.TrimSuffix(name, ".jinja"), string(text))
		}
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	alone, err := v.m.fields("chat_template.json")
	if err != nil {
		return err
	}
	if text, ok := alone["chat_template"].(string); ok {
		s.templates["default"] = text
	}
	return nil
}

// template takes up a named template; keys have letters, digits and "_" only.
func (s *specialTokens) template(name, text string) {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
	if name != "" && len(s.templates) < maxTemplates {
		s.templates[name] = text
	}
}

// wholeNumber is a number of JSON as an int.
func wholeNumber(value any) (int, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := n.Int64()
	return int(i), err == nil
}
