package sample

import (
	"hash/fnv"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/tokenizer"
)

// The chains whose picks are pinned: the same on every platform. A change of
// one of these numbers changes the text that users get for a seed.
func TestSameDrawsOnEveryPlatform(t *testing.T) {
	everything := func(p *Params) {
		*p = DefaultParams()
		p.TopK, p.TypicalP, p.TopNSigma = 200, 0.97, 4
		p.RepeatPenalty, p.PresencePenalty, p.FrequencyPenalty = 1.1, 0.1, 0.05
		p.DryMultiplier, p.XTCProbability, p.XTCThreshold = 0.7, 0.3, 0.05
		p.DynatempRange, p.DynatempExp = 0.4, 1.7
	}
	for _, tc := range []struct {
		name   string
		params func(p *Params)
		want   uint64
	}{
		{"default", func(p *Params) { *p = DefaultParams() }, 0x85b5dbaf982109d1},
		{"everything", everything, 0xa5d67f38e23aaa30},
		{"mirostat 1", func(p *Params) { p.Mirostat = 1 }, 0x1d973571da2b6700},
		{"mirostat 2", func(p *Params) { p.Mirostat = 2 }, 0xf27b74449d8b9ab7},
		{"adaptive", func(p *Params) { p.Samplers, p.AdaptiveTarget = []string{"adaptive_p"}, 0.2 }, 0xd606609f3d220302},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := plain()
			tc.params(&p)
			p.Seed = 42
			c, err := New(p, nil, 2000)
			if err != nil {
				t.Fatal(err)
			}
			if got := hashOfDraws(c); got != tc.want {
				t.Errorf("picks hash to %#x, pinned %#x", got, tc.want)
			}
			c.Reset()
			if got := hashOfDraws(c); got != tc.want {
				t.Errorf("after Reset picks hash to %#x, pinned %#x", got, tc.want)
			}
		})
	}
}

func hashOfDraws(c *Chain) uint64 {
	h := fnv.New64a()
	row := make([]float32, c.vocab)
	// Logits without the math package, so that they too are the same everywhere.
	var r rng
	r.seed(1)
	for range 300 {
		for i := range row {
			row[i] = 4 * (r.float32() + r.float32() + r.float32() + r.float32() - 2)
		}
		id := c.Sample(row)
		c.Accept(id)
		h.Write([]byte{byte(id), byte(id >> 8)})
	}
	return h.Sum64()
}

func TestMersenneTwister(t *testing.T) {
	// ISO C++ [rand.predef]: the 10000th word of a default-seeded std::mt19937.
	var r rng
	r.seed(5489)
	var v uint32
	for range 10000 {
		v = r.uint32()
	}
	if v != 4123659995 {
		t.Errorf("10000th word is %d, the standard says 4123659995", v)
	}
}

func TestElementaryFunctions(t *testing.T) {
	ulps := func(name string, x, got, want, n float64) {
		t.Helper()
		if math.Abs(got-want) > n*2.3e-16*math.Abs(want) {
			t.Errorf("%s(%v) = %v, math has %v", name, x, got, want)
		}
	}
	near := func(name string, x, got, want float64) { t.Helper(); ulps(name, x, got, want, 2) }
	for x := -700.0; x < 700; x += 0.37 {
		near("exp", x, exp64(x), math.Exp(x))
	}
	for x := 1e-300; x < 1e300; x *= 1.37 {
		near("log", x, log64(x), math.Log(x))
		ulps("pow", x, pow64(x, 0.25), math.Pow(x, 0.25), 2+math.Abs(0.25*math.Log(x)))
	}
	for _, x := range []float64{0.5, 0.75, 0.999999, 1, 1.000001, 1.4142135, 1.4142136} {
		near("log", x, log64(x), math.Log(x))
	}
	for x := -104.0; x <= 0; x += 0.0037 {
		if got, want := float64(expWeight(x)), float64(float32(math.Exp(x))); math.Abs(got-want) > 1.2e-7*want+1.5e-45 {
			t.Errorf("expWeight(%v) = %v, math has %v", x, got, want)
		}
	}
	if expWeight(0) != 1 {
		t.Error("expWeight(0) is not 1")
	}
	near("powInt", 1.75, powInt(1.75, 13), math.Pow(1.75, 13))
	if exp64(math.Inf(-1)) != 0 || exp64(0) != 1 || !math.IsInf(exp64(1000), 1) || !math.IsNaN(exp64(math.NaN())) {
		t.Error("exp at its ends")
	}
	if !math.IsInf(log64(0), -1) || log64(1) != 0 || !math.IsNaN(log64(-1)) || !math.IsInf(log64(math.Inf(1)), 1) {
		t.Error("log at its ends")
	}
}

func TestGreedyTakesTheFirstLargest(t *testing.T) {
	logits := []float32{1, 5, 2, 5, -3}
	c, err := New(Greedy(), nil, len(logits))
	if err != nil {
		t.Fatal(err)
	}
	if id := c.Sample(logits); id != 1 {
		t.Errorf("picked %d, want 1", id)
	}
}

// The shortcut of temperature 0 gives what the whole chain gives.
func TestGreedyShortcut(t *testing.T) {
	p := DefaultParams()
	p.Temperature, p.RepeatPenalty, p.DryMultiplier = 0, 1.4, 0.8
	short, err := New(p, nil, 500)
	if err != nil {
		t.Fatal(err)
	}
	p.XTCProbability = 1e-9 // never happens, but rules the shortcut out
	long, err := New(p, nil, 500)
	if err != nil {
		t.Fatal(err)
	}
	if !short.greedy || long.greedy {
		t.Fatalf("shortcut taken: %v and %v", short.greedy, long.greedy)
	}
	for i := range 200 {
		logits := normalLogits(500, uint64(i%17), 2)
		a, b := short.Sample(slices.Clone(logits)), long.Sample(logits)
		if a != b {
			t.Fatalf("step %d: %d by the shortcut, %d by the chain", i, a, b)
		}
		short.Accept(a)
		long.Accept(b)
	}
}

// Rows that no model should give: no panic, and a pick that is defined.
func TestDegenerateLogits(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	fill := func(v float32) []float32 {
		row := make([]float32, 600)
		for i := range row {
			row[i] = v
		}
		return row
	}
	with := func(row []float32, at int, v float32) []float32 { row[at] = v; return row }
	rows := []struct {
		name   string
		logits []float32
		want   int32
	}{
		{"all NaN", fill(nan), 0},
		{"all -inf", fill(-inf), 0},
		{"NaN and one number", with(fill(nan), 77, -3), 77},
		{"-inf and one number", with(fill(-inf), 599, -3), 599},
		{"one +inf", with(normalLogits(600, 1, 1), 44, inf), 44},
		{"two +inf", with(with(fill(0), 44, inf), 45, inf), 44},
		{"NaN first", with(with(fill(-inf), 0, nan), 9, 2), 9},
		{"huge", with(fill(-math.MaxFloat32), 3, math.MaxFloat32), 3},
	}
	chains := map[string]func(p *Params){
		"plain":       func(p *Params) {},
		"default":     func(p *Params) { *p = DefaultParams() },
		"greedy":      func(p *Params) { *p = Greedy() },
		"top-k":       func(p *Params) { p.TopK = 5 },
		"top-k list":  func(p *Params) { p.TopK, p.MinP = 5, 0.5; p.Samplers = []string{"min_p", "top_k"} },
		"top-p":       func(p *Params) { p.TopP = 0.5 },
		"min-p":       func(p *Params) { p.MinP = 0.1 },
		"typical":     func(p *Params) { p.TypicalP = 0.5 },
		"top-n-sigma": func(p *Params) { p.TopNSigma = 1 },
		"dynatemp":    func(p *Params) { p.DynatempRange = 0.5 },
		"xtc":         func(p *Params) { p.XTCProbability, p.XTCThreshold = 1, 0.1 },
		"penalties":   func(p *Params) { p.RepeatPenalty, p.PresencePenalty = 1.5, 1 },
		"mirostat 1":  func(p *Params) { p.Mirostat = 1 },
		"mirostat 2":  func(p *Params) { p.Mirostat = 2 },
	}
	// adaptive_p does not want the most probable token: any token will do.
	for _, row := range rows {
		p := plain()
		p.AdaptiveTarget, p.Samplers = 0.3, []string{"adaptive_p"}
		c, err := New(p, nil, len(row.logits))
		if err != nil {
			t.Fatal(err)
		}
		if id := c.Sample(slices.Clone(row.logits)); id < 0 || int(id) >= len(row.logits) {
			t.Errorf("adaptive/%s: picked %d", row.name, id)
		}
	}
	for name, params := range chains {
		for _, row := range rows {
			t.Run(name+"/"+row.name, func(t *testing.T) {
				p := plain()
				params(&p)
				c, err := New(p, nil, len(row.logits))
				if err != nil {
					t.Fatal(err)
				}
				if id := c.Sample(slices.Clone(row.logits)); id != row.want {
					t.Errorf("picked %d, want %d", id, row.want)
				}
			})
		}
	}
}

func TestNoAllocations(t *testing.T) {
	const vocab = 3000
	for _, tc := range peerCases {
		p := plain()
		tc.params(&p)
		p.DryMultiplier = 1
		c, err := New(p, nil, vocab)
		if err != nil {
			t.Fatal(err)
		}
		logits, row := normalLogits(vocab, 3, 2), make([]float32, vocab)
		if n := testing.AllocsPerRun(100, func() {
			copy(row, logits)
			c.Accept(c.Sample(row))
		}); n != 0 {
			t.Errorf("%s: %v allocations a token", tc.name, n)
		}
	}
}

func TestValidate(t *testing.T) {
	nan := float32(math.NaN())
	for _, tc := range []struct {
		set  func(p *Params)
		want string // part of the message; "" is no error
	}{
		{func(p *Params) {}, ""},
		{func(p *Params) { *p = Greedy() }, ""},
		{func(p *Params) { *p = Params{} }, "repeat penalty"},
		{func(p *Params) { p.Temperature = -1 }, "temperature must be 0 or more, not -1"},
		{func(p *Params) { p.Temperature = nan }, "temperature"},
		{func(p *Params) { p.Temperature = float32(math.Inf(1)) }, "temperature"},
		{func(p *Params) { p.TopP = 1.01 }, "top-p must be from 0 to 1, not 1.01"},
		{func(p *Params) { p.MinP = -0.1 }, "min-p"},
		{func(p *Params) { p.TypicalP = nan }, "typical-p"},
		{func(p *Params) { p.RepeatPenalty = 0 }, "repeat penalty must be more than 0"},
		{func(p *Params) { p.RepeatLastN = -1 }, "repeat-last-n"},
		{func(p *Params) { p.DryPenaltyLastN = 1 << 30 }, "dry-penalty-last-n"},
		{func(p *Params) { p.Mirostat = 3 }, "mirostat must be from 0 to 2"},
		{func(p *Params) { p.AdaptiveDecay = 1 }, "adaptive decay"},
		{func(p *Params) { p.Samplers = []string{"top_k", "bottom_k"} }, `unknown sampler "bottom_k" (known: penalties, `},
		{func(p *Params) { p.Samplers = []string{"top_k", "top_k"} }, "twice"},
		{func(p *Params) { p.Samplers = []string{} }, ""},
		{func(p *Params) { p.LogitBias = []Bias{{-1, 0}} }, "token -1"},
		{func(p *Params) { p.LogitBias = []Bias{{100, 0}} }, "token 100: the vocabulary has 100"},
		{func(p *Params) { p.LogitBias = []Bias{{1, nan}} }, "token 1 must be a number"},
		{func(p *Params) { p.LogitBias = []Bias{{1, float32(math.Inf(-1))}} }, ""},
	} {
		p := DefaultParams()
		tc.set(&p)
		_, err := New(p, nil, 100)
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("unexpected error %v", err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("error %v, want one about %q", err, tc.want)
		}
	}
	if _, err := New(DefaultParams(), nil, 0); err == nil {
		t.Error("a vocabulary of 0 tokens was accepted")
	}
}

func TestBanByBias(t *testing.T) {
	p := plain()
	p.LogitBias = []Bias{{2, float32(math.Inf(-1))}}
	c, err := New(p, nil, 4)
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if c.Sample([]float32{0, 0, 9, 0}) == 2 {
			t.Fatal("a banned token was picked")
		}
	}
}

// What a vocabulary suppresses is never picked, however likely it is.
func TestSuppressed(t *testing.T) {
	w := gguf.NewWriter()
	w.SetText("tokenizer.ggml.model", "gpt2")
	w.SetText("tokenizer.ggml.pre", "gpt-2")
	w.SetTexts("tokenizer.ggml.tokens", []string{"a", "b", "c", "d"})
	w.SetTexts("tokenizer.ggml.merges", nil)
	gguf.SetNumbers(w, "tokenizer.ggml.suppress_tokens", []int32{1, 2})
	path := filepath.Join(t.TempDir(), "small.gguf")
	if err := w.Create(path); err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tok, err := tokenizer.New(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []Params{Greedy(), DefaultParams(), {Temperature: 1, TopP: 1, RepeatPenalty: 1, Mirostat: 2}} {
		c, err := New(p, tok, 4)
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			if id := c.Sample([]float32{1, 50, 40, 1}); id != 0 && id != 3 {
				t.Fatalf("%+v: token %d", p, id)
			}
		}
	}
}

func TestAcceptIgnoresStrangeTokens(t *testing.T) {
	p := DefaultParams()
	p.RepeatPenalty, p.DryMultiplier = 1.5, 1
	c, err := New(p, nil, 10)
	if err != nil {
		t.Fatal(err)
	}
	c.Accept(-1)
	c.Accept(10)
	c.Sample(make([]float32, 10))
}

func TestRandomSeed(t *testing.T) {
	a, err := New(DefaultParams(), nil, 10)
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(DefaultParams(), nil, 10)
	if err != nil {
		t.Fatal(err)
	}
	if a.Seed() == RandomSeed || a.Seed() == b.Seed() {
		t.Errorf("seeds %d and %d", a.Seed(), b.Seed())
	}
}

func TestSamplerNames(t *testing.T) {
	got, ok := SamplersByLetters("edskypmxt")
	if diff := cmp.Diff(DefaultSamplers(), got); !ok || diff != "" {
		t.Errorf("llama-cli's default letters (-want +got):\n%s", diff)
	}
	if _, ok := SamplersByLetters("ez"); ok {
		t.Error("an unknown letter was accepted")
	}
}

// A breaker ends repetitions: what stands before it is not followed back.
func TestDryBreaker(t *testing.T) {
	text := []int32{1, 2, 3, 4, 5, 0, 1, 2, 3} // 4 would lengthen "1 2 3"
	for _, tc := range []struct {
		name     string
		breakers breakers
		want     float32
	}{
		{"none", breakers{}, 2 * 3}, // length 3, allowed 1: multiplier * base^2
		{"one token", breakers{2: {nil}}, 2},
		{"two tokens", breakers{1: {{2}}}, 2},
		{"another sequence", breakers{1: {{3}}}, 2 * 3},
	} {
		p := DefaultParams()
		p.DryMultiplier, p.DryBase, p.DryAllowedLength = 2, float32(math.Sqrt(3)), 1
		d := newDry(&p, tc.breakers, 8)
		for _, id := range text {
			d.accept(id)
		}
		var s set
		s.reset(make([]float32, 8))
		d.apply(&s)
		got := -s.logits[4]
		if math.Abs(float64(got-tc.want)) > 1e-5 {
			t.Errorf("%s: logit lowered by %v, want %v", tc.name, got, tc.want)
		}
	}
}

func BenchmarkSample(b *testing.B) {
	const vocab = 262144
	logits, row := normalLogits(vocab, 5, 3), make([]float32, vocab)
	for _, bc := range []struct {
		name   string
		params func(p *Params)
	}{
		{"copy", nil},
		{"greedy", func(p *Params) { *p = Greedy() }},
		{"default", func(p *Params) { *p = DefaultParams() }},
		{"everything off", func(p *Params) {}},
		{"top-p only", func(p *Params) { p.TopP = 0.9 }},
		{"min-p only", func(p *Params) { p.MinP = 0.05 }},
		{"typical only", func(p *Params) { p.TypicalP = 0.9 }},
		{"mirostat 2", func(p *Params) { p.Mirostat = 2 }},
	} {
		b.Run(bc.name, func(b *testing.B) {
			p := plain()
			var c *Chain
			if bc.params != nil {
				bc.params(&p)
				var err error
				if c, err = New(p, nil, vocab); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				copy(row, logits)
				if c != nil {
					c.Sample(row)
				}
			}
		})
	}
}
