package infer

import (
	"bytes"
	"strings"

	"happyphonellm/internal/tokenizer"
)

// textBlock is how much text is kept in one piece of memory: the texts of events
// share it, so that a token costs no allocation of its own.
const textBlock = 64 << 10

// output turns the tokens of an answer into the texts of its events: whole code
// points, and nothing of a stop string.
type output struct {
	decoder *tokenizer.Decoder // nil: no vocabulary
	stops   [][]byte
	held    []byte          // text that may be the beginning of a stop string
	shown   strings.Builder // text of past events
}

// begin forgets the answer before. stops are the texts that end this one, shown the
// control tokens that are text in it.
func (o *output) begin(t *tokenizer.Tokenizer, stops []string, shown []int32) {
	o.decoder = nil
	if t != nil {
		o.decoder = t.NewDecoder()
		o.decoder.Show(shown)
	}
	o.stops, o.held = nil, o.held[:0]
	for _, s := range stops {
		if s != "" {
			o.stops = append(o.stops, []byte(s))
		}
	}
}

// push adds a token and returns the text that can be shown with it. stopped: a
// stop string is complete, and the text is what comes before it.
func (o *output) push(id int32) (text string, stopped bool) {
	if o.decoder == nil {
		return "", false
	}
	o.held = o.decoder.Append(o.held, id)
	show, stopped := o.beforeStop()
	if !stopped {
		show -= o.maybeStop()
	}
	text = o.keep(o.held[:show])
	o.held = append(o.held[:0], o.held[show:]...)
	return text, stopped
}

// flush returns what is still held back when the answer ends.
func (o *output) flush() string {
	if o.decoder == nil {
		return ""
	}
	o.held = append(o.held, o.decoder.Flush()...)
	show, _ := o.beforeStop()
	text := o.keep(o.held[:show])
	o.held = o.held[:0]
	return text
}

// beforeStop is the length of the held text before the first stop string in it;
// without one, of all.
func (o *output) beforeStop() (n int, stopped bool) {
	n = len(o.held)
	for _, s := range o.stops {
		if i := bytes.Index(o.held, s); i >= 0 {
			n, stopped = min(n, i), true
		}
	}
	return n, stopped
}

// maybeStop is the length of the longest end of the held text that begins a stop string.
func (o *output) maybeStop() int {
	longest := 0
	for _, s := range o.stops {
		for n := min(len(s)-1, len(o.held)); n > longest; n-- {
			if bytes.HasSuffix(o.held, s[:n]) {
				longest = n
			}
		}
	}
	return longest
}

// keep copies text to memory that lasts.
func (o *output) keep(text []byte) string {
	if len(text) > o.shown.Cap()-o.shown.Len() {
		o.shown = strings.Builder{}
		o.shown.Grow(max(len(text), textBlock))
	}
	from := o.shown.Len()
	o.shown.Write(text)
	return o.shown.String()[from:]
}
