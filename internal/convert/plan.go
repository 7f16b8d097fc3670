package convert

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/quant"
)

// Options say which types the tensors of a file get.
type Options struct {
	Mix         Mix
	Importance  *Importance // nil: none
	KeepOutput  *quant.Type // type of the output matrix (or of the embedding that serves as it); nil: by the mix
	TensorTypes []Override  // the first that matches counts
	Threads     int         // 0: all
}

// Tensor is a tensor of the file to be written.
type Tensor struct {
	Name        string
	Shape       []int      // ggml's order: the length of a row first; none for a single number
	From        string     // the type that the source has
	SourceBytes int64      // that the source takes
	Quantized   bool       // the source is in blocks already: what they lost stays lost
	To          quant.Type // in the file
	Bytes       int64      // in the file
	Note        string     // why not the type that the rules would give
	source      *source
	importance  []float32
}

// Copied reports whether the tensor's bytes stay as they are.
func (t *Tensor) Copied() bool { return t.source.raw != nil && t.To == t.source.native }

// Params is the number of elements.
func (t *Tensor) Params() int64 { return int64(t.cols()) * int64(t.rows()) }

func (t *Tensor) cols() int {
	if len(t.Shape) == 0 {
		return 1
	}
	return t.Shape[0]
}

func (t *Tensor) rows() int {
	n := 1
	for _, d := range t.Shape[min(1, len(t.Shape)):] {
		n *= d
	}
	return n
}

// Plan decides the type of every tensor of f, in f's order.
func Plan(f *gguf.File, o Options) ([]*Tensor, error) {
	plan := make([]*Tensor, 0, len(f.Tensors()))
	for _, t := range f.Tensors() {
		s := sourceOf(f, t)
		format, _ := t.Type.Format()
		plan = append(plan, &Tensor{
			Name: t.Name, Shape: t.Shape, From: s.typ, SourceBytes: s.bytes, Quantized: format.BlockElems > 1, To: t.Type, source: s,
		})
	}
	number := func(key string) int {
		if v, err := f.Uint(key); err == nil {
			return int(min(v, 1<<20))
		}
		if list, err := f.Array(key); err == nil && list.Kind().IsInteger() && list.Len() > 0 {
			return int(min(list.Uint(0), 1<<20))
		}
		return 0
	}
	_, own := f.Tensor("output.weight")
	s := shapeOf(f.Architecture(), own, number)
	if err := decide(plan, o, s, func(t *Tensor) bool { return kept(s.arch, t.Name, dims(t.Shape)) }); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path(), err)
	}
	return plan, nil
}

// decide gives every tensor of plan its type; those that stay have theirs already.
func decide(plan []*Tensor, o Options, s shape, stays func(t *Tensor) bool) error {
	if err := checkTypes(o); err != nil {
		return err
	}
	c := chooser{mix: o.Mix, shape: s, importance: o.Importance != nil, typeOverride: o.TensorTypes}
	if o.KeepOutput != nil {
		c.output, c.outputIsSet = *o.KeepOutput, true
	}
	for _, t := range plan {
		if kindOf(t.Name) == value {
			c.values++
		}
	}
	// The rules count layer by layer, whatever the order in the file.
	order := slices.Clone(plan)
	slices.SortStableFunc(order, func(a, b *Tensor) int {
		return cmp.Or(cmp.Compare(layerOf(a.Name), layerOf(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	for _, t := range order {
		if err := t.decide(&c, o.Importance, stays(t)); err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
	}
	return nil
}

func (t *Tensor) decide(c *chooser, im *Importance, stays bool) (err error) {
	if !stays {
		if t.To, t.Note, err = c.choose(t.Name, t.Shape); err != nil {
			return err
		}
	}
	to, ok := t.To.Format()
	if !ok {
		return fmt.Errorf("%s is not known", t.To)
	}
	row, ok := to.RowBytes(t.cols())
	if !ok {
		return fmt.Errorf("%d columns do not fit %s", t.cols(), to.Name)
	}
	t.Bytes = int64(row) * int64(t.rows())
	if t.Copied() {
		return nil
	}
	if t.source.read == nil {
		return fmt.Errorf("%s cannot be read", t.From)
	}
	experts := 1
	for _, d := range t.Shape[min(2, len(t.Shape)):] {
		experts *= d
	}
	v, err := im.of(t.Name, t.cols(), experts)
	if err != nil {
		return err
	}
	if v == nil && c.mix.is(quant.Q2_K, "s") && t.To == quant.Q2_K && kindOf(t.Name) != output && kindOf(t.Name) != embedding {
		return errors.New("Q2_K_S needs importances: give a file of `imatrix`, or take Q2_K")
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
		if o.Matches(name) {
			return o.Type, true
		}
	}
	return 0, false
}

// shapeOf reads what the rules need from the whole numbers of a file's metadata (0:
// not there); a file without such keys (no model, or one of an unknown kind) gets
// none of the extra bits.
func shapeOf(arch string, output bool, number func(key string) int) shape {
	s := shape{arch: arch, tied: !output, group: 1}
	s.layers, s.experts = number(arch+".block_count"), number(arch+".expert_count")
	if kv := number(arch + ".attention.head_count_kv"); kv > 0 {
		s.group = number(arch+".attention.head_count") / kv
	}
	return s
}
