package convert

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// modelName is what a model's name, as Hugging Face's site has it, is made of.
type modelName struct {
	full, org                     string
	base, finetune, version, size string
}

// What a part of a name may be.
var (
	isVersion  = regexp.MustCompile(`(?i)^(v|iter)?\d+([.]\d+)*$`)
	isEncoding = regexp.MustCompile(`(?i)^(i?q\d(_\w)*|b?fp?(16|32))$`)
	isSize     = regexp.MustCompile(`(?i)^((A|\d+x)?\d+([._]\d+)?[KMBT]\d?|small|mini|medium|large|x?xl)$`)
	isFinetune = regexp.MustCompile(`(?i)^(chat|instruct|vision|lora)$`)
	hasVersion = regexp.MustCompile(`^(v\d+(\.\d+)*|\d.*)$`)
)

// namePart is a part of a name between dashes, and what it is: sets of "base", "size",
// "finetune", "version" and "type".
type namePart struct {
	text string
	is   map[string]bool
}

// splitID takes a name apart, ORG/NAME or NAME, by the rules of llama.cpp's script, so
// that files have the same keys. total is the count of the model's parameters: a size
// that is far from it is none.
func splitID(id string, total int64) modelName {
	n := modelName{full: id}
	if id == "" || strings.Contains(id, " ") {
		return n // a sentence
	}
	if org, full, ok := strings.Cut(id, "/"); ok {
		n.org, n.full = org, full
		if strings.HasPrefix(org, ".") {
			n.org = ""
		}
	}
	var parts []*namePart
	for text := range strings.SplitSeq(n.full, "-") {
		if text != "" {
			p := &namePart{text, map[string]bool{}}
			p.mark(len(parts) > 0, total)
			parts = append(parts, p)
		}
	}
	markBase(parts)
	join := func(kind string, also func(p *namePart) bool) string {
		var out []string
		for _, p := range parts {
			if p.is[kind] && (also == nil || also(p)) && !(kind == "size" && slices.Contains(out, p.text)) {
				out = append(out, p.text)
			}
		}
		return strings.Join(out, "-")
	}
	n.base, n.size, n.finetune = join("base", nil), join("size", nil), join("finetune", nil)
	n.version = join("version", func(p *namePart) bool { return !p.is["base"] })
	if n.size == "" && n.finetune == "" && n.version == "" {
		n.base = "" // it may be anything
	}
	return n
}

// mark finds what the part itself tells; later: others go before it.
func (p *namePart) mark(later bool, total int64) {
	switch {
	case isVersion.MatchString(p.text):
		p.is["version"] = true
	case isEncoding.MatchString(p.text):
		p.is["type"] = true
		p.text = strings.ToUpper(p.text)
	case later && isSize.MatchString(p.text):
		p.size(total)
	case later && isFinetune.MatchString(p.text):
		p.is["finetune"] = true
	}
}

// size brings a size into its usual form, 7b1 into 7.1B, and compares it with the model's.
func (p *namePart) size(total int64) {
	text := strings.ReplaceAll(p.text, "_", ".")
	digit := func(back int) bool {
		return len(text) >= back && text[len(text)-back] >= '0' && text[len(text)-back] <= '9'
	}
	if digit(1) {
		n := len(text)
		text = text[:n-2] + "." + text[n-1:] + text[n-2:n-1]
	}
	last := len(text) - 1
	if digit(2) && strings.IndexByte("kmbt", text[last]) >= 0 {
		text = text[:last] + strings.ToUpper(text[last:])
	}
	if number, err := strconv.ParseFloat(text[:last], 64); err == nil && total > 0 {
		size := number * math.Pow10(3*strings.IndexByte(" KMBT", text[last]))
		if math.Abs(size-float64(total)) > float64(7*total/8) {
			p.is["finetune"] = true // a length of contexts, more likely
			text = text[:last] + strings.ToLower(text[last:])
		}
	}
	if !p.is["finetune"] {
		p.is["size"] = true
	}
	p.text = text
}

// markBase finds which parts are the model's own name, at the beginning.
func markBase(parts []*namePart) {
	number := slices.ContainsFunc(parts, func(p *namePart) bool { return p.is["size"] && strings.ContainsAny(p.text, "0123456789") })
	for _, p := range parts {
		if number && p.is["size"] && !strings.ContainsFunc(p.text, func(r rune) bool { return !unicode.IsLetter(r) }) {
			delete(p.is, "size") // "mini" beside 4B
		}
	}
	start := true
	for _, p := range parts {
		first := []rune(p.text)[0]
		if start && (len(p.is) == 0 && unicode.IsLetter(first) || p.is["version"]) {
			p.is["base"] = true
			continue
		}
		start = false
		if len(p.is) == 0 {
			p.is["finetune"] = true
		}
	}
	for _, p := range slices.Backward(parts) {
		if !p.is["base"] || len(p.is) == 1 {
			break
		}
		delete(p.is, "base") // a version at the end
	}
}

// title writes a name for people: words of lower case get capitals, versions stay.
func title(id string) string {
	words := strings.Fields(strings.ReplaceAll(strings.TrimSpace(id), "-", " "))
	for i, w := range words {
		hasLower := strings.ContainsFunc(w, unicode.IsLower)
		if !hasLower || strings.ContainsFunc(w, unicode.IsUpper) || hasVersion.MatchString(w) {
			continue
		}
		out := []rune(w)
		for k := range out {
			if k == 0 || !unicode.IsLetter(out[k-1]) {
				out[k] = unicode.ToTitle(out[k])
			}
		}
		words[i] = string(out)
	}
	return strings.Join(words, " ")
}
