package infer

import (
	"fmt"
	"sync"
	"sync/atomic"

	"happyphonellm/internal/kvcache"
	"happyphonellm/internal/model"
	"happyphonellm/internal/quant"
)

// ErrContextFull is wrapped by the error for tokens that do not fit in the context.
var ErrContextFull = kvcache.ErrFull

// SessionOptions are what NewSession can be told. The zero value is a good default.
type SessionOptions struct {
	// Context is the number of tokens that the session can hold; 0: that of the
	// training, but at most 4096.
	Context int
	// KV is how keys and values are kept.
	KV KVType
	// Batch is the number of prompt tokens that are computed at once; 0: 512.
	// Results do not depend on it.
	Batch int
}

// KVType is how a session keeps keys and values.
type KVType int

const (
	KVF16 KVType = iota // the default
	KVF32
	KVQ8_0
)

var kvTypes = map[KVType]quant.Type{KVF16: quant.F16, KVF32: quant.F32, KVQ8_0: quant.Q8_0}

// ParseKV reads the name of a KVType: f16, f32 or q8_0.
func ParseKV(name string) (KVType, error) {
	for k, t := range kvTypes {
		if p, err := quant.ParseType(name); err == nil && p == t {
			return k, nil
		}
	}
	return 0, fmt.Errorf("%w: KV type %q, want f16, f32 or q8_0", ErrArgument, name)
}

const (
	defaultContext = 4096
	defaultBatch   = 512
)

// Session is one context on an engine: the tokens it has seen and what the model
// keeps of them. It is used by one goroutine at a time, but for Stop and Close,
// which any may call.
type Session struct {
	engine *Engine
	cache  *kvcache.Cache
	state  *model.State

	busy   sync.Mutex // held while the session computes
	stop   atomic.Bool
	closed bool

	tokens []int32   // what the cache holds, capacity Context; it may hold less: see catchUp
	mark   int       // where eval makes a checkpoint of the cache; 0: nowhere
	logits []float32 // [vocab] of the last token, if valid
	valid  bool
	many   []float32 // room for EvalEach

	answer answer
	stats  Stats
}

// NewSession makes an empty session.
func (e *Engine) NewSession(o SessionOptions) (*Session, error) {
	o, _, err := room(e.model, o, e.team.Size())
	if err != nil {
		return nil, err
	}
	if train := e.model.Context; train > 0 && o.Context > train {
		e.log(Warn, fmt.Sprintf("%s: the model was trained on %d tokens of context, %d are asked for", e.file.Path(), train, o.Context))
	}
	cache, err := kvcache.New(kvTypes[o.KV], o.Context, e.model.CacheShape())
	if err != nil {
		return nil, err
	}
	s := &Session{
		engine: e, cache: cache,
		state:  e.model.NewState(o.Batch, e.team.Size()),
		tokens: make([]int32, 0, o.Context),
		logits: make([]float32, e.model.Vocab),
	}
	s.answer.next = s.next
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, ErrClosed
	}
	e.sessions[s] = struct{}{}
	return s, nil
}

// Close stops what the session is doing, waits for that, and frees it. Closing
// twice is harmless.
func (s *Session) Close() {
	s.stop.Store(true)
	s.busy.Lock()
	defer s.busy.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	s.cache, s.state, s.logits, s.many = nil, nil, nil, nil
	s.engine.mu.Lock()
	delete(s.engine.sessions, s)
	s.engine.mu.Unlock()
}

// Stop ends the computation in progress, or else the next Next, within
// milliseconds. It may be called from any goroutine and does not wait. The
// session stays usable: whatever is computed again afterwards has the same bits.
func (s *Session) Stop() { s.stop.Store(true) }

// begin takes the session for one call.
func (s *Session) begin() error {
	if !s.busy.TryLock() {
		return ErrBusy
	}
	if s.closed {
		s.busy.Unlock()
		return ErrClosed
	}
	return nil
}

func (s *Session) end() { s.busy.Unlock() }

// Len is the number of tokens in the context.
func (s *Session) Len() int { return len(s.tokens) }

// Context is the number of tokens that fit.
func (s *Session) Context() int { return cap(s.tokens) }

// KVBytes is the size of the session's cache when full: keys and values, and the
// states of recurrent layers with their checkpoints.
func (s *Session) KVBytes() int64 { return s.cache.Bytes() }

// Tokens is a copy of the tokens in the context.
func (s *Session) Tokens() []int32 { return append([]int32(nil), s.tokens...) }

// Truncate forgets the tokens from position n on. It returns at once. On a model
// with recurrent layers, whose state cannot go back to any position, the session
// goes back to the last checkpoint before n, and what is missing up to n, up to
// a few hundred tokens in the common case and n at worst, is computed again by
// the next call that computes. The results are the same either way.
func (s *Session) Truncate(n int) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.end()
	if n < 0 || n > len(s.tokens) {
		return fmt.Errorf("%w: truncate to %d of %d tokens", ErrArgument, n, len(s.tokens))
	}
	return s.truncate(n)
}

// Reset forgets all tokens.
func (s *Session) Reset() error { return s.Truncate(0) }

func (s *Session) truncate(n int) error {
	if n < len(s.tokens) {
		s.valid = false
	}
	if err := s.cache.Truncate(min(n, s.cache.Len())); err != nil {
		return err
	}
	s.tokens = s.tokens[:n]
	return nil
}

// behind is how many of the tokens the cache does not hold.
func (s *Session) behind() int { return len(s.tokens) - s.cache.Len() }

// catchUp computes the tokens again that the cache lost to a Truncate.
func (s *Session) catchUp() error {
	for s.behind() > 0 {
		ids := s.tokens[s.cache.Len():]
		ids = ids[:min(len(ids), s.state.Batch())]
		if err := s.state.Forward(s.engine.team, &s.stop, s.cache, ids, nil); err != nil {
			return s.engine.asFault(err)
		}
	}
	return nil
}

// Eval appends ids to the context; the last one's Logits are then valid. When it
// is stopped or fails, the context holds the batches that were done. Without ids
// it computes what a Truncate has left to be computed again.
func (s *Session) Eval(ids []int32) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.end()
	s.stop.Store(false)
	s.answer.reset()
	return s.eval(ids, nil)
}

// Logits are those of the last token in the context, [vocab]; nil if that has
// not been computed. They are valid until the session is used again.
func (s *Session) Logits() []float32 {
	if !s.valid {
		return nil
	}
	return s.logits
}

// eval appends ids in batches; done, which may be nil, is called after each.
func (s *Session) eval(ids []int32, done func()) error {
	if err := s.cache.Reserve(s.behind() + len(ids)); err != nil {
		return err
	}
	if err := s.catchUp(); err != nil {
		return err
	}
	for len(ids) > 0 {
		n := min(len(ids), s.state.Batch())
		if left := s.mark - len(s.tokens); left > 0 {
			n = min(n, left)
		}
		var logits []float32
		if n == len(ids) {
			logits = s.logits
		}
		if err := s.forward(ids[:n], logits); err != nil {
			return err
		}
		if len(s.tokens) == s.mark {
			s.cache.Checkpoint()
		}
		ids = ids[n:]
		if done != nil {
			done()
		}
	}
	return nil
}

// forward computes one batch and appends it to the context.
func (s *Session) forward(ids []int32, logits []float32) error {
	s.valid = false
	if err := s.catchUp(); err != nil {
		return err
	}
	if err := s.state.Forward(s.engine.team, &s.stop, s.cache, ids, logits); err != nil {
		return s.engine.asFault(err)
	}
	s.tokens = append(s.tokens, ids...)
	s.valid = logits != nil
	return nil
}

// logitRows is how many positions' logits EvalEach computes at once.
const logitRows = 16

// EvalEach is Eval with the logits of every position: each is called with the
// index of the id and its logits, [vocab], which it may keep only until it
// returns. Its error ends the evaluation and is returned.
func (s *Session) EvalEach(ids []int32, each func(i int, logits []float32) error) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.end()
	s.stop.Store(false)
	s.answer.reset()
	if err := s.cache.Reserve(s.behind() + len(ids)); err != nil {
		return err
	}
	vocab := s.engine.model.Vocab
	if s.many == nil {
		s.many = make([]float32, logitRows*vocab)
	}
	for done := 0; done < len(ids); {
		n := min(len(ids)-done, s.state.Batch())
		if err := s.forward(ids[done:done+n], nil); err != nil {
			return err
		}
		for from := 0; from < n; from += logitRows {
			to := min(n, from+logitRows)
			if err := s.state.Logits(s.engine.team, &s.stop, from, to, s.many); err != nil {
				return s.engine.asFault(err)
			}
			for i := from; i < to; i++ {
				if err := each(done+i, s.many[(i-from)*vocab:(i-from+1)*vocab]); err != nil {
					return err
				}
			}
		}
		done += n
	}
	return nil
}
