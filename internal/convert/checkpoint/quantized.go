package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"
)

// Checkpoints that were quantized have, in place of a tensor, several with its
// name and an ending: small integers, scales, and what else the method needs.
// unquantize replaces them by one tensor that is computed when it is read.

// methods are the ways of quantizing that are understood, by config.json's
// quantization_config.quant_method.
var methods = map[string]func(q *quantized) error{
	"awq":                (*quantized).awq,
	"auto-round":         (*quantized).autoRound,
	"bitnet":             (*quantized).bitnet,
	"bitsandbytes":       (*quantized).bitsandbytes,
	"compressed-tensors": (*quantized).compressedTensors,
	"fbgemm_fp8":         (*quantized).scales,
	"fp8":                (*quantized).scales,
	"gptq":               (*quantized).gptq,
	"modelopt":           (*quantized).modelopt,
	"mxfp8":              (*quantized).scales,

	// Blocks of 4 bits are a type of GGUF: the adapter copies them as they are.
	"mxfp4": func(*quantized) error { return nil },
}

// quantized is what the methods work with.
type quantized struct {
	*Folder
	config *Object // of the method; nil where the tensors' names alone told of it
	plain  Type    // what computed tensors stand for
}

// unquantize finds out how the checkpoint is quantized, if it is, and makes the tensors plain.
func (f *Folder) unquantize() error {
	config, err := f.optional("config.json")
	if err != nil {
		return err
	}
	method, settings, err := f.method(config)
	if method == "" || err != nil {
		return err
	}
	q := &quantized{f, settings, BF16}
	for _, o := range []*Object{config, config.Object("text_config")} {
		for _, key := range []string{"torch_dtype", "dtype"} {
			switch name, _ := o.Text(key); name {
			case "float32":
				q.plain = F32
			case "float16":
				q.plain = F16
			case "bfloat16":
				q.plain = BF16
			}
		}
	}
	run := methods[method]
	if run == nil {
		return fmt.Errorf("%s: the model is quantized by %q, which cannot be undone here: take the model that it was made of", f.dir, method)
	}
	if err := run(q); err != nil {
		return err
	}
	f.tensors = slices.Collect(maps.Values(f.byName))
	return nil
}

// optional is a JSON object of the folder; nil if the file is not there.
func (f *Folder) optional(name string) (*Object, error) {
	o, err := f.ReadObject(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return o, err
}

// method finds the name of the method and its settings: in config.json, in files
// of their own, as older programs wrote them, or by names that tensors have.
func (f *Folder) method(config *Object) (string, *Object, error) {
	for _, o := range []*Object{config, config.Object("text_config")} {
		for _, key := range []string{"quantization_config", "compression_config"} {
			settings := o.Object(key)
			if settings == nil {
				continue
			}
			method, ok := settings.Text("quant_method")
			if !ok && settings.Has("load_in_4bit") {
				method, ok = "bitsandbytes", true
			}
			if !ok && key == "compression_config" {
				method, ok = "compressed-tensors", true
			}
			if !ok {
				return "", nil, fmt.Errorf(`%s: %s: "quant_method" is missing`, config.File(), key)
			}
			if strings.HasPrefix(method, "bitsandbytes") {
				method = "bitsandbytes"
			}
			return method, settings, nil
		}
	}
	for _, other := range []struct{ file, method string }{
		{"hf_quant_config.json", "modelopt"}, {"quantize_config.json", "gptq"}, {"quant_config.json", "awq"},
	} {
		settings, err := f.optional(other.file)
		if settings == nil && err == nil {
			continue
		}
		return other.method, settings, err
	}
	for _, t := range f.tensors {
		for _, sign := range []struct{ ending, method string }{
			{".qweight", "GPTQ or AWQ"}, {"_scale_inv", "fp8"}, {".SCB", "bitsandbytes"}, {".absmax", "bitsandbytes"},
			{".weight_packed", "compressed-tensors"}, {".q_weight", "EXL2"}, {".trellis", "EXL3"}, {".codebooks", "AQLM"},
			{".W_q", "HQQ"}, {".weight_scale", "a method with scales"},
		} {
			if strings.HasSuffix(t.Name, sign.ending) {
				if methods[sign.method] != nil {
					return sign.method, nil, nil
				}
				return "", nil, fmt.Errorf("%s: tensor %q looks like %s, but config.json has no quantization_config", t.File, t.Name, sign.method)
			}
		}
	}
	return "", nil, nil
}

// ending yields what comes before an ending in the names that have it, in order.
func (q *quantized) ending(ending string) []string {
	var bases []string
	for _, name := range slices.Sorted(maps.Keys(q.byName)) {
		if base, ok := strings.CutSuffix(name, ending); ok {
			bases = append(bases, base)
		}
	}
	return bases
}

// part is a tensor that another needs; one of the types if there are any.
func (q *quantized) part(name string, types ...Type) (*Tensor, error) {
	t := q.byName[name]
	if t == nil {
		return nil, fmt.Errorf("%s: tensor %q is missing: it belongs to one that is quantized", q.dir, name)
	}
	if len(types) > 0 && !slices.Contains(types, t.Type) {
		return nil, fmt.Errorf("%s: tensor %q is of type %s: want %v", t.File, name, t.Type, types)
	}
	return t, nil
}

// replace puts a computed tensor in the place of its parts.
func (q *quantized) replace(t *Tensor, parts ...*Tensor) error {
	for _, p := range parts {
		if p != nil {
			delete(q.byName, p.Name)
			t.parts += p.Bytes()
			t.File = p.File
		}
	}
	if old := q.byName[t.Name]; old != nil {
		return fmt.Errorf("%s: tensor %q is there as it is and quantized", old.File, t.Name)
	}
	n := 4 // bytes of a number
	for _, d := range t.Shape {
		if d > math.MaxInt/n {
			return t.wrong("shape %v is more than this machine can have", t.Shape)
		}
		n *= d
	}
	q.byName[t.Name] = t
	return nil
}

// drop takes away tensors that only say how activations are to be quantized.
func (q *quantized) drop(endings ...string) {
	for name := range q.byName {
		for _, ending := range endings {
			if strings.HasSuffix(name, ending) {
				delete(q.byName, name)
			}
		}
	}
}

// all reads a whole tensor of a bounded size.
func (t *Tensor) all() ([]float32, error) {
	x := make([]float32, t.Len())
	return x, t.Read(x, 0)
}

func (t *Tensor) wrong(format string, a ...any) error {
	return fmt.Errorf("%s: tensor %q: %s", t.File, t.Name, fmt.Sprintf(format, a...))
}
