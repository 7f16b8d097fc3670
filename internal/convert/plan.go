package convert

import (
	"cmp"
	"fmt"
	"path"
	"slices"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/quant"
)

// Options of Plan and Quantize.
type Options struct {
	Mix         Mix
	Importance  *Importance // nil: none
	KeepOutput  *quant.Type // type of the output matrix (or of the embedding that serves as it); nil: by the mix
	TensorTypes []Override  // the first that matches counts
	Threads     int         // 0: all
}

// Tensor is what becomes of one tensor.
type Tensor struct {
	Source     *gguf.Tensor
	To         quant.Type
	Bytes      int64  // of the result
	Note       string // why not the type that the rules would give
	importance []float32
}

// Copied reports whether the tensor's bytes stay as they are.
func (t *Tensor) Copied() bool { return t.To == t.Source.Type }

// Plan decides the type of every tensor of f, in f's order.
func Plan(f *gguf.File, o Options) ([]*Tensor, error) {
	if err := checkTypes(o); err != nil {
		return nil, err
	}
	c := chooser{mix: o.Mix, importance: o.Importance != nil, typeOverride: o.TensorTypes}
	c.shape = shapeOf(f)
	if o.KeepOutput != nil {
		c.output, c.outputIsSet = *o.KeepOutput, true
	}
	plan := make([]*Tensor, 0, len(f.Tensors()))
	for _, t := range f.Tensors() {
		plan = append(plan, &Tensor{Source: t, To: t.Type})
		if kindOf(t.Name) == value {
			c.values++
		}
	}
	// The rules count layer by layer, whatever the order in the file.
	order := slices.Clone(plan)
	slices.SortStableFunc(order, func(a, b *Tensor) int {
		return cmp.Or(cmp.Compare(layerOf(a.Source.Name), layerOf(b.Source.Name)), cmp.Compare(a.Source.Name, b.Source.Name))
	})
	for _, t := range order {
		if err := t.decide(&c, o.Importance); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Path(), err)
		}
	}
	return plan, nil
}

func (t *Tensor) decide(c *chooser, im *Importance) error {
	src := t.Source
	if !kept(c.shape.arch, src.Name, dims(src.Shape)) {
		to, note, err := c.choose(src.Name, src.Shape)
		if err != nil {
			return err
		}
		t.To, t.Note = to, note
	}
	to, ok := t.To.Format()
	if !ok {
		return fmt.Errorf("tensor %q: %s is not known", src.Name, t.To)
	}
	row, ok := to.RowBytes(src.Cols())
	if !ok {
		return fmt.Errorf("tensor %q: %d columns do not fit %s", src.Name, src.Cols(), to.Name)
	}
	t.Bytes = int64(row) * int64(src.Rows())
	if t.Copied() {
		return nil
	}
	if from, ok := src.Type.Format(); !ok || from.Dequantize == nil {
		return fmt.Errorf("tensor %q: %s cannot be read", src.Name, src.Type)
	}
	experts := 1
	for _, d := range src.Shape[2:] {
		experts *= d
	}
	v, err := im.of(src.Name, src.Cols(), experts)
	if err != nil {
		return fmt.Errorf("tensor %q: %w", src.Name, err)
	}
	if v == nil && c.mix.is(quant.Q2_K, "s") && t.To == quant.Q2_K && kindOf(src.Name) != output && kindOf(src.Name) != embedding {
		return fmt.Errorf("tensor %q: Q2_K_S needs importances: give a file of `imatrix`, or take Q2_K", src.Name)
	}
	t.importance = v
	return nil
}

// ParseType finds a tensor type that can be written by its name, ignoring case.
func ParseType(name string) (quant.Type, error) {
	t, err := quant.ParseType(name)
	if err != nil {
		return 0, err
	}
	return t, writable(t)
}

func writable(t quant.Type) error {
	if f, ok := t.Format(); !ok || f.Quantize == nil {
		return fmt.Errorf("%s cannot be written", t)
	}
	return nil
}

// dims counts dimensions up to the last that is not 1.
func dims(shape []int) int {
	n := len(shape)
	for n > 1 && shape[n-1] == 1 {
		n--
	}
	return n
}

// checkTypes refuses types that cannot be written.
func checkTypes(o Options) error {
	if o.KeepOutput != nil {
		if err := writable(*o.KeepOutput); err != nil {
			return err
		}
	}
	for _, v := range o.TensorTypes {
		if err := writable(v.Type); err != nil {
			return err
		}
		if _, err := path.Match(v.Glob, ""); err != nil {
			return fmt.Errorf("pattern %q: %w", v.Glob, err)
		}
	}
	return writable(o.Mix.Type)
}

// match returns the type of the first pattern that fits. Patterns were checked.
func match(list []Override, name string) (quant.Type, bool) {
	for _, o := range list {
		if ok, err := path.Match(o.Glob, name); ok && err == nil {
			return o.Type, true
		}
	}
	return 0, false
}

// shapeOf reads what the rules need; a file without such keys (no model, or one of
// an unknown kind) gets none of the extra bits.
func shapeOf(f *gguf.File) shape {
	s := shape{arch: f.Architecture()}
	number := func(key string) int {
		key = s.arch + "." + key
		if v, err := f.Uint(key); err == nil {
			return int(min(v, 1<<20))
		}
		if list, err := f.Array(key); err == nil && list.Kind().IsInteger() && list.Len() > 0 {
			return int(min(list.Uint(0), 1<<20))
		}
		return 0
	}
	s.layers, s.experts = number("block_count"), number("expert_count")
	heads := number("attention.head_count")
	s.group = 1
	if kv := number("attention.head_count_kv"); kv > 0 {
		s.group = heads / kv
	}
	_, ok := f.Tensor("output.weight")
	s.tied = !ok
	return s
}
