package main

import (
	"math"
	"math/rand/v2"
	"os"
	"runtime/pprof"
	"time"

	"github.com/spf13/cobra"

	"happyphonellm/internal/infer"
)

// benchFlags are the flags of bench.
type benchFlags struct {
	model    modelFlags
	models   []string
	threads  []int
	prompts  []int
	gens     []int
	reps     int
	depth    int
	noWarmup bool
	output   string
	profile  string
	kernels  string
	vs       string
	peer     *benchPeer // nil: none
}

func newBench(i *interrupt) *cobra.Command {
	var b benchFlags
	cmd := &cobra.Command{
		Use:   "bench [-m FILE[,FILE]]",
		Short: "Measure speed",
		Long: `Measure speed as llama-bench does: "pp512" is the speed of 512 prompt tokens,
"tg128" that of 128 generated ones. For each model and each number of threads
the model is loaded once; each row is warmed up once, then measured -r times.

In JSON and CSV the fields are llama-bench's, and two more: load_ms, and
rss_anon_mib, the process's highest anonymous memory after the row.

With --vs, each of our repetitions is followed by one of llama-bench's on the
same file with the same threads, and the ratio of the medians is printed.`,
		Example: `  hpllm-cli bench
  hpllm-cli bench -m a.gguf,b.gguf -t 1,2 -o json
  hpllm-cli bench -m model.gguf -p 0 -n 256 -r 10
  hpllm-cli bench -m model.gguf -t 2 -n 64 --depth 4096 --vs llama-bench
  hpllm-cli bench -m model.gguf -n 0 --profile cpu.pprof`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := b.check(); err != nil {
				return err
			}
			if b.kernels != "" {
				if err := infer.UseKernels(b.kernels); err != nil {
					return usage("--kernels: %v", err)
				}
			}
			table, err := newBenchTable(b.output, os.Stdout)
			if err != nil {
				return err
			}
			if len(b.models) == 0 {
				path, err := b.model.orDemo()
				if err != nil {
					return err
				}
				b.models = []string{path}
			}
			if b.peer, err = newBenchPeer(b.vs); err != nil {
				return err
			}
			stop, err := profile(b.profile)
			if err != nil {
				return err
			}
			defer stop()
			for _, path := range b.models {
				for _, threads := range b.threads {
					if err := b.measure(i, path, threads, table); err != nil {
						return err
					}
				}
			}
			return table.end()
		},
	}
	f := cmd.Flags()
	f.StringSliceVarP(&b.models, "model", "m", nil, "model files (GGUF); without it, the demo model")
	if err := cmd.MarkFlagFilename("model", "gguf"); err != nil {
		panic(err) // the flag was made a line above
	}
	f.IntSliceVarP(&b.threads, "threads", "t", []int{0}, "worker threads, at most one per core (0: one per fast core)")
	f.IntSliceVarP(&b.prompts, "n-prompt", "p", []int{512}, "prompt tokens (0: no such row)")
	f.IntSliceVarP(&b.gens, "n-gen", "n", []int{128}, "generated tokens (0: no such row)")
	f.IntVarP(&b.reps, "repetitions", "r", 5, "repetitions of each row")
	f.IntVarP(&b.depth, "depth", "d", 0, "tokens that are in the context before each row")
	f.BoolVar(&b.noWarmup, "no-warmup", false, "do not warm up")
	f.StringVarP(&b.output, "output", "o", "md", "md, json or csv")
	f.StringVar(&b.profile, "profile", "", "write a CPU profile for go tool pprof to this file")
	f.StringVar(&b.kernels, "kernels", "", "processor family to compute for: go, avx2, neon, ... (default: the best there is)")
	f.StringVar(&b.vs, "vs", "", "measure this command, which takes llama-bench's flags, in turn with us")
	f.IntVar(&b.model.batch, "batch", 0, "prompt tokens computed at once (0: 512)")
	f.StringVar(&b.model.kv, "kv", "f16", "type of the key/value cache: f16, f32 or q8_0")
	return cmd
}

func (b *benchFlags) check() error {
	if b.reps < 1 {
		return usage("-r %d: want 1 or more repetitions", b.reps)
	}
	if b.depth < 0 {
		return usage("-d %d: want 0 or more tokens", b.depth)
	}
	for _, n := range b.threads {
		if err := checkThreads(n); err != nil {
			return err
		}
	}
	rows := 0
	for _, list := range [][]int{b.prompts, b.gens} {
		for _, n := range list {
			if n < 0 {
				return usage("%d tokens: want 1 or more, or 0 for no such row", n)
			}
			rows += min(n, 1)
		}
	}
	if rows == 0 {
		return usage("nothing to measure: -p and -n are both 0")
	}
	return nil
}

// measure runs the rows of one model with one number of threads.
func (b *benchFlags) measure(i *interrupt, path string, threads int, table benchTable) error {
	engine, err := load(i, path, threads, false)
	if err != nil {
		return err
	}
	defer engine.Close()
	run := func(prompt, gen int) error {
		row, err := b.row(i, engine, prompt, gen)
		if err != nil {
			return err
		}
		return table.row(row)
	}
	for _, n := range b.prompts {
		if n > 0 {
			if err := run(n, 0); err != nil {
				return err
			}
		}
	}
	for _, n := range b.gens {
		if n > 0 {
			if err := run(0, n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *benchFlags) row(i *interrupt, e *infer.Engine, prompt, gen int) (*benchRow, error) {
	m := b.model
	m.context = b.depth + prompt + gen
	session, err := m.session(e)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	row := newBenchRow(e, &m, prompt, gen)
	row.Depth = b.depth
	bar := newProgress(row.test())
	defer bar.done()
	ids := randomTokens(e, b.depth+prompt+gen)
	if err := i.eval(session, func() error { return session.Eval(ids[:b.depth]) }); err != nil {
		return nil, err
	}
	if !b.noWarmup {
		if _, err := once(i, session, ids, b.depth, prompt, min(gen, 1)); err != nil {
			return nil, err
		}
	}
	for rep := range b.reps {
		bar.set(float64(rep) / float64(b.reps))
		took, err := once(i, session, ids, b.depth, prompt, gen)
		if err != nil {
			return nil, err
		}
		row.add(took)
		if b.peer != nil {
			speed, err := b.peer.once(row, !b.noWarmup)
			if err != nil {
				return nil, err
			}
			row.PeerTS = append(row.PeerTS, speed)
		}
	}
	row.finish(session.Stats())
	return row, nil
}

// randomTokens are n tokens without meaning, the same at every call.
func randomTokens(e *infer.Engine, n int) []int32 {
	r := rand.New(rand.NewPCG(1, 2))
	ids := make([]int32, n)
	for j := range ids {
		ids[j] = int32(r.IntN(e.Info().Vocab))
	}
	if t := e.Tokenizer(); t != nil && t.AddBOS() {
		ids[0] = t.BOS()
	}
	return ids
}

// once computes, after depth tokens that are in the context, a prompt at once
// and gen more tokens one by one.
func once(i *interrupt, s *infer.Session, ids []int32, depth, prompt, gen int) (time.Duration, error) {
	if err := s.Truncate(depth); err != nil {
		return 0, err
	}
	// A recurrent state may have to catch up, which is not to be timed.
	if err := i.eval(s, func() error { return s.Eval(nil) }); err != nil {
		return 0, err
	}
	begin := time.Now()
	err := i.eval(s, func() error {
		if prompt > 0 {
			if err := s.Eval(ids[depth : depth+prompt]); err != nil {
				return err
			}
		}
		for j := depth + prompt; j < depth+prompt+gen; j++ {
			if err := s.Eval(ids[j : j+1]); err != nil {
				return err
			}
			if i.pending() {
				return infer.ErrStopped
			}
		}
		return nil
	})
	return time.Since(begin), err
}

// profile starts a CPU profile; the function it returns ends it. An empty path is none.
func profile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		f.Close()
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, nil
}

// meanAndDeviation of a sample, the deviation with n-1 as llama-bench has it.
func meanAndDeviation(x []float64) (mean, deviation float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	if len(x) < 2 {
		return mean, 0
	}
	for _, v := range x {
		deviation += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(deviation / float64(len(x)-1))
}
