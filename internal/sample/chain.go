package sample

import (
	"fmt"
	"math"
	"math/rand/v2"

	"happyphonellm/internal/tokenizer"
)

// Chain is the sampler of one session: settings, random state and the memory
// of recent tokens. It is not safe for concurrent use.
type Chain struct {
	vocab     int
	tokenizer *tokenizer.Tokenizer
	bias      []Bias
	stages    []func(*set)
	greedy    bool // pick the largest logit
	seed      uint32
	set       set

	// Parts with a memory; nil where off.
	penalties *penalties
	dry       *dry
	xtc       *rng
	// What picks: one of these, else draw with rng.
	mirostat *mirostat
	adaptive *adaptive
	rng      rng
}

// New makes a chain for rows of vocab logits. t may be nil: then DRY has no
// sequence breakers, and no token is suppressed. Memory: up to 16 bytes a token of the vocabulary where no
// top-k comes first, 4 more each for penalties and DRY.
func New(p Params, t *tokenizer.Tokenizer, vocab int) (*Chain, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if vocab <= 0 {
		return nil, fmt.Errorf("sample: a vocabulary of %d tokens", vocab)
	}
	for _, b := range p.LogitBias {
		if int(b.ID) >= vocab {
			return nil, fmt.Errorf("sample: logit bias for token %d: the vocabulary has %d", b.ID, vocab)
		}
	}
	c := &Chain{vocab: vocab, tokenizer: t, bias: append([]Bias(nil), p.LogitBias...), seed: p.Seed}
	if t != nil {
		for _, id := range t.Suppressed() {
			if int(id) < vocab {
				c.bias = append(c.bias, Bias{id, float32(math.Inf(-1))})
			}
		}
	}
	if c.seed == RandomSeed {
		c.seed = randomSeed()
	}
	if p.Mirostat > 0 {
		t := p.Temperature
		c.stages = append(c.stages, func(s *set) { temperature(s, t) })
		c.mirostat = newMirostat(&p)
	} else {
		c.build(&p)
	}
	c.Reset()
	return c, nil
}

// build fills in the stages. Where the temperature is 0 and nothing can drop
// the most probable token, stages that only truncate are left out: the answer
// is the same.
func (c *Chain) build(p *Params) {
	names := p.Samplers
	if names == nil {
		names = DefaultSamplers()
	}
	var reweighting []func(*set)
	zero, safe, truncated := false, true, false
	for _, name := range names {
		st := stageByName(name)
		apply := st.build(c, p)
		if apply == nil {
			continue
		}
		c.stages = append(c.stages, apply)
		switch st.kind {
		case truncates:
			truncated = true
			zero = zero || name == "temperature" && p.Temperature == 0 && p.DynatempRange == 0
		case reweights:
			reweighting = append(reweighting, apply)
			safe = safe && !truncated // else it may raise a token already dropped
		case dethrones:
			safe = false
		}
	}
	if zero && safe && c.adaptive == nil {
		c.stages, c.greedy = reweighting, true
	}
}

// Sample picks a token from a row of vocab logits, which it may overwrite. It
// does not remember the token: see [Chain.Accept]. NaN counts as -Inf; where no
// logit is finite, the first of the largest is picked, or token 0. It allocates
// nothing once its buffers have grown.
func (c *Chain) Sample(logits []float32) int32 {
	s := &c.set
	s.reset(logits)
	addBias(s, c.bias)
	for _, apply := range c.stages {
		apply(s)
	}
	switch {
	case c.greedy:
		return s.argmax()
	case c.mirostat != nil:
		return c.mirostat.pick(s)
	case c.adaptive != nil:
		return c.adaptive.pick(s)
	}
	return draw(s, &c.rng)
}

// Accept tells the chain that a token joined the text, for the penalties; the
// tokens of the prompt count too. Ids outside the vocabulary are ignored.
func (c *Chain) Accept(id int32) {
	if id < 0 || int(id) >= c.vocab {
		return
	}
	if c.penalties != nil {
		c.penalties.accept(id)
	}
	if c.dry != nil {
		c.dry.accept(id)
	}
	if c.adaptive != nil {
		c.adaptive.accept(id)
	}
}

// Reset forgets the text and starts the seed's draws again.
func (c *Chain) Reset() {
	if c.penalties != nil {
		c.penalties.reset()
	}
	if c.dry != nil {
		c.dry.reset()
	}
	if c.xtc != nil {
		c.xtc.seed(c.seed)
	}
	if c.mirostat != nil {
		c.mirostat.reset(c.seed)
	}
	if c.adaptive != nil {
		c.adaptive.reset(c.seed)
	}
	c.rng.seed(c.seed)
}

// Seed is the seed in use, also where [RandomSeed] was asked for.
func (c *Chain) Seed() uint32 { return c.seed }

func randomSeed() uint32 {
	for {
		if seed := rand.Uint32(); seed != RandomSeed {
			return seed
		}
	}
}
