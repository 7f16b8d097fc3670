package jinja

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxJSONDepth bounds nested JSON input.
const maxJSONDepth = 500

// FromJSON reads one JSON text as Python's json.loads does: objects keep their order, numbers without a fraction
// or exponent are integers of any size.
func FromJSON(data []byte) (Value, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := readJSON(dec, 0)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("JSON at byte %d: %w", dec.InputOffset(), err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("JSON at byte %d: text after the value", dec.InputOffset())
	}
	return v, nil
}

func readJSON(dec *json.Decoder, depth int) (Value, error) {
	if depth > maxJSONDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", maxJSONDepth)
	}
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := tok.(type) {
	case json.Number:
		return jsonNumber(string(t))
	case json.Delim:
		if t == '[' {
			l := &List{}
			for dec.More() {
				item, err := readJSON(dec, depth+1)
				if err != nil {
					return nil, err
				}
				l.Items = append(l.Items, item)
			}
			_, err := dec.Token()
			return l, err
		}
		d := &Dict{}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			v, err := readJSON(dec, depth+1)
			if err != nil {
				return nil, err
			}
			d.Set(key.(string), v)
		}
		_, err := dec.Token()
		return d, err
	}
	return tok, nil // nil, bool, string
}

func jsonNumber(s string) (Value, error) {
	if strings.ContainsAny(s, ".eE") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil && !math.IsInf(f, 0) {
			return nil, err
		}
		return f, nil
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return i, nil
	}
	if len(s) > maxDigits {
		return nil, fmt.Errorf("an integer of more than %d digits", maxDigits)
	}
	i, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil, fmt.Errorf("%q is not a number", s)
	}
	return i, nil
}

// jsonWriter is json.dumps.
type jsonWriter struct {
	r          *runtime
	b          strings.Builder
	ascii      bool
	sort       bool
	indent     string
	lines      bool // indent was given
	comma, sep string
}

// toJSON is the tojson filter as transformers defines it.
func toJSON(r *runtime, v Value, a *args) Value {
	b := a.bind(r, "tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys")
	w := &jsonWriter{r: r, ascii: truth(or(b[0], false)), sort: truth(or(b[3], false)), comma: ", ", sep: ": "}
	switch indent := or(b[1], nil).(type) {
	case nil:
	case string:
		w.lines, w.indent = true, indent
	case Markup:
		w.lines, w.indent = true, string(indent)
	default:
		n := r.integer("tojson", indent)
		if n > 1000 {
			r.fail("LimitError", "tojson: an indent of %d", n)
		}
		w.lines, w.indent = true, strings.Repeat(" ", int(max(n, 0)))
	}
	if w.lines {
		w.comma = ","
	}
	if seps := or(b[2], nil); seps != nil {
		pair := r.collect(seps)
		if len(pair) != 2 {
			r.fail("ValueError", "tojson: separators must be a pair")
		}
		w.comma, w.sep = r.string("tojson", pair[0]), r.string("tojson", pair[1])
	}
	w.write(v, "\n")
	return r.str(w.b.String())
}

// write appends v; nl is a line break and the indentation around v.
func (w *jsonWriter) write(v Value, nl string) {
	w.r.enter()
	defer w.r.leave()
	w.r.step(1)
	if w.b.Len() > w.r.lim.Output {
		w.r.fail("LimitError", "tojson: more than %d bytes", w.r.lim.Output)
	}
	switch v := v.(type) {
	case nil:
		w.b.WriteString("null")
	case bool:
		w.b.WriteString(strconv.FormatBool(v))
	case int64:
		w.b.WriteString(strconv.FormatInt(v, 10))
	case *big.Int:
		w.b.WriteString(w.r.bigText(v))
	case float64:
		w.b.WriteString(jsonFloat(v))
	case string:
		w.quote(v)
	case Markup:
		w.quote(string(v))
	case *List:
		w.items(v.Items, nl)
	case *Tuple:
		w.items(v.Items, nl)
	case *Dict:
		w.dict(v, nl)
	default:
		w.r.fail("TypeError", "Object of type %s is not JSON serializable", typeName(v))
	}
}

func jsonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return floatRepr(f)
}

func (w *jsonWriter) items(items []Value, nl string) {
	if len(items) == 0 {
		w.b.WriteString("[]")
		return
	}
	in := nl + w.indent
	w.b.WriteByte('[')
	for i, item := range items {
		if i > 0 {
			w.b.WriteString(w.comma)
		}
		if w.lines {
			w.b.WriteString(in)
		}
		w.write(item, in)
	}
	if w.lines {
		w.b.WriteString(nl)
	}
	w.b.WriteByte(']')
}

func (w *jsonWriter) dict(d *Dict, nl string) {
	if d.Len() == 0 {
		w.b.WriteString("{}")
		return
	}
	order := make([]int, d.Len())
	for i := range order {
		order[i] = i
	}
	if w.sort {
		sort.SliceStable(order, func(a, b int) bool { return w.r.less("<", d.keys[order[a]], d.keys[order[b]]) })
	}
	in := nl + w.indent
	w.b.WriteByte('{')
	for i, k := range order {
		if i > 0 {
			w.b.WriteString(w.comma)
		}
		if w.lines {
			w.b.WriteString(in)
		}
		w.quote(w.key(d.keys[k]))
		w.b.WriteString(w.sep)
		w.write(d.vals[k], in)
	}
	if w.lines {
		w.b.WriteString(nl)
	}
	w.b.WriteByte('}')
}

func (w *jsonWriter) key(k Value) string {
	switch k := k.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(k)
	case float64:
		return jsonFloat(k)
	case int64, *big.Int, string, Markup:
		return w.r.toStr(k)
	}
	w.r.fail("TypeError", "keys must be str, int, float, bool or None, not %s", typeName(k))
	return ""
}

func (w *jsonWriter) quote(s string) {
	w.b.WriteByte('"')
	start := 0
	flush := func(i, n int, esc string) {
		w.b.WriteString(s[start:i])
		w.b.WriteString(esc)
		start = i + n
	}
	for i := 0; i < len(s); {
		c, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case c == '"' || c == '\\':
			flush(i, n, `\`+string(c))
		case c < 0x20:
			if k := strings.IndexRune("\b\f\n\r\t", c); k >= 0 {
				flush(i, n, `\`+"bfnrt"[k:k+1])
			} else {
				flush(i, n, fmt.Sprintf(`\u%04x`, c))
			}
		case w.ascii && c >= 0x10000:
			c -= 0x10000
			flush(i, n, fmt.Sprintf(`\u%04x\u%04x`, 0xd800+c>>10, 0xdc00+c&0x3ff))
		case w.ascii && c >= 0x7f:
			flush(i, n, fmt.Sprintf(`\u%04x`, c))
		}
		i += n
	}
	w.b.WriteString(s[start:])
	w.b.WriteByte('"')
}
