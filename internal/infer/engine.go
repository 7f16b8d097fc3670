// Package infer is the engine that hosts use: it loads a model file, keeps
// sessions (contexts) on it, and generates text.
//
// It puts the other packages together and adds what concerns all of them:
// threads, stopping, statistics, prefix reuse. It knows neither C nor the
// command line.
package infer

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"happyphonellm/internal/chat"
	"happyphonellm/internal/gguf"
	"happyphonellm/internal/model"
	"happyphonellm/internal/parallel"
	"happyphonellm/internal/tokenizer"
)

var (
	// ErrStopped is returned by what Stop or a progress callback ended early.
	ErrStopped = parallel.ErrStopped
	// ErrClosed is returned for a closed engine or session.
	ErrClosed = errors.New("closed")
	// ErrBusy is returned for a session that another goroutine is using.
	ErrBusy = errors.New("session is in use")
	// ErrNoTokenizer is returned where text is asked of a file without a vocabulary.
	ErrNoTokenizer = errors.New("the model file has no usable vocabulary")
	// ErrTemplate is wrapped where the chat template does not accept a conversation.
	ErrTemplate = errors.New("the chat template does not accept this conversation")
	// ErrArgument is wrapped by errors about an argument out of range.
	ErrArgument = errors.New("bad argument")
)

// Level says how much a log message matters.
type Level int

const (
	Info Level = iota
	Warn
)

// Options are what Load can be told. The zero value is a good default.
type Options struct {
	// Threads is the number of workers, of which there are never more than the
	// process has cores: those would only be in each other's way. 0: as many as
	// the machine has fast cores.
	Threads int
	// Oversubscribe makes as many workers as Threads says, for tests on small machines.
	Oversubscribe bool
	// LoRA are adapters that are added to the model's matrices, in this order.
	LoRA []LoRA
	// Log receives messages for people, one line each; nil: none. It may be
	// called from the goroutine that calls the engine only.
	Log func(Level, string)
	// Progress is called with the part of the load that is done, 0 to 1; when it
	// returns false, Load gives up with ErrStopped. nil: none.
	Progress func(done float64) bool
}

// Engine is a loaded model with its team of workers. It may be used from many
// goroutines and have many sessions; their computations take turns.
type Engine struct {
	file     *gguf.File
	adapters []model.Adapter
	model    *model.Model
	tokens   *tokenizer.Tokenizer // nil: no vocabulary, for the reason noTokens
	noTokens error
	template *chat.Template // nil: no vocabulary
	team     *parallel.Team
	details  Details
	log      func(Level, string)
	loadTime time.Duration

	mu       sync.Mutex
	sessions map[*Session]struct{}
	closed   bool
}

// Load opens a GGUF file (the first of a split one) and makes it ready. The
// weights stay in the mapped file, which must not be changed while it is open.
func Load(path string, o Options) (*Engine, error) {
	begin := time.Now()
	if o.Threads < 0 || o.Threads > MaxThreads {
		return nil, fmt.Errorf("%w: %d threads, want 1 to %d, or 0 for the default", ErrArgument, o.Threads, MaxThreads)
	}
	e := &Engine{log: o.Log, sessions: map[*Session]struct{}{}}
	if e.log == nil {
		e.log = func(Level, string) {}
	}
	steps := []func(path string) error{e.open, func(string) error { return e.openAdapters(o.LoRA) }, e.bind, e.readVocabulary, e.readTemplate}
	for i, step := range steps {
		err := error(ErrStopped)
		if o.Progress == nil || o.Progress(float64(i)/float64(len(steps))) {
			err = step(path)
		}
		if err != nil {
			e.closeFiles()
			return nil, err
		}
	}
	n := o.Threads
	if n == 0 {
		n = DefaultThreads()
	}
	if n > cores && !o.Oversubscribe {
		e.log(Info, fmt.Sprintf("%d threads are asked for, there are %d cores: so many are used", n, cores))
		n = cores
	}
	// With every P busy computing, a call from C would wait milliseconds for one.
	if runtime.GOMAXPROCS(0) < n+2 {
		runtime.GOMAXPROCS(n + 2)
	}
	e.team = parallel.New(n)
	e.loadTime = time.Since(begin)
	if o.Progress != nil {
		o.Progress(1)
	}
	return e, nil
}

func (e *Engine) open(path string) (err error) {
	if e.file, err = gguf.Open(path); err != nil {
		return err
	}
	// A model that memory cannot hold is read as it is used.
	total, available := deviceMemory()
	if available == 0 {
		available = total / 2
	}
	if e.file.Size() < available {
		e.file.ReadAhead()
	}
	return nil
}

func (e *Engine) bind(string) error {
	return e.file.Guard(func() (err error) {
		e.model, err = model.Load(e.file, e.adapters...)
		if err == nil {
			e.details = Details{BOS: -1, EOS: -1, EOT: -1}
			e.details.readFile(e.file)
			e.details.readModel(e.model)
		}
		return err
	})
}

func (e *Engine) readVocabulary(string) error {
	err := e.file.Guard(func() (err error) {
		e.tokens, err = tokenizer.New(e.file)
		return err
	})
	if errors.Is(err, tokenizer.ErrNoVocabulary) {
		e.tokens, e.noTokens = nil, err
		e.log(Warn, err.Error()+": token ids only")
		return nil
	}
	if err != nil {
		return err
	}
	e.details.readVocabulary(e.tokens)
	for _, w := range e.tokens.Warnings() {
		e.log(Warn, e.file.Path()+": "+w)
	}
	if n := e.tokens.Size(); n > e.model.Vocab {
		return fmt.Errorf("%s: %w: the vocabulary has %d tokens, token_embd.weight has rows for %d", e.file.Path(), model.ErrModel, n, e.model.Vocab)
	}
	return nil
}

// Close frees the engine and all of its sessions. It waits for computations in
// progress, which it stops. Closing twice is harmless.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	open := make([]*Session, 0, len(e.sessions))
	for s := range e.sessions {
		open = append(open, s)
	}
	e.mu.Unlock()
	for _, s := range open {
		s.Close()
	}
	e.team.Close()
	return e.closeFiles()
}

// Tokenizer is the model's vocabulary; nil if the file has none that is usable.
// It reads the mapped file: use Tokenize where the file may change under it.
func (e *Engine) Tokenizer() *tokenizer.Tokenizer { return e.tokens }

// Threads is the number of workers.
func (e *Engine) Threads() int { return e.team.Size() }

// LoadTime is how long Load took.
func (e *Engine) LoadTime() time.Duration { return e.loadTime }

// Tokenize turns text into token ids.
func (e *Engine) Tokenize(text string, o tokenizer.Options) (ids []int32, err error) {
	if e.tokens == nil {
		return nil, e.NoTokenizer()
	}
	err = e.file.Guard(func() error {
		ids = e.tokens.Encode(text, o)
		return nil
	})
	return ids, err
}

// Detokenize turns token ids into text, control tokens included if special is set.
func (e *Engine) Detokenize(ids []int32, special bool) (text string, err error) {
	if e.tokens == nil {
		return "", e.NoTokenizer()
	}
	for i, id := range ids {
		if id < 0 || int(id) >= e.tokens.Size() {
			return "", fmt.Errorf("%w: token %d at index %d is outside of the vocabulary of %d", ErrArgument, id, i, e.tokens.Size())
		}
	}
	err = e.file.Guard(func() error {
		text = e.tokens.Decode(ids, special)
		return nil
	})
	return text, err
}

// NoTokenizer says why the model takes token ids only; nil if it takes text.
func (e *Engine) NoTokenizer() error {
	if e.tokens != nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrNoTokenizer, e.noTokens)
}

// asFault names the file in an error that a fault on its mapping caused.
func (e *Engine) asFault(err error) error {
	var p *parallel.PanicError
	if errors.As(err, &p) {
		if fault := e.file.FaultError(p.Value); fault != nil {
			return fault
		}
		for _, a := range e.adapters {
			if fault := a.File.FaultError(p.Value); fault != nil {
				return fault
			}
		}
	}
	return err
}
