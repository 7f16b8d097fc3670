package chat

import (
	"slices"
	"strings"
	"unicode"
)

// headedSyntax is the way of models that write messages with headers, which say whom a text is for: start,
// header, message, the text, one of ends. Prompts end with start.
type headedSyntax struct {
	mark           string
	start, message string
	ends           []string // none: a text ends with the next start
	opens          []string // how a header begins; none: with a word
	inner          []string // more marks of headers and calls
	to             func(header string) (recipient, string)
	parse          func(tool, body string, tools schemas) ([]ToolCall, bool)
}

// recipient is whom a message is for.
type recipient uint8

const (
	toNobody recipient = iota // whom we know: the text is dropped
	toUser
	toSelf // reasoning
	toTool
	noHeader // what looked like one is none
)

var headedSyntaxes = []headedSyntax{
	{mark: "<|channel|>analysis", start: "<|start|>assistant", message: "<|message|>", ends: []string{"<|end|>", "<|call|>", "<|return|>"},
		opens: []string{"<|channel|>", " to="}, inner: []string{"<|constrain|>"}, to: channel, parse: namedArguments},
	{mark: "<atem:invoke", start: "<|start|>assistant", message: "<|message|>", ends: []string{"<|eom|>", "<|eot|>"},
		opens: []string{" to="}, to: address, parse: atemCalls},
	{mark: ">>>${recipient}", start: ">>>", message: "\n", to: word, parse: namedArguments},
}

// channel reads a header of gpt-oss: a recipient, a channel and the text's format, in either order.
func channel(header string) (recipient, string) {
	channels := strings.Split(header, "<|channel|>")
	to := toUser
	if strings.HasPrefix(channels[len(channels)-1], "analysis") {
		to = toSelf
	}
	for _, name := range strings.Split(header, " to=")[1:] {
		if i := strings.IndexAny(name, " <"); i >= 0 {
			name = name[:i]
		}
		if tool, ok := strings.CutPrefix(name, "functions."); ok {
			return toTool, tool
		}
		if name != "assistant" { // which gpt-oss writes before a channel at times
			to = toNobody
		}
	}
	return to, ""
}

// address reads a header of Muse.
func address(header string) (recipient, string) {
	switch to := strings.TrimPrefix(header, " to="); to {
	case "", "user":
		return toUser, ""
	case "self":
		return toSelf, ""
	default:
		return toTool, to
	}
}

// word reads a header of Functionary 3.2.
func word(header string) (recipient, string) {
	switch {
	case header == "all":
		return toUser, ""
	case header == "" || strings.ContainsFunc(header, notOfName):
		return noHeader, ""
	}
	return toTool, header
}

func notOfName(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.", r)
}

// marks are all that special tokens may be part of.
func (h *headedSyntax) marks() []string {
	return slices.Concat([]string{h.start, h.message}, h.ends, h.opens, h.inner)
}

// mayBegin says whether text can be the beginning of a header.
func (h *headedSyntax) mayBegin(text string) bool {
	if len(h.opens) == 0 {
		return !strings.ContainsFunc(text, notOfName)
	}
	return slices.ContainsFunc(append(slices.Clone(h.opens), h.message), func(open string) bool {
		return strings.HasPrefix(text, open) || strings.HasPrefix(open, text)
	})
}

// openHeader goes on where a prompt has begun a message.
func (p *AnswerParser) openHeader(prompt string) {
	h := p.syn.headed
	rest := ""
	if i := strings.LastIndex(prompt, h.start); i >= 0 {
		rest = prompt[i+len(h.start):]
	}
	header, _, ok := strings.Cut(rest, h.message)
	switch {
	case !h.mayBegin(rest):
	case !ok:
		p.header, p.buf = true, rest
	default:
		p.to, p.tool = h.to(header)
	}
}

// pushHeader reads a header; it says whether there was one, or text that is none.
func (p *AnswerParser) pushHeader(out *[]Delta) bool {
	h := p.syn.headed
	header, rest, ok := strings.Cut(p.buf, h.message)
	if !ok && !p.whole && h.mayBegin(p.buf) {
		return false
	}
	p.header = false
	p.to, p.tool = noHeader, ""
	if ok && h.mayBegin(header) {
		p.to, p.tool = h.to(header)
	}
	if p.to == noHeader {
		p.to = toUser
		if p.begun {
			p.emit(out, false, h.start)
		}
		return true
	}
	p.head, p.buf = header, rest
	p.space, p.trim, p.begun = "", true, true
	return true
}

// pushMessage goes on in a message, or between two; it says whether it ended.
func (p *AnswerParser) pushMessage(out *[]Delta) bool {
	h := p.syn.headed
	if p.to == toTool {
		return p.pushToolMessage(out)
	}
	text, end := h.cut(p.buf)
	if end == "" {
		text = text[:len(text)-p.held(append(slices.Clone(h.ends), h.start))]
	}
	p.buf = p.buf[len(text)+len(end):]
	if p.to != toNobody {
		p.emit(out, p.to == toSelf, text)
	}
	p.endMessage(end)
	return end != ""
}

// pushToolMessage reads a call once it is complete. What cannot be read is content, marks and all.
func (p *AnswerParser) pushToolMessage(out *[]Delta) bool {
	h := p.syn.headed
	for size := 0; ; {
		text, end := h.cut(p.buf[size:])
		if size += len(text); end == "" && !p.whole {
			return false
		}
		calls, ok := h.parse(p.tool, p.buf[:size], p.tools)
		if !ok && end == h.start && len(h.ends) == 0 {
			size += len(end) // plain text, which arguments may have in them
			continue
		}
		if ok {
			p.addCalls(out, calls)
		} else {
			p.emit(out, false, h.start+p.head+h.message+p.buf[:size])
		}
		p.buf = p.buf[size+len(end):]
		p.endMessage(end)
		return end != ""
	}
}

// endMessage is behind a message that ended with a mark; "": it did not.
func (p *AnswerParser) endMessage(end string) {
	h := p.syn.headed
	if end == "" {
		return
	}
	p.to, p.header = toUser, end == h.start
	if !p.header || len(h.ends) > 0 {
		p.space, p.trim = "", true
	}
}

// cut returns text up to the first mark that ends a message, and the mark.
func (h *headedSyntax) cut(text string) (before, end string) {
	for _, mark := range append(slices.Clone(h.ends), h.start) {
		if before, _, ok := strings.Cut(text, mark); ok {
			text, end = before, mark
		}
	}
	return text, end
}
