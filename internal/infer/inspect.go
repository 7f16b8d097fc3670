package infer

import (
	"errors"
	"fmt"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/kvcache"
	"happyphonellm/internal/model"
	"happyphonellm/internal/tokenizer"
)

// ErrMemory is wrapped by the error for a session that this device cannot hold.
var ErrMemory = errors.New("not enough memory")

// Fit says whether a model and a session fit into this device's memory.
type Fit int

const (
	FitUnknown Fit = iota // the system does not tell
	FitYes                // weights and working memory fit into what is free now
	FitTight              // working memory fits, the weights would be read from disk again and again
	FitNo
)

// Need is what a session on a model takes, beside what the device has. Bytes; 0: unknown.
type Need struct {
	Context    int   // tokens of the session
	KVPerToken int64 // keys and values of one token; recurrent states are in Working alone
	Working    int64 // estimate of all memory beside the weights
	Device     int64 // memory of the device
	Available  int64 // of that, free now
	Fit        Fit
}

// memoryWithoutLimit bounds a session where the device's memory is unknown.
const memoryWithoutLimit = 64 << 30

// vocabularyBytes is about what the tokenizer keeps per token.
const vocabularyBytes = 32

// room completes the options by the defaults and computes what the session takes.
func room(m *model.Model, o SessionOptions, threads int) (SessionOptions, Need, error) {
	var n Need
	if o.Context < 0 || o.Batch < 0 {
		return o, n, fmt.Errorf("%w: context of %d tokens in batches of %d", ErrArgument, o.Context, o.Batch)
	}
	if _, ok := kvTypes[o.KV]; !ok {
		return o, n, fmt.Errorf("%w: KV type %d", ErrArgument, o.KV)
	}
	if o.Context == 0 {
		o.Context = defaultContext
		if m.Context > 0 {
			o.Context = min(o.Context, m.Context)
		}
		if m.Positions > 0 {
			o.Context = min(o.Context, m.Positions)
		}
	}
	if m.Positions > 0 && o.Context > m.Positions {
		return o, n, fmt.Errorf("%w: context of %d tokens, the model has no more than %d positions", ErrArgument, o.Context, m.Positions)
	}
	if o.Batch == 0 {
		o.Batch = m.Batch(min(defaultBatch, o.Context), threads, o.Context, kvTypes[o.KV])
	}
	o.Batch = min(o.Batch, o.Context)
	n.Context = o.Context
	for _, s := range m.CacheShape() {
		// Where a row cannot be kept as this type, kvcache.New says so.
		bytes, _ := s.TokenBytes(kvTypes[o.KV])
		n.KVPerToken += bytes
	}
	// In floats: a context may be absurd.
	working := float64(n.KVPerToken)*float64(o.Context) + float64(kvcache.StateBytes(m.CacheShape())) +
		float64(m.StateBytes(o.Batch, threads, o.Context, kvTypes[o.KV])) +
		float64(4+vocabularyBytes)*float64(m.Vocab)
	n.Device, n.Available = deviceMemory()
	limit := float64(memoryWithoutLimit)
	if n.Device > 0 {
		limit = float64(n.Device)
	}
	if working > limit {
		n.Fit = FitNo
		return o, n, fmt.Errorf("%w: a context of %d tokens takes %.1f GiB, there are %.1f", ErrMemory, o.Context, working/(1<<30), limit/(1<<30))
	}
	n.Working = int64(working)
	return o, n, nil
}

// judge compares with the size of the weights.
func (n *Need) judge(weights int64) {
	switch {
	case n.Fit == FitNo || n.Available == 0:
	case n.Working > n.Available:
		n.Fit = FitNo
	case weights > n.Available-n.Working:
		n.Fit = FitTight
	default:
		n.Fit = FitYes
	}
}

// Need tells what a session with these options would take.
func (e *Engine) Need(o SessionOptions) (Need, error) {
	_, n, err := room(e.model, o, e.team.Size())
	if errors.Is(err, ErrMemory) {
		err = nil
	}
	n.judge(e.details.Bytes)
	return n, err
}

// Inspect tells what a model file is without loading it: only its metadata are
// read. For a file that Load would refuse, the error is the same and the
// details are filled in as far as they are known.
func Inspect(path string, o SessionOptions) (Details, Need, error) {
	d := Details{Path: path, BOS: -1, EOS: -1, EOT: -1}
	f, err := gguf.Open(path)
	if err != nil {
		return d, Need{}, err
	}
	defer f.Close()
	var n Need
	err = f.Guard(func() error {
		d.readFile(f)
		m, err := model.Load(f)
		if err != nil {
			return err
		}
		d.readModel(m)
		t, err := tokenizer.New(f)
		switch {
		case err == nil:
			d.readVocabulary(t)
		case !errors.Is(err, tokenizer.ErrNoVocabulary):
			return err
		}
		_, n, err = room(m, o, DefaultThreads())
		if errors.Is(err, ErrMemory) {
			err = nil
		}
		n.judge(d.Bytes)
		return err
	})
	return d, n, err
}
