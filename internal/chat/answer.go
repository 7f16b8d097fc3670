package chat

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Answer is a model's answer, taken apart.
type Answer struct {
	Content   string
	Reasoning string
	ToolCalls []ToolCall
}

// Delta is what a piece of text adds to an answer: one of the three.
type Delta struct {
	Content   string
	Reasoning string
	Call      *ToolCall
}

// AnswerParser takes an answer apart while it is generated. It wants the text with the special tokens of AnswerMarks
// in it, but without the token that ended it. It is not safe for concurrent use.
type AnswerParser struct {
	syn    *syntax
	tools  schemas
	answer Answer
	buf    string // not decided yet
	half   string // after buf: the beginning of a code point
	think  *thinkSyntax
	call   *callSyntax
	// Of messages with headers:
	header bool      // in a header
	to     recipient // whom the text is for
	tool   string
	head   string // the header
	space  string // white space that counts only if more text of its kind follows
	begun  bool   // something came already
	trim   bool   // white space at the beginning of the next text is dropped
	whole  bool   // nothing more comes
}

// NewAnswerParser returns a parser for the answer to a prompt that Render made. The tools' schemas tell strings
// from numbers where a model writes both without quotes.
func (t *Template) NewAnswerParser(prompt string, tools []Tool) *AnswerParser {
	p := &AnswerParser{syn: t.with(len(tools) > 0).syntax(), tools: schemasOf(tools)}
	p.to = toUser
	if p.syn.headed != nil {
		p.openHeader(prompt)
	}
	// Some prompts end inside the reasoning already.
	end := strings.TrimRightFunc(prompt, unicode.IsSpace)
	for i := range p.syn.thinks {
		if strings.HasSuffix(end, strings.TrimSpace(p.syn.thinks[i].open)) {
			p.think, p.trim = &p.syn.thinks[i], true
		}
	}
	return p
}

// ParseAnswer takes a whole answer apart.
func (t *Template) ParseAnswer(prompt, text string, tools []Tool) Answer {
	p := t.NewAnswerParser(prompt, tools)
	p.Push(text)
	p.Finish()
	return p.Answer()
}

// Answer is what came so far.
func (p *AnswerParser) Answer() Answer { return p.answer }

// Push adds generated text and returns what is certain by now. A call appears when it is complete.
func (p *AnswerParser) Push(text string) []Delta {
	text, p.half = p.half+text, ""
	if n := halfRune(text); n > 0 && !p.whole { // half a letter is no letter: nothing may look at it
		text, p.half = text[:len(text)-n], text[len(text)-n:]
	}
	p.buf += text
	var out []Delta
	for {
		more := false
		switch {
		case p.header:
			more = p.pushHeader(&out)
		case p.syn.headed != nil:
			more = p.pushMessage(&out)
		case p.call != nil:
			more = p.pushCall(&out)
		case p.think != nil:
			more = p.pushReasoning(&out)
		default:
			more = p.pushContent(&out)
		}
		if !more {
			return out
		}
	}
}

// halfRune is how many bytes at the end of text begin a code point that goes on behind it.
func halfRune(text string) int {
	for n := 1; n <= min(len(text), utf8.UTFMax-1); n++ {
		if end := text[len(text)-n:]; utf8.RuneStart(end[0]) {
			if utf8.FullRuneInString(end) {
				return 0
			}
			return n
		}
	}
	return 0
}

// Finish ends the answer: what was held back is what it looks like now, a call that is no call is content.
func (p *AnswerParser) Finish() []Delta {
	p.whole = true
	out := p.Push("")
	switch {
	case p.call != nil:
		p.endCall(&out, p.buf, "")
	case p.think != nil:
		p.emit(&out, true, p.buf)
	default:
		p.emit(&out, false, p.buf)
	}
	if p.think == nil && len(p.answer.ToolCalls) == 0 {
		out = p.add(out, Delta{Content: p.space})
	}
	p.buf, p.space, p.think, p.call, p.whole = "", "", nil, nil, false
	return out
}

// pushContent looks for the next mark; it says whether one was found.
func (p *AnswerParser) pushContent(out *[]Delta) bool {
	at, size := -1, 0
	var think *thinkSyntax
	var call *callSyntax
	found := func(i, n int) bool {
		if i < 0 || (at >= 0 && (i > at || (i == at && n <= size))) {
			return false
		}
		at, size, think, call = i, n, nil, nil
		return true
	}
	var marks []string
	for _, d := range p.syn.drops {
		found(strings.Index(p.buf, d), len(d))
		marks = append(marks, d)
	}
	for i := range p.syn.thinks {
		th := &p.syn.thinks[i]
		if found(strings.Index(p.buf, th.open), len(th.open)) {
			think = th
		}
		marks = append(marks, th.open)
	}
	for i := range p.syn.calls {
		c := &p.syn.calls[i]
		k := strings.Index(p.buf, c.open)
		if c.alone && (p.begun || (k > 0 && strings.TrimSpace(p.buf[:k]) != "")) {
			continue
		}
		if found(k, len(c.open)) {
			call = c
		}
		marks = append(marks, c.open)
	}
	// What a longer mark begins with is no mark yet.
	if at >= 0 && !p.whole && slices.ContainsFunc(marks, func(m string) bool { return len(m) > size && strings.HasPrefix(m, p.buf[at:]) }) {
		p.emit(out, false, p.buf[:at])
		p.buf = p.buf[at:]
		return false
	}
	if at < 0 {
		keep := p.held(marks)
		p.emit(out, false, p.buf[:len(p.buf)-keep])
		p.buf = p.buf[len(p.buf)-keep:]
		return false
	}
	p.emit(out, false, p.buf[:at])
	if call == nil || !call.keep {
		p.buf = p.buf[at+size:]
	} else {
		p.buf = p.buf[at:]
	}
	p.think, p.call = think, call
	p.begun = true
	if think != nil || call != nil {
		p.space = ""
		p.trim = p.trim || think != nil
	}
	return true
}

func (p *AnswerParser) pushReasoning(out *[]Delta) bool {
	end, next := strings.Index(p.buf, p.think.close), 0
	if end >= 0 {
		next = end + len(p.think.close)
	}
	for _, mark := range p.syn.breaks {
		if i := strings.Index(p.buf, mark); i >= 0 && (end < 0 || i < end) {
			end, next = i, i
		}
	}
	if end >= 0 {
		p.emit(out, true, p.buf[:end])
		p.buf = p.buf[next:]
		p.think, p.space, p.trim = nil, "", true
		return true
	}
	keep := p.held(append(slices.Clone(p.syn.breaks), p.think.close))
	p.emit(out, true, p.buf[:len(p.buf)-keep])
	p.buf = p.buf[len(p.buf)-keep:]
	return false
}

func (p *AnswerParser) pushCall(out *[]Delta) bool {
	c := p.call
	end, mark := -1, c.close
	if c.close != "" {
		end = strings.Index(p.buf, c.close)
	}
	var next *callSyntax
	if c.loose {
		if i := strings.Index(p.buf, c.open); i >= 0 && (end < 0 || i < end) {
			end, mark, next = i, c.open, c
		}
	}
	if end < 0 {
		return false
	}
	body, rest := p.buf[:end], p.buf[end+len(mark):]
	if next != nil {
		mark = ""
	}
	p.endCall(out, body, mark)
	p.buf, p.call = rest, next
	return true
}

// endCall reads a call's body. What cannot be read is content, marks and all.
func (p *AnswerParser) endCall(out *[]Delta, body, end string) {
	c := p.call
	p.call = nil
	calls, ok := c.parse(body, p.tools)
	if !ok {
		if !c.keep {
			body = c.open + body
		}
		p.emit(out, false, body+end)
		return
	}
	p.addCalls(out, calls)
}

func (p *AnswerParser) addCalls(out *[]Delta, calls []ToolCall) {
	p.trim = true
	for i := range calls {
		p.answer.ToolCalls = append(p.answer.ToolCalls, calls[i])
		*out = append(*out, Delta{Call: &calls[i]})
	}
}

// emit adds text, without the white space that only parts it from the marks around it.
func (p *AnswerParser) emit(out *[]Delta, reasoning bool, text string) {
	if p.trim {
		text = strings.TrimLeftFunc(text, unicode.IsSpace)
	}
	if text == "" {
		return
	}
	p.trim = false
	end := strings.TrimRightFunc(text, unicode.IsSpace)
	if end == "" {
		p.space += text
		return
	}
	p.begun = true
	d := Delta{Content: p.space + end}
	if reasoning {
		d = Delta{Reasoning: p.space + end}
	}
	p.space = text[len(end):]
	*out = p.add(*out, d)
}

func (p *AnswerParser) add(out []Delta, d Delta) []Delta {
	if d.Content == "" && d.Reasoning == "" {
		return out
	}
	p.answer.Content += d.Content
	p.answer.Reasoning += d.Reasoning
	return append(out, d)
}

// held is how many bytes at the end of the buffer may be the beginning of a mark.
func (p *AnswerParser) held(marks []string) int {
	most, s := 0, p.buf
	if p.whole {
		return 0
	}
	for _, m := range marks {
		for n := min(len(m)-1, len(s)); n > most; n-- {
			if strings.HasSuffix(s, m[:n]) {
				most = n
				break
			}
		}
	}
	return most
}
