package convert

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"happyphonellm/internal/convert/checkpoint"
	"happyphonellm/internal/gguf"
	"happyphonellm/internal/quant"
)

// A LoRA adapter adds to some matrices of a model the product of two narrow ones:
// W + scale * B A. PEFT saves A and B under the names of the checkpoint's
// matrices; GGUF has them under those of its own, with the same rows and columns
// moved to the places where the model's converter puts them. Where that is, the
// model's own Adapter says: see lorafind.go.

// LoRAOptions say what an adapter becomes.
type LoRAOptions struct {
	Type     quant.Type // of its matrices: F32 (which is also what is not set), F16 or BF16
	Name     string     // general.name; "" for the adapter's own
	Metadata []Setting
	Threads  int // 0: as many as there are cores
}

// Check is an error if no adapter can be written with these options.
func (o LoRAOptions) Check() error {
	if !isFloat(o.Type) {
		return fmt.Errorf("an adapter cannot be written in %s: want F32, F16 or BF16", o.Type)
	}
	return nil
}

// LoRA is an adapter on its way to a file. It is for one goroutine.
type LoRA struct {
	folder *checkpoint.Folder
	w      *gguf.Writer
	arch   string
	plan   []*Tensor
	o      LoRAOptions
}

// OpenLoRA reads the adapter in folder dir and plans its file. base is the folder
// of the model that it belongs to, or its config.json: where the folder has the
// model's tensors, their names and shapes are looked at, too.
func OpenLoRA(dir, base string, o LoRAOptions) (*LoRA, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	folder, err := checkpoint.OpenAdapter(dir)
	if err != nil {
		return nil, err
	}
	l := &LoRA{folder: folder, w: gguf.NewWriter(), o: o}
	if err := l.prepare(base); err != nil {
		folder.Close()
		return nil, err
	}
	return l, nil
}

// Close closes the adapter's files.
func (l *LoRA) Close() error { return l.folder.Close() }

// Plan is every tensor of the file, in its order.
func (l *LoRA) Plan() []*Tensor { return l.plan }

// Architecture is general.architecture: that of the model.
func (l *LoRA) Architecture() string { return l.arch }

// Write writes the file at path as Conversion.Write does.
func (l *LoRA) Write(ctx context.Context, path string, progress Progress) error {
	if err := (&Conversion{folder: l.folder}).May(path); err != nil {
		return err
	}
	return write(ctx, l.w, l.plan, path, l.o.Threads, progress)
}

func (l *LoRA) prepare(base string) error {
	config, err := l.folder.ReadObject("adapter_config.json")
	if err != nil {
		return err
	}
	settings, err := loraSettingsOf(config)
	if err != nil {
		return err
	}
	pairs, err := loraPairs(l.folder, settings)
	if err != nil {
		return err
	}
	model, made, err := findLoRA(base, pairs, settings.alpha)
	if err != nil {
		return fmt.Errorf("%s: %w", l.folder.Dir(), err)
	}
	l.arch = model.arch
	l.w.SetText("general.architecture", l.arch)
	l.w.SetText("general.type", "adapter")
	l.w.SetText("adapter.type", "lora")
	l.w.SetFloat32("adapter.lora.alpha", float32(settings.alpha))
	if len(settings.invocation) > 0 {
		gguf.SetNumbers(l.w, "adapter.alora.invocation_tokens", settings.invocation)
	}
	self := &maker{folder: l.folder, w: l.w}
	for _, r := range made {
		self.outputs = append(self.outputs, result{r.name, &view{shape: r.shape}})
	}
	if err := self.general(); err != nil {
		return err
	}
	fileTypes := map[quant.Type]string{quant.F32: "F32", quant.F16: "F16", quant.BF16: "BF16"}
	mix, err := ParseMix(fileTypes[l.o.Type])
	if err != nil {
		return err
	}
	l.w.SetUint32("general.quantization_version", 2)
	l.w.SetUint32("general.file_type", mix.FileType)
	if l.o.Name != "" {
		l.w.SetText("general.name", l.o.Name)
	}
	for _, s := range l.o.Metadata {
		if err := s.set(l.w); err != nil {
			return err
		}
	}
	for _, r := range made {
		for _, part := range []result{{r.name + ".lora_a", r.a}, {r.name + ".lora_b", r.b}} {
			if part.view.err != nil {
				return fmt.Errorf("%s: %w", l.folder.Dir(), part.view.err)
			}
			shape := slices.Clone(part.view.shape)
			slices.Reverse(shape)
			s := part.view.source()
			t := &Tensor{Name: part.name, Shape: shape, From: s.typ, SourceBytes: s.bytes, source: s, To: l.o.Type}
			to, _ := t.To.Format()
			row, _ := to.RowBytes(t.cols()) // any length is a row of floats
			t.Bytes = int64(row) * int64(t.rows())
			l.plan = append(l.plan, t)
		}
	}
	return nil
}

// loraSettings are what adapter_config.json says of all matrices.
type loraSettings struct {
	alpha      float64
	alphas     []moduleAlpha // of modules with their own
	roots      bool          // the scale is alpha/sqrt(rank), not alpha/rank
	turned     bool          // matrices are saved [in, out]
	invocation []uint32      // tokens that switch the adapter on
}

type moduleAlpha struct {
	module *regexp.Regexp
	alpha  float64
}

// loraSettingsOf refuses what is more than LoRA.
func loraSettingsOf(o *checkpoint.Object) (*loraSettings, error) {
	fail := func(format string, a ...any) (*loraSettings, error) {
		return nil, fmt.Errorf("%s: %s", o.File(), fmt.Sprintf(format, a...))
	}
	if kind, ok := o.Text("peft_type"); ok && kind != "LORA" {
		return fail("peft_type %q: only LORA can be converted", kind)
	}
	for _, field := range []string{"use_dora", "lora_bias", "use_qalora", "use_bdlora"} {
		if on, _ := o.Bool(field); on {
			return fail("%s: only plain LoRA can be converted", field)
		}
	}
	for _, field := range []string{"layer_replication", "target_parameters", "trainable_token_indices"} {
		list, _ := o.List(field)
		if len(list) > 0 || o.Object(field) != nil {
			return fail("%s: only plain LoRA can be converted", field)
		}
	}
	if how, _ := o.Text("init_lora_weights"); strings.HasPrefix(how, "pissa") || how == "olora" || how == "corda" {
		return fail("init_lora_weights %q: the adapter belongs to weights that are not the model's; save it as plain LoRA", how)
	}
	s := &loraSettings{}
	var ok bool
	if s.alpha, ok = o.Float("lora_alpha"); !ok || !(s.alpha > 0) || s.alpha > 1e6 {
		return fail("lora_alpha is no number above 0")
	}
	s.roots, _ = o.Bool("use_rslora")
	s.turned, _ = o.Bool("fan_in_fan_out")
	if own := o.Object("alpha_pattern"); own != nil {
		for _, key := range own.Names() {
			alpha, ok := own.Float(key)
			module, err := regexp.Compile(`^(?:.*\.)?(?:` + key + `)$`)
			if err != nil || !ok || alpha < 0 || alpha > 1e6 {
				return fail("alpha_pattern: %q cannot be read", key)
			}
			s.alphas = append(s.alphas, moduleAlpha{module, alpha})
		}
	}
	if tokens, ok := o.Floats("alora_invocation_tokens"); ok {
		for _, t := range tokens {
			if t < 0 || t > math.MaxUint32 || t != math.Trunc(t) {
				return fail("alora_invocation_tokens: %g is no token", t)
			}
			s.invocation = append(s.invocation, uint32(t))
		}
	}
	return s, nil
}

// scale is what a module's product is multiplied with.
func (s *loraSettings) scale(module string, rank int) float64 {
	alpha := s.alpha
	for _, p := range s.alphas {
		if p.module.MatchString(module) {
			alpha = p.alpha
			break
		}
	}
	if s.roots {
		return alpha / math.Sqrt(float64(rank))
	}
	return alpha / float64(rank)
}

// loraPair is a matrix's two factors: left [rows, rank] times right [rank, cols]
// is to be added to the checkpoint's tensor of that name.
type loraPair struct {
	name        string
	left, right *view
	rank        int
	scale       float64
	shape       []int // of the checkpoint's tensor, as far as the factors tell
}

var (
	loraName      = regexp.MustCompile(`^(.+)\.lora_([AB])(?:\.[^.]+)?\.weight$`)
	loraEmbedding = regexp.MustCompile(`^(.+)\.lora_embedding_([AB])(?:\.[^.]+)?$`)
)

// loraPairs finds the factors among an adapter's tensors.
func loraPairs(folder *checkpoint.Folder, s *loraSettings) ([]*loraPair, error) {
	type halves struct{ a, b, table *checkpoint.Tensor }
	found := make(map[string]*halves)
	var order []string
	for _, t := range folder.Tensors() {
		name := strings.TrimPrefix(t.Name, "base_model.model.")
		table := false
		m := loraName.FindStringSubmatch(name)
		if m == nil {
			m, table = loraEmbedding.FindStringSubmatch(name), true
		}
		if m == nil {
			return nil, fmt.Errorf("%s: tensor %q is no part of a LoRA: tensors that were trained as a whole cannot be in an adapter's file", t.File, t.Name)
		}
		h := found[m[1]]
		if h == nil {
			h = &halves{}
			found[m[1]] = h
			order = append(order, m[1])
		}
		at := &h.a
		if m[2] == "B" {
			at = &h.b
		}
		if *at != nil {
			return nil, fmt.Errorf("%s: tensors %q and %q are the same part of one LoRA", t.File, (*at).Name, t.Name)
		}
		if *at = t; table {
			h.table = t
		}
	}
	if len(order) == 0 {
		return nil, fmt.Errorf("%s: the adapter has no tensors", folder.Dir())
	}
	var pairs []*loraPair
	for _, module := range order {
		h := found[module]
		if h.a == nil || h.b == nil {
			return nil, fmt.Errorf("%s: %q has only one of lora_A and lora_B", folder.Dir(), module)
		}
		a, b := whole(h.a), whole(h.b)
		if len(a.shape) != 2 || len(b.shape) != 2 || a.shape[0] != b.shape[1] {
			return nil, fmt.Errorf("%s: %q: lora_A has shape %v and lora_B %v: want [rank, in] and [out, rank]", h.a.File, module, a.shape, b.shape)
		}
		p := &loraPair{name: module + ".weight", left: b, right: a, rank: a.shape[0]}
		if p.scale = s.scale(module, p.rank); h.table != nil || s.turned {
			p.left, p.right = a.flipped(), b.flipped()
		}
		p.shape = []int{p.left.shape[0], p.right.shape[1]}
		pairs = append(pairs, p)
	}
	return pairs, nil
}

// openBase opens the folder that base names; nil where it has only the configuration.
func openBase(base string) (dir string, folder *checkpoint.Folder, err error) {
	if filepath.Base(base) == "config.json" {
		base = filepath.Dir(base)
	}
	folder, err = checkpoint.Open(base)
	if errors.Is(err, checkpoint.ErrNoTensors) {
		err = nil
	}
	return base, folder, err
}
