package infer

import (
	"errors"
	"fmt"
	"time"

	"happyphonellm/internal/chat"
	"happyphonellm/internal/sample"
)

// Finish says why an answer ended.
type Finish string

const (
	Running       Finish = ""        // it has not ended
	FinishStop    Finish = "stop"    // end of turn, or a stop string
	FinishLength  Finish = "length"  // MaxTokens
	FinishContext Finish = "context" // the context is full
	FinishStopped Finish = "stopped" // Stop; Next goes on
	FinishFailed  Finish = "error"   // of a Stream: its error says why
)

// Request asks for an answer.
type Request struct {
	Prompt    []int32 // all tokens of the context, from its beginning; not empty
	MaxTokens int     // of the answer; below 0: until the context is full
	Sampling  sample.Params
	Stop      []string // texts that end the answer; they are not part of it
	IgnoreEOS bool     // go on after end-of-turn tokens
	// Parts asks for reasoning and tool calls in fields of their own, as the model's
	// chat template marks them; nil: they are part of the text.
	Parts *Parts
	// Progress is called by Start's goroutine with the prompt tokens that are in
	// the context, of the prompt's; nil: none.
	Progress func(done, of int)
}

// Event is one step of an answer: a token, or its end.
type Event struct {
	// Text is what this step adds to the answer, valid UTF-8. It may be empty,
	// where a code point or what may become a stop string is not complete.
	Text string
	// Reasoning and Calls are what this step adds to them, if the request has Parts.
	// A call comes when it is complete.
	Reasoning string
	Calls     []chat.ToolCall
	ID        int32  // the token; -1 where there is none
	Finish    Finish // not Running: the answer has ended with this event
}

// answer is the state of generation between Next calls.
type answer struct {
	active  bool
	request Request
	chain   *sample.Chain
	pending int32    // sampled but not yet in the context; -1: none
	one     [1]int32 // room for pending as a batch
	count   int      // tokens sampled
	output  output
	parser  *chat.AnswerParser // nil: the request has no Parts
	began   time.Time
	event   Event
	next    func() error // the session's next, stored once
}

func (a *answer) reset() { a.active, a.pending = false, -1 }

// Start begins an answer. The part of the prompt that the context holds already
// is kept; the rest is computed before Start returns. When it is stopped or
// fails, the same request may be made again and goes on where this one ended.
func (s *Session) Start(r Request) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.end()
	s.stop.Store(false)
	return s.start(r)
}

// startUnlessStopped is Start, but a Stop from before counts.
func (s *Session) startUnlessStopped(r Request) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.end()
	return s.start(r)
}

func (s *Session) start(r Request) error {
	s.answer.reset()
	if len(r.Prompt) == 0 {
		return fmt.Errorf("%w: an empty prompt", ErrArgument)
	}
	if len(r.Prompt) > s.Context() {
		return fmt.Errorf("%w: the prompt has %d tokens, the context holds %d", ErrContextFull, len(r.Prompt), s.Context())
	}
	for i, id := range r.Prompt {
		if id < 0 || int(id) >= s.engine.model.Vocab {
			return fmt.Errorf("%w: token %d at index %d of the prompt is outside of the vocabulary of %d", ErrArgument, id, i, s.engine.model.Vocab)
		}
	}
	chain, err := sample.New(r.Sampling, s.engine.tokens, s.engine.model.Vocab)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrArgument, err)
	}
	began := time.Now()
	kept := min(commonPrefix(s.tokens, r.Prompt), len(r.Prompt)-1)
	if err := s.truncate(kept); err != nil {
		return err
	}
	kept = s.cache.Len() // a recurrent state may have gone back further
	s.tokens = s.tokens[:kept]
	s.mark = 0
	if s.cache.Recurrent() {
		s.mark = len(r.Prompt) - answerPrefix
	}
	s.stats = Stats{PromptTokens: len(r.Prompt), CachedTokens: kept}
	err = s.eval(r.Prompt[kept:], func() {
		if r.Progress != nil {
			r.Progress(len(s.tokens), len(r.Prompt))
		}
	})
	s.stats.promptTime, s.stats.computed = time.Since(began), len(s.tokens)-kept
	s.stats.sampleMemory()
	if err != nil {
		return err
	}
	for _, id := range r.Prompt {
		chain.Accept(id)
	}
	a := &s.answer
	a.active, a.request, a.chain, a.count, a.began = true, r, chain, 0, began
	return a.beginText(s.engine)
}

// answerPrefix is more than the tokens with which templates begin an answer. The
// next turn's prompt often has others there (an empty thought, say) and differs
// from this one from there on, so that a recurrent state is kept from before.
const answerPrefix = 16

func commonPrefix(a, b []int32) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// Next gives the next event of the answer that Start began. After an event with
// a Finish there is no more, but after FinishStopped the answer goes on.
func (s *Session) Next() (Event, error) {
	if err := s.begin(); err != nil {
		return Event{}, err
	}
	defer s.end()
	a := &s.answer
	if !a.active {
		return Event{}, fmt.Errorf("%w: Next without Start", ErrArgument)
	}
	began := time.Now()
	err := s.engine.file.Guard(a.next)
	s.stats.took(time.Since(began))
	if errors.Is(err, ErrStopped) {
		s.stop.Store(false)
		return Event{ID: -1, Finish: FinishStopped}, nil
	}
	if err != nil {
		a.active = false
		return Event{}, err
	}
	return a.event, nil
}

// next computes the answer's next event.
func (s *Session) next() error {
	a := &s.answer
	if s.stop.Load() {
		return ErrStopped
	}
	if a.pending >= 0 {
		if len(s.tokens) == s.Context() {
			a.finish(FinishContext)
			return nil
		}
		a.one[0] = a.pending
		if err := s.forward(a.one[:], s.logits); err != nil {
			return err
		}
		a.pending = -1
	}
	if a.request.MaxTokens >= 0 && a.count >= a.request.MaxTokens {
		a.finish(FinishLength)
		return nil
	}
	if !s.valid {
		return fmt.Errorf("%w: the context was changed since Start", ErrArgument)
	}
	// The chain may scramble the logits: they are not valid any more.
	s.valid = false
	id := a.chain.Sample(s.logits)
	a.chain.Accept(id)
	a.count++
	s.stats.generated(a.count, time.Since(a.began))
	if t := s.engine.tokens; t != nil && t.IsEOG(id) && !a.request.IgnoreEOS {
		a.finish(FinishStop)
		a.event.ID = id
		return nil
	}
	a.pending = id
	a.show(id)
	return nil
}

// show makes the event of a token that is part of the answer.
func (a *answer) show(id int32) {
	text, stopped := a.output.push(id)
	a.event = Event{ID: id, Text: text}
	if stopped {
		a.active = false
		a.event.Finish = FinishStop
	}
	a.parse()
}

// finish ends the answer with what text is still held back.
func (a *answer) finish(why Finish) {
	a.active = false
	a.event = Event{Text: a.output.flush(), ID: -1, Finish: why}
	a.parse()
}

// Generate is Start and Next until the end: each is called with every event. Its
// error ends the answer and is returned.
func (s *Session) Generate(r Request, each func(Event) error) (Finish, error) {
	if err := s.Start(r); err != nil {
		if errors.Is(err, ErrStopped) {
			return FinishStopped, each(Event{ID: -1, Finish: FinishStopped})
		}
		return Running, err
	}
	for {
		ev, err := s.Next()
		if err != nil {
			return Running, err
		}
		if err := each(ev); err != nil {
			return Running, err
		}
		if ev.Finish != Running {
			return ev.Finish, nil
		}
	}
}
