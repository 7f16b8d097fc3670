package infer

import (
	"fmt"
	"math"

	"happyphonellm/internal/tokenizer"
)

// Perplexity is how surprised a model is by a text.
type Perplexity struct {
	Value   float64 // exp of the mean negative log-likelihood
	Error   float64 // standard error of Value
	Tokens  int     // tokens that were judged
	Windows int     // windows done
	Of      int     // windows in all
}

// Perplexity measures text in windows of context tokens, of which the second half
// is judged: the method of llama-perplexity, so that figures compare. each, which
// may be nil, is called after every window; its error ends the measurement.
func (s *Session) Perplexity(text string, window int, each func(Perplexity) error) (Perplexity, error) {
	var p Perplexity
	ids, err := s.engine.Tokenize(text, tokenizer.Options{AddSpecial: true})
	if err != nil {
		return p, err
	}
	if window < 4 || window > s.Context() {
		return p, fmt.Errorf("%w: windows of %d tokens, want 4 to %d", ErrArgument, window, s.Context())
	}
	p.Of = len(ids) / window
	if p.Of == 0 {
		return p, fmt.Errorf("%w: the text has %d tokens, want at least %d", ErrArgument, len(ids), window)
	}
	var sum, squares float64
	for ; p.Windows < p.Of; p.Windows++ {
		win := append([]int32(nil), ids[p.Windows*window:(p.Windows+1)*window]...)
		if t := s.engine.tokens; t.AddBOS() {
			win[0] = t.BOS()
		}
		if err := s.Reset(); err != nil {
			return p, err
		}
		half := window / 2
		if err := s.Eval(win[:half]); err != nil {
			return p, err
		}
		if err := s.EvalEach(win[half:window-1], func(i int, logits []float32) error {
			nll := -logProbability(logits, win[half+i+1])
			sum += nll
			squares += nll * nll
			p.Tokens++
			return nil
		}); err != nil {
			return p, err
		}
		n := float64(p.Tokens)
		mean := sum / n
		p.Value = math.Exp(mean)
		if v := squares/n - mean*mean; v > 0 && n > 1 {
			p.Error = p.Value * math.Sqrt(v/(n-1))
		}
		if each != nil {
			done := p
			done.Windows++
			if err := each(done); err != nil {
				return p, err
			}
		}
	}
	return p, nil
}

// logProbability is the natural logarithm of id's softmax.
func logProbability(logits []float32, id int32) float64 {
	top := logits[0]
	for _, v := range logits {
		top = max(top, v)
	}
	var sum float64
	for _, v := range logits {
		sum += math.Exp(float64(v - top))
	}
	return float64(logits[id]-top) - math.Log(sum)
}
