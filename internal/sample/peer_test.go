package sample

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/testkit"
	"happyphonellm/internal/tokenizer"
)

// peerCases are chains in both languages. Each is compared as a distribution
// and as a sequence of seeded draws.
var peerCases = []struct {
	name   string
	peer   []string // hpllm-peer-sample's, without what picks
	picks  string   // what picks in the peer; "" is dist
	params func(p *Params)
}{
	{"nothing", nil, "", func(p *Params) {}},
	{"default chain", []string{"top-k:40", "top-p:0.95:0", "min-p:0.05:0", "temp-ext:0.8:0:1"}, "", func(p *Params) {
		*p = DefaultParams()
	}},
	{"top-k 7", []string{"top-k:7"}, "", func(p *Params) { p.TopK = 7 }},
	{"top-k 1000", []string{"top-k:1000"}, "", func(p *Params) { p.TopK = 1000 }},
	{"top-k over everything", []string{"top-k:99999"}, "", func(p *Params) { p.TopK = 99999 }},
	{"top-p 0.5", []string{"top-p:0.5:0"}, "", func(p *Params) { p.TopP = 0.5 }},
	{"top-p 0.999", []string{"top-p:0.999:0"}, "", func(p *Params) { p.TopP = 0.999 }},
	{"top-p 0", []string{"top-p:0:0"}, "", func(p *Params) { p.TopP = 0 }},
	{"top-p keeps 5", []string{"top-p:0.01:5"}, "", func(p *Params) { p.TopP, p.MinKeep = 0.01, 5 }},
	{"min-p 0.02", []string{"min-p:0.02:0"}, "", func(p *Params) { p.MinP = 0.02 }},
	{"min-p keeps 9", []string{"min-p:0.9:9"}, "", func(p *Params) { p.MinP, p.MinKeep = 0.9, 9 }},
	{"min-p after top-k keeps 9", []string{"top-k:50", "min-p:0.9:9"}, "", func(p *Params) { p.TopK, p.MinP, p.MinKeep = 50, 0.9, 9 }},
	{"typical 0.6", []string{"typical:0.6:0"}, "", func(p *Params) { p.TypicalP = 0.6 }},
	{"typical keeps 30", []string{"top-k:100", "typical:0.05:30"}, "", func(p *Params) { p.TopK, p.TypicalP, p.MinKeep = 100, 0.05, 30 }},
	{"typical then top-p", []string{"top-k:200", "typical:0.9:0", "top-p:0.8:0"}, "", func(p *Params) { p.TopK, p.TypicalP, p.TopP = 200, 0.9, 0.8 }},
	{"top-n-sigma 1.5", []string{"top-n-sigma:1.5"}, "", func(p *Params) { p.TopNSigma = 1.5 }},
	{"top-n-sigma after top-k", []string{"top-k:100", "top-n-sigma:1"}, "", func(p *Params) {
		p.TopK, p.TopNSigma = 100, 1
		p.Samplers = []string{"top_k", "top_n_sigma"}
	}},
	{"temperature 1.7", []string{"temp-ext:1.7:0:1"}, "", func(p *Params) { p.Temperature = 1.7 }},
	{"temperature 0 after top-k", []string{"top-k:20", "temp-ext:0:0:1"}, "", func(p *Params) { p.TopK, p.Temperature = 20, 0 }},
	{"dynamic temperature", []string{"top-k:60", "temp-ext:0.9:0.5:1.3"}, "", func(p *Params) {
		p.TopK, p.Temperature, p.DynatempRange, p.DynatempExp = 60, 0.9, 0.5, 1.3
	}},
	{"dynamic temperature over everything", []string{"temp-ext:1:0.7:0.5"}, "", func(p *Params) {
		p.DynatempRange, p.DynatempExp = 0.7, 0.5
	}},
	{"xtc", []string{"top-k:80", "xtc:0.5:0.02:0:7"}, "", func(p *Params) { p.TopK, p.XTCProbability, p.XTCThreshold = 80, 0.5, 0.02 }},
	{"xtc keeps", []string{"top-k:30", "xtc:1:0.001:25:7"}, "", func(p *Params) { p.TopK, p.XTCProbability, p.XTCThreshold, p.MinKeep = 30, 1, 0.001, 25 }},
	{"penalties", []string{"penalties:64:1.3:0.2:0.4"}, "", func(p *Params) {
		p.RepeatPenalty, p.FrequencyPenalty, p.PresencePenalty = 1.3, 0.2, 0.4
	}},
	{"penalties, short window", []string{"penalties:3:2:0:0", "top-k:5"}, "", func(p *Params) {
		p.RepeatPenalty, p.RepeatLastN, p.TopK = 2, 3, 5
	}},
	{"penalties after top-k", []string{"top-k:30", "penalties:64:1.3:0.2:0.4", "top-p:0.9:0"}, "", func(p *Params) {
		p.TopK, p.TopP = 30, 0.9
		p.RepeatPenalty, p.FrequencyPenalty, p.PresencePenalty = 1.3, 0.2, 0.4
		p.Samplers = []string{"top_k", "penalties", "top_p"}
	}},
	{"bias", []string{"bias:5:4.5", "bias:6:-1e9"}, "", func(p *Params) { p.LogitBias = []Bias{{5, 4.5}, {6, -1e9}} }},
	{"mirostat 1", []string{"temp:0.9"}, "mirostat:7:4:0.2:100", func(p *Params) {
		p.Temperature, p.Mirostat, p.MirostatTau, p.MirostatEta = 0.9, 1, 4, 0.2
	}},
	{"mirostat 2", []string{"temp:0.9"}, "mirostat-v2:7:4:0.2", func(p *Params) {
		p.Temperature, p.Mirostat, p.MirostatTau, p.MirostatEta = 0.9, 2, 4, 0.2
	}},
	{"adaptive-p", []string{"min-p:0.01:0"}, "adaptive-p:0.1:0.8:7", func(p *Params) {
		p.MinP, p.AdaptiveTarget, p.AdaptiveDecay = 0.01, 0.1, 0.8
		p.Samplers = []string{"min_p", "adaptive_p"}
	}},
	{"adaptive-p off", []string{"min-p:0.01:0"}, "adaptive-p:-1:0.8:7", func(p *Params) {
		p.MinP = 0.01
		p.Samplers = []string{"min_p", "adaptive_p"}
	}},
}

// plain is every stage off, so that a case names what it wants.
func plain() Params {
	p := DefaultParams()
	p.Seed, p.Temperature, p.TopK, p.TopP, p.MinP = 7, 1, 0, 1, 0
	return p
}

// history has repetitions, for the penalties.
var history = []int32{3, 9, 9, 17, 3, 9, 4, 4, 4, 250, 3, 9, 9, 17, 3, 9}

func TestPeerSameAsLlamaCpp(t *testing.T) {
	logits := normalLogits(4096, 1, 2.5)
	// The largest logits belong to the history, so that penalties matter.
	for i, id := range history {
		logits[id] = 9 + float32(i)*0.037
	}
	host, inside := testkit.PeerDir(t)
	testkit.WriteF32(t, filepath.Join(host, "logits.f32"), logits)
	for _, tc := range peerCases {
		t.Run(tc.name, func(t *testing.T) {
			p := plain()
			tc.params(&p)
			p.Seed = 7
			picks := tc.picks
			if picks == "" {
				picks = "dist:7"
			}
			args := append([]string{"-a", joinIDs(history), inside + "/logits.f32"}, append(tc.peer, picks)...)
			comparePeer(t, p, nil, logits, args, tc.picks == "")
		})
	}
}

func TestPeerDry(t *testing.T) {
	path := testkit.Model(t, "smollm2-q4_1")
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tok, err := tokenizer.New(f)
	if err != nil {
		t.Fatal(err)
	}
	host, inside := testkit.PeerDir(t)
	text := "the cat sat on the mat, the cat sat on the mat: one two three four five six\n" +
		"one two three four five six and \"the cat sat on the mat, the cat sat on the"
	ids := tok.Encode(text, tokenizer.Options{})
	logits := normalLogits(tok.Size(), 2, 2.5)
	for i, id := range ids {
		logits[id] = 12 + float32(i)*0.01
	}
	testkit.WriteF32(t, filepath.Join(host, "logits.f32"), logits)
	for _, tc := range []struct {
		dry    string
		params func(p *Params)
	}{
		{"dry:0.8:1.75:2:64", func(p *Params) { p.DryMultiplier = 0.8 }},
		{"dry:2:1.2:0:20", func(p *Params) { p.DryMultiplier, p.DryBase, p.DryAllowedLength, p.DryPenaltyLastN = 2, 1.2, 0, 20 }},
		{"dry:1:3:1:1000", func(p *Params) { p.DryMultiplier, p.DryBase, p.DryAllowedLength, p.DryPenaltyLastN = 1, 3, 1, 1000 }},
	} {
		for _, topK := range []string{"", "top-k:40"} {
			t.Run(tc.dry+" "+topK, func(t *testing.T) {
				p := plain()
				tc.params(&p)
				args := []string{"-m", testkit.Share(t, path), "-a", joinIDs(ids), inside + "/logits.f32"}
				if topK == "" {
					args = append(args, tc.dry, "dist:7")
				} else {
					p.TopK = 40
					p.Samplers = []string{"top_k", "dry"}
					args = append(args, topK, tc.dry, "dist:7")
				}
				comparePeerHistory(t, p, tok, logits, ids, args, true)
			})
		}
	}
}

func comparePeer(t *testing.T, p Params, tok *tokenizer.Tokenizer, logits []float32, args []string, distribution bool) {
	t.Helper()
	comparePeerHistory(t, p, tok, logits, history, args, distribution)
}

func comparePeerHistory(t *testing.T, p Params, tok *tokenizer.Tokenizer, logits []float32, ids []int32, args []string, distribution bool) {
	t.Helper()
	if distribution {
		got, want := distributionOf(t, p, tok, logits, ids), map[int32]float64{}
		for _, line := range peerLines(t, args...) {
			var id int32
			var logit, prob float64
			if _, err := fmt.Sscan(strings.Replace(line, "-inf", "-1e38", 1), &id, &logit, &prob); err != nil {
				t.Fatalf("peer's line %q: %v", line, err)
			}
			if prob > 0 {
				want[id] = prob
			}
		}
		compareDistributions(t, got, want)
	}

	const draws = 500
	c, err := New(p, tok, len(logits))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		c.Accept(id)
	}
	row := make([]float32, len(logits))
	for i, line := range peerLines(t, append([]string{"-n", strconv.Itoa(draws)}, args...)...) {
		copy(row, logits)
		id := c.Sample(row)
		c.Accept(id)
		if line != strconv.Itoa(int(id)) {
			t.Fatalf("draw %d of %d: token %d, llama.cpp picks %s", i, draws, id, line)
		}
	}
}

func peerLines(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := testkit.Peer(t, "hpllm-peer-sample", args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, stderr.String())
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// compareDistributions wants the same candidates, and every probability within
// 1e-6.
func compareDistributions(t *testing.T, got, want map[int32]float64) {
	t.Helper()
	var worst float64
	for id, p := range want {
		worst = math.Max(worst, math.Abs(got[id]-p))
	}
	for id, p := range got {
		worst = math.Max(worst, math.Abs(want[id]-p))
	}
	if worst > 1e-6 || len(got) != len(want) {
		t.Errorf("%d candidates, llama.cpp keeps %d; largest difference %.2g", len(got), len(want), worst)
	}
}

// distributionOf applies the stages, and not what picks.
func distributionOf(t *testing.T, p Params, tok *tokenizer.Tokenizer, logits []float32, ids []int32) map[int32]float64 {
	t.Helper()
	c, err := New(p, tok, len(logits))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		c.Accept(id)
	}
	c.set.reset(append([]float32(nil), logits...))
	addBias(&c.set, c.bias)
	for _, apply := range c.stages {
		apply(&c.set)
	}
	if c.greedy {
		return map[int32]float64{c.set.argmax(): 1}
	}
	// As draw has it: weights over their float64 sum.
	m := c.set.maximum()
	var sum float64
	out := map[int32]float64{}
	for _, x := range c.set.list() {
		if w := float64(weight(x.logit, m)); w > 0 {
			out[x.id] = w
			sum += w
		}
	}
	for id := range out {
		out[id] /= sum
	}
	return out
}

func normalLogits(n int, seed uint64, spread float64) []float32 {
	r := rand.New(rand.NewPCG(seed, 0))
	logits := make([]float32, n)
	for i := range logits {
		logits[i] = float32(r.NormFloat64() * spread)
	}
	return logits
}

func joinIDs(ids []int32) string {
	parts := make([]string, len(ids))
	for i, id := range ids {
		parts[i] = strconv.Itoa(int(id))
	}
	return strings.Join(parts, ",")
}
