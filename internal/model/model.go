// Package model holds the architectures: one file each, over shared blocks
// (attention, feed-forward, mixture of experts, ...).
//
// An architecture reads its hyper-parameters, binds its tensors by name with
// the expected shape, and lists its blocks in the order in which a token meets
// them. Running them is the same for all: see State.
//
// The package does not know text, sampling or sessions, and it does not own the
// file: a Model's weights are views into the mapping, valid until it is closed.
package model

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/kvcache"
)

// ErrUnsupported is wrapped by the errors about a file that is well formed but
// that this engine cannot run: an unknown architecture, a tensor type without
// kernels, a feature that is not there.
var ErrUnsupported = errors.New("not supported")

// ErrModel is wrapped by the errors about a file whose hyper-parameters or
// tensors do not fit together.
var ErrModel = errors.New("bad model")

// Model is a decoder: its hyper-parameters and its weights. It is immutable and
// may be used by any number of States at the same time.
type Model struct {
	Arch    string
	Context int // context length of the training, in tokens; 0: the file does not say
	Embd    int // width of the residual stream
	Layers  int
	Vocab   int // rows of token_embd

	// Positions is how many positions the model can have at most, as one that
	// has learned them; 0: no limit.
	Positions int

	embed  embedding
	blocks []block
	tail   int // blocks from here on see each token alone: they run for those whose logits are asked for
	head   head
	ropes  []*rope         // every distinct rotation, in the order of rope.id
	keeps  int             // blocks that keep the residual stream
	cache  []kvcache.Shape // what each layer keeps per token
	sizes  sizes
}

// block is one step of the forward pass.
type block interface {
	// size grows the scratch buffers to what the block needs, or says why it
	// cannot run.
	size(z *sizes)
	// run executes the block for the tokens of the pass, on every worker of the
	// team. It begins and ends with the residual stream complete for all workers.
	run(p *pass)
}

// architectures maps general.architecture to the function that builds it.
var architectures = map[string]func(*builder){}

// register adds an architecture; each file of this package calls it from init.
func register(name string, build func(*builder)) {
	if architectures[name] != nil {
		panic("model: architecture " + name + " registered twice")
	}
	architectures[name] = build
}

// Architectures lists the names that Load accepts, sorted.
func Architectures() []string {
	names := make([]string, 0, len(architectures))
	for n := range architectures {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Load binds the tensors of f, and what adapters add to them. The model refers to
// the files' mappings: they must stay open for as long as the model is used.
func Load(f *gguf.File, adapters ...Adapter) (*Model, error) {
	arch, err := f.Text("general.architecture")
	if err != nil {
		return nil, err
	}
	build := architectures[arch]
	if build == nil {
		if err := refusal(f.Path(), arch); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s: architecture %q: %w (known: %s)",
			f.Path(), arch, ErrUnsupported, strings.Join(Architectures(), ", "))
	}
	b := &builder{file: f, m: &Model{Arch: arch}}
	b.common()
	b.openAdapters(adapters)
	if b.err == nil {
		build(b)
	}
	b.closeAdapters()
	if b.err != nil {
		return nil, b.err
	}
	m := b.m
	m.embed.size(&m.sizes)
	for _, blk := range m.blocks {
		blk.size(&m.sizes)
	}
	if err := m.sizes.err; err != nil {
		return nil, fmt.Errorf("%s: %w: %w", f.Path(), ErrModel, err)
	}
	m.tail = m.findTail()
	return m, nil
}

// findTail is the first of the last blocks that are plain feed-forwards.
func (m *Model) findTail() int {
	i := len(m.blocks)
	for i > 0 && m.keeps == 0 {
		f, ok := m.blocks[i-1].(*feedForward)
		if !ok || f.from != nil || f.gate.switched != nil || f.up.switched != nil || f.down.switched != nil {
			break
		}
		i--
	}
	return i
}

// CacheShape tells what each layer keeps per token, for kvcache.New.
func (m *Model) CacheShape() []kvcache.Shape { return m.cache }
