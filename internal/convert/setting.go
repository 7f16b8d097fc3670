package convert

import (
	"fmt"
	"strconv"
	"strings"

	"happyphonellm/internal/gguf"
)

// Setting gives a key of the file's metadata a value, which is text unless it begins
// with int:, float: or bool: (or str:, for text that would), as llama.cpp's
// --override-kv has it. A key that the conversion sets keeps its kind.
type Setting struct{ Key, Value string }

// set sets one.
func (s Setting) set(w *gguf.Writer) error {
	kind, text := gguf.Text, s.Value
	for prefix, k := range map[string]gguf.Kind{"int:": gguf.Int64, "float:": gguf.Float32, "bool:": gguf.Bool, "str:": gguf.Text} {
		if rest, ok := strings.CutPrefix(s.Value, prefix); ok {
			kind, text = k, rest
		}
	}
	if known, ok := w.Kind(s.Key); ok {
		kind = known
	}
	wrong := func() error { return fmt.Errorf("metadata %s=%s: %q is no %s", s.Key, s.Value, text, kind) }
	signed := func(bits int) (int64, error) { return strconv.ParseInt(text, 10, bits) }
	unsigned := func(bits int) (uint64, error) { return strconv.ParseUint(text, 10, bits) }
	var err error
	var i int64
	var u uint64
	var f float64
	switch kind {
	case gguf.Text:
		w.SetText(s.Key, text)
	case gguf.Bool:
		var b bool
		if b, err = strconv.ParseBool(text); err == nil {
			w.SetBool(s.Key, b)
		}
	case gguf.Float32:
		if f, err = strconv.ParseFloat(text, 32); err == nil {
			w.SetFloat32(s.Key, float32(f))
		}
	case gguf.Uint32:
		if u, err = unsigned(32); err == nil {
			w.SetUint32(s.Key, uint32(u))
		}
	case gguf.Int32:
		if i, err = signed(32); err == nil {
			w.SetInt32(s.Key, int32(i))
		}
	case gguf.Uint64:
		if u, err = unsigned(64); err == nil {
			w.SetUint64(s.Key, u)
		}
	case gguf.Int64:
		if i, err = signed(64); err == nil {
			gguf.SetNumber(w, s.Key, i)
		}
	default:
		return fmt.Errorf("metadata %s: a value of kind %s cannot be given in one word", s.Key, kind)
	}
	if err != nil {
		return wrong()
	}
	return nil
}
