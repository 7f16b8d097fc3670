package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"happyphonellm/internal/convert"
	"happyphonellm/internal/infer"
)

// verifyText is what a converted file is run on. Any plain text would do: the
// question is whether two files compute the same.
const verifyText = `When the last ferry had gone, the harbour master counted the boats again. There were
forty-one of them, and the book said forty-two. He lit his lamp, walked to the end of the mole, and
looked at the water for a long time. "If it is not here," he said to the dog, "then it is somewhere
else, and if it is somewhere else, somebody is in it." The dog, who had heard such reasoning before,
lay down on the warm stones. At 6:15 in the morning a fisherman from the island of Vis found the boat
12 miles to the south-west: two oars, a basket of lemons, and a letter in Italian that began with the
words "Cara Lucia, non aspettarmi." Nobody in the village could say who Lucia was.`

// verifyTokens is how many of its tokens are run, at most.
const verifyTokens = 160

// difference is how far the logits of two files are from each other.
type difference struct {
	tokens  int
	squares float64 // of the reference's logits, less their mean
	errors  float64 // of the differences, less their mean
	kl      float64 // sum over the positions, in nats
	same    int     // positions with the same likeliest token

	worst     float64 // NMSE of the worst position
	worstAt   int
	notFinite int // position of the first logit that is no number; -1: none
}

func (d *difference) nmse() float64 { return d.errors / max(d.squares, math.SmallestNonzeroFloat64) }

// add takes the logits of a position. A constant in all of them changes no
// probability, so it does not count.
func (d *difference) add(want, got []float32) {
	var wantMean, gotMean float64
	wantBest, gotBest := 0, 0
	for i, v := range want {
		wantMean += float64(v)
		gotMean += float64(got[i])
		if v > want[wantBest] {
			wantBest = i
		}
		if got[i] > got[gotBest] {
			gotBest = i
		}
	}
	n := float64(len(want))
	wantMean, gotMean = wantMean/n, gotMean/n
	var squares, errors, wantSum, gotSum float64
	for i, v := range want {
		x, y := float64(v)-wantMean, float64(got[i])-gotMean
		squares += x * x
		errors += (y - x) * (y - x)
		wantSum += math.Exp(float64(v - want[wantBest]))
		gotSum += math.Exp(float64(got[i] - got[gotBest]))
	}
	var kl float64
	for i, v := range want {
		p := float64(v-want[wantBest]) - math.Log(wantSum)
		kl += math.Exp(p) * (p - (float64(got[i]-got[gotBest]) - math.Log(gotSum)))
	}
	if sum := errors + squares + kl; (math.IsNaN(sum) || math.IsInf(sum, 0)) && d.notFinite < 0 {
		d.notFinite = d.tokens
	}
	if nmse := errors / max(squares, math.SmallestNonzeroFloat64); nmse > d.worst {
		d.worst, d.worstAt = nmse, d.tokens
	}
	if wantBest == gotBest {
		d.same++
	}
	d.squares, d.errors, d.kl = d.squares+squares, d.errors+errors, d.kl+kl
	d.tokens++
}

// verifyFile compares the file at path with the checkpoint: its tensors, then what
// it computes. An error says where it is wrong.
func (c *convertFlags) verifyFile(ctx context.Context, i *interrupt, conversion *convert.Conversion, path string) error {
	bar := newProgress("Comparing tensors")
	types, err := conversion.Check(ctx, path, bar.bytes)
	bar.done()
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	for _, t := range types {
		if t.NMSE == 0 {
			note("verify: %d tensors in %s: equal to the checkpoint's", t.Tensors, t.Type)
		} else {
			note("verify: %d tensors in %s: NMSE at most %.2g (%s)", t.Tensors, t.Type, t.NMSE, clean(t.Worst))
		}
	}
	d, err := c.compareRuns(ctx, i, path)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	limit := conversion.Mix().LogitError()
	note("verify: logits of %d tokens beside the checkpoint's in F32: NMSE %.2g, KL divergence %.2g, same likeliest token %d of %d",
		d.tokens, d.nmse(), d.kl/float64(max(d.tokens, 1)), d.same, d.tokens)
	switch {
	case d.notFinite >= 0:
		return fmt.Errorf("verify: %s: token %d gives logits that are no numbers", path, d.notFinite)
	case !(d.nmse() <= limit):
		return fmt.Errorf("verify: %s: NMSE %.3g of the logits is more than the %.3g that %s may have; the worst is token %d with %.3g",
			path, d.nmse(), limit, conversion.Mix().Name, d.worstAt, d.worst)
	}
	return nil
}

// compareRuns runs verifyText through the checkpoint's weights in F32 and through
// the file at path. The F32 file is beside that, and is gone when this returns.
func (c *convertFlags) compareRuns(ctx context.Context, i *interrupt, path string) (d difference, err error) {
	o, err := c.options()
	if err != nil {
		return d, err
	}
	if o.Mix, err = convert.ParseMix("F32"); err != nil {
		return d, err
	}
	o.Auto = false
	source, err := convert.Open(c.dir, o)
	if err != nil {
		return d, err
	}
	defer source.Close()
	reference := c.out + ".reference"
	defer os.Remove(reference)
	if err := c.write(ctx, source, reference, "Writing the reference in F32"); err != nil {
		return d, err
	}
	want, err := c.openRun(i, reference)
	if err != nil {
		return d, err
	}
	defer want.engine.Close()
	got, err := c.openRun(i, path)
	if err != nil {
		return d, err
	}
	defer got.engine.Close()
	if a, b := want.engine.Info().Vocab, got.engine.Info().Vocab; a != b {
		return d, fmt.Errorf("%s: a vocabulary of %d tokens, the checkpoint's has %d", path, b, a)
	}
	return differ(i, want, got)
}

// run is a file that is loaded, with a context for verifyTokens.
type run struct {
	engine  *infer.Engine
	session *infer.Session
}

func (c *convertFlags) openRun(i *interrupt, path string) (r run, err error) {
	defer i.during(func() {})()
	r.engine, err = infer.Load(path, infer.Options{Threads: c.threads, Progress: func(float64) bool { return !i.pending() }})
	if err != nil {
		return r, err
	}
	context := verifyTokens
	if trained := r.engine.Info().Context; trained > 0 {
		context = min(context, trained)
	}
	if r.session, err = r.engine.NewSession(infer.SessionOptions{Context: context, KV: infer.KVF32}); err != nil {
		r.engine.Close()
	}
	return r, err
}

// atOnce is how many tokens go through one file before they go through the other:
// as many logits are kept.
const atOnce = 16

func differ(i *interrupt, want, got run) (difference, error) {
	d := difference{notFinite: -1}
	ids, err := verifyIDs(got.engine)
	if err != nil {
		return d, err
	}
	ids = ids[:min(len(ids), got.session.Context())]
	vocab := got.engine.Info().Vocab
	kept := make([]float32, atOnce*vocab)
	bar := newProgress("Comparing " + filepath.Base(want.engine.Info().Path))
	defer bar.done()
	for at := 0; at < len(ids); at += atOnce {
		part := ids[at:min(at+atOnce, len(ids))]
		err := i.eval(want.session, func() error {
			return want.session.EvalEach(part, func(at int, logits []float32) error {
				copy(kept[at*vocab:][:vocab], logits)
				return nil
			})
		})
		if err != nil {
			return d, err
		}
		err = i.eval(got.session, func() error {
			return got.session.EvalEach(part, func(at int, logits []float32) error {
				d.add(kept[at*vocab:][:vocab], logits)
				return nil
			})
		})
		if err != nil {
			return d, err
		}
		bar.set(float64(at+len(part)) / float64(len(ids)))
	}
	return d, nil
}

// verifyIDs are the tokens of verifyText; of a model without a vocabulary, some of
// its tokens.
func verifyIDs(e *infer.Engine) ([]int32, error) {
	if e.Tokenizer() != nil {
		return e.Tokenize(verifyText, infer.TokenizeOptions{AddSpecial: true})
	}
	ids := make([]int32, verifyTokens)
	for i := range ids {
		ids[i] = int32((7919*i + 1) % e.Info().Vocab)
	}
	return ids, nil
}
