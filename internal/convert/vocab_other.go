package convert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// rwkvFile is the vocabulary of RWKV's World models: a line for each token, its number,
// a Python literal of its text or its bytes, and its length.
const rwkvFile = "rwkv_vocab_v20230424.txt"

func (v *vocabulary) readRWKV() error {
	data, err := v.m.folder.ReadFile(rwkvFile)
	if err != nil {
		return err
	}
	texts := []string{"<s>"}
	for i, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		fail := func(what string) error { return fmt.Errorf("%s: line %d: %s", v.m.path(rwkvFile), i+1, what) }
		line = strings.TrimRight(line, "\r")
		start, end := strings.IndexByte(line, ' '), strings.LastIndexByte(line, ' ')
		if start < 0 || start == end {
			return fail("want a number, a text and its length")
		}
		text, err := pythonLiteral(line[start+1 : end])
		if err != nil {
			return fail(err.Error())
		}
		number, wrong := strconv.Atoi(line[:start])
		length, err := strconv.Atoi(line[end+1:])
		if wrong != nil || err != nil || length != len(text) {
			return fail(fmt.Sprintf("%s has %d bytes, not %s", brief(text), len(text), line[end+1:]))
		}
		if number != len(texts) || number >= maxTokens {
			return fail(fmt.Sprintf("token %d follows token %d", number, len(texts)-1))
		}
		texts = append(texts, pythonRepr(text))
	}
	n, err := v.size(65536)
	if err != nil {
		return err
	}
	if len(texts) > n {
		return fmt.Errorf("%s: it has %d tokens, but the model %d", v.m.path(rwkvFile), len(texts), n)
	}
	v.room(n)
	copy(v.tokens, texts)
	for i := range texts {
		v.types[i] = tokenNormal
	}
	v.types[0] = tokenControl
	v.model = "rwkv"
	v.rule.change = func(v *vocabulary) error {
		s := &v.special
		s.ids["bos"], s.ids["eos"] = 0, 0
		s.set("eot", 261, n) // two line breaks end a turn
		return nil
	}
	return nil
}

// pythonLiteral reads a string, 'x' or "x", or bytes, b'x'.
func pythonLiteral(text string) (string, error) {
	wrong := fmt.Errorf("%s is no Python string", brief(text))
	raw := strings.HasPrefix(text, "b")
	if raw {
		text = text[1:]
	}
	if len(text) < 2 || text[0] != text[len(text)-1] || text[0] != '\'' && text[0] != '"' {
		return "", wrong
	}
	quote := text[0]
	text = text[1 : len(text)-1]
	var out []byte
	for i := 0; i < len(text); {
		c := text[i]
		i++
		if c == quote {
			return "", wrong
		}
		if c != '\\' {
			out = append(out, c)
			continue
		}
		if i == len(text) {
			return "", wrong
		}
		c = text[i]
		i++
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
		switch {
		case strings.IndexByte(`\'"`, c) >= 0:
			out = append(out, c)
		case strings.IndexByte("abfnrtv", c) >= 0:
			out = append(out, "\a\b\f\n\r\t\v"[strings.IndexByte("abfnrtv", c)])
		case digits > 0 && i+digits <= len(text) && !(raw && c != 'x'):
			number, err := strconv.ParseUint(text[i:i+digits], 16, 32)
			if err != nil || number > utf8.MaxRune {
				return "", wrong
			}
			i += digits
			if raw {
				out = append(out, byte(number))
			} else {
				out = utf8.AppendRune(out, rune(number))
			}
		default:
			return "", wrong
		}
	}
	return string(out), nil
}

// pythonRepr is how Python shows bytes, without the quotes: what GGUF has for RWKV.
func pythonRepr(text string) string {
	quote := byte('\'')
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		quote = '"'
	}
	var out strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case c == quote, c == '\\':
			out.WriteByte('\\')
			out.WriteByte(c)
		case c == '\t':
			out.WriteString(`\t`)
		case c == '\n':
			out.WriteString(`\n`)
		case c == '\r':
			out.WriteString(`\r`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&out, `\x%02x`, c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// readPlamo reads tokenizer.jsonl: a list for each token, of its text, score and type.
func (v *vocabulary) readPlamo() error {
	const name = "tokenizer.jsonl"
	data, err := v.m.folder.ReadFile(name)
	if err != nil {
		return err
	}
	var texts []string
	for i, line := range bytes.Split(data, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var entry []any
		err := json.Unmarshal(line, &entry)
		var text, kind string
		var score float64
		ok := err == nil && len(entry) >= 2
		if ok {
			text, ok = entry[0].(string)
		}
		if ok {
			score, ok = entry[1].(float64)
		}
		if ok && len(entry) > 2 {
			kind, ok = entry[2].(string)
		}
		if !ok || len(texts) == maxTokens {
			return fmt.Errorf("%s: line %d is no token with a score and a type", v.m.path(name), i+1)
		}
		number := int32(tokenNormal)
		switch {
		case kind == "UNKNOWN":
			number = tokenUnknown
		case kind == "CONTROL", strings.HasPrefix(text, "<|plamo:") && strings.HasSuffix(text, "|>") && kind != "BYTE":
			number = tokenControl
		case kind == "BYTE":
			number = tokenByte
		}
		texts, v.types, v.scores = append(texts, text), append(v.types, number), append(v.scores, float32(score))
	}
	v.tokens = texts
	n, err := v.size(len(texts))
	if err != nil {
		return err
	}
	for i := 1; len(v.tokens) < n; i++ {
		v.tokens, v.types, v.scores = append(v.tokens, fmt.Sprintf("[PAD%d]", i)), append(v.types, tokenUnused), append(v.scores, -1000)
	}
	v.model, v.pre, v.spacePrefix = "plamo2", "default", new(bool)
	v.rule.change = func(v *vocabulary) error {
		v.special.ids["eot"] = 4 // "<|plamo:op|>" ends a turn
		return nil
	}
	return nil
}
