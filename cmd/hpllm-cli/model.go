package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"happyphonellm/internal/infer"
)

// demoModel is the file that `make demo` keeps in the cache folder.
const demoModel = "SmolLM2-135M-Instruct.Q4_1.gguf"

// modelFlags are the flags of commands that compute with a model.
type modelFlags struct {
	path    string
	threads int
	context int
	batch   int
	kv      string
	lora    []string
	text    bool // the command needs the model's vocabulary
}

func (m *modelFlags) addPath(cmd *cobra.Command, help string) {
	cmd.Flags().StringVarP(&m.path, "model", "m", "", help)
	if err := cmd.MarkFlagFilename("model", "gguf"); err != nil {
		panic(err) // the flag was made a line above
	}
}

func (m *modelFlags) addCompute(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVarP(&m.threads, "threads", "t", 0, "worker threads, at most one per core (0: one per fast core)")
	f.IntVar(&m.batch, "batch", 0, "prompt tokens computed at once (0: 512); the answer does not depend on it")
	f.StringVar(&m.kv, "kv", "f16", "type of the key/value cache: f16, f32 or q8_0")
	f.StringArrayVar(&m.lora, "lora", nil, "FILE[:SCALE] of a LoRA adapter to add to the model")
}

// required is the path, for commands without a default model.
func (m *modelFlags) required() (string, error) {
	if m.path == "" {
		return "", usage("no model: give -m FILE")
	}
	return m.path, nil
}

// orDemo is the path, or that of the demo model if it is there.
func (m *modelFlags) orDemo() (string, error) {
	if m.path != "" {
		return m.path, nil
	}
	cache, err := cacheFolder()
	if err != nil {
		return "", fmt.Errorf("no model: give -m FILE (%w)", err)
	}
	path := filepath.Join(cache, "models", demoModel)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("no model: give -m FILE, or run `make demo`, which keeps a small one at %s", path)
	}
	return path, nil
}

// cacheFolder is HPLLM_CACHE, or the program's folder in the user's cache.
func cacheFolder() (string, error) {
	if dir := os.Getenv("HPLLM_CACHE"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "happy-phone-llm"), nil
}

func checkTokens(n int) error {
	if n < -1 {
		return usage("-n %d: want 0 or more tokens, or -1 for as many as the context holds", n)
	}
	return nil
}

func checkThreads(n int) error {
	if n < 0 || n > infer.MaxThreads {
		return usage("-t %d: want 1 to %d threads, or 0 for the default", n, infer.MaxThreads)
	}
	return nil
}

// load opens the model; Ctrl-C gives up. With text, a model without a vocabulary
// is an error.
func load(i *interrupt, path string, threads int, text bool, adapters ...infer.LoRA) (*infer.Engine, error) {
	if err := checkThreads(threads); err != nil {
		return nil, err
	}
	bar := newProgress("Loading " + filepath.Base(path))
	defer bar.done()
	defer i.during(func() {})()
	var notes []string // of the load: printed when there is nothing worse to say
	loading := true
	engine, err := infer.Load(path, infer.Options{
		Threads: threads,
		LoRA:    adapters,
		Log: func(_ infer.Level, text string) {
			if loading {
				notes = append(notes, text)
			} else {
				note("%s", text)
			}
		},
		Progress: func(done float64) bool {
			bar.set(done)
			return !i.pending()
		},
	})
	if errors.Is(err, infer.ErrStopped) {
		return nil, errInterrupted
	}
	if err != nil {
		return nil, err
	}
	if err := engine.NoTokenizer(); text && err != nil {
		engine.Close()
		return nil, fmt.Errorf("%w; the command logits takes token ids", err)
	}
	loading = false
	bar.done()
	for _, text := range notes {
		note("%s", text)
	}
	return engine, nil
}

// adapters reads FILE[:SCALE] of --lora; the scale is 1 where none is given.
func adapters(list []string) []infer.LoRA {
	var out []infer.LoRA
	for _, text := range list {
		l := infer.LoRA{Path: text, Scale: 1}
		if at := strings.LastIndexByte(text, ':'); at > 0 {
			if v, err := strconv.ParseFloat(text[at+1:], 32); err == nil {
				l = infer.LoRA{Path: text[:at], Scale: float32(v)}
			}
		}
		out = append(out, l)
	}
	return out
}

// session makes a session with the flags' settings.
func (m *modelFlags) session(e *infer.Engine) (*infer.Session, error) {
	kv, err := infer.ParseKV(m.kv)
	if err != nil {
		return nil, usage("--kv %s: want f16, f32 or q8_0", m.kv)
	}
	if m.context < 0 {
		return nil, usage("-c %d: want 1 or more tokens, or 0 for the default", m.context)
	}
	if m.batch < 0 {
		return nil, usage("--batch %d: want 1 or more tokens, or 0 for the default", m.batch)
	}
	return e.NewSession(infer.SessionOptions{Context: m.context, KV: kv, Batch: m.batch})
}

// open is load and session; close both by closing the engine.
func (m *modelFlags) open(i *interrupt, path string) (*infer.Engine, *infer.Session, error) {
	if _, err := infer.ParseKV(m.kv); err != nil { // before seconds of loading
		return nil, nil, usage("--kv %s: want f16, f32 or q8_0", m.kv)
	}
	e, err := load(i, path, m.threads, m.text, adapters(m.lora)...)
	if err != nil {
		return nil, nil, err
	}
	s, err := m.session(e)
	if err != nil {
		e.Close()
		return nil, nil, err
	}
	return e, s, nil
}

// note writes a line for people.
func note(format string, a ...any) { fmt.Fprintf(os.Stderr, format+"\n", a...) }
