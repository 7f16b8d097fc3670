package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"happyphonellm/internal/infer"
)

// statsFormat is --stats: text, json or none.
type statsFormat string

func (f statsFormat) check() error {
	switch f {
	case "text", "json", "none":
		return nil
	}
	return usage("--stats %s: want text, json or none", string(f))
}

// figures are the statistics of one answer as --stats json prints them.
type figures struct {
	Finish          infer.Finish `json:"finish"`
	LoadMS          float64      `json:"load_ms"`
	PromptTokens    int          `json:"prompt_tokens"`
	CachedTokens    int          `json:"cached_tokens"`
	PromptMS        float64      `json:"prompt_ms"`
	PrefillTokS     float64      `json:"prefill_tok_s"`
	TTFTMS          float64      `json:"ttft_ms"`
	GeneratedTokens int          `json:"generated_tokens"`
	GenerateMS      float64      `json:"generate_ms"`
	DecodeTokS      float64      `json:"decode_tok_s"`
	ContextTokens   int          `json:"context_tokens"`
	Threads         int          `json:"threads"`
	RSSAnonMiB      float64      `json:"rss_anon_mib"`
	Seed            uint32       `json:"seed"`
}

// print writes the statistics to standard error.
func (f statsFormat) print(e *infer.Engine, s *infer.Session, why infer.Finish, seed uint32) {
	st := s.Stats()
	v := figures{
		Finish: why, LoadMS: st.LoadMS,
		PromptTokens: st.PromptTokens, CachedTokens: st.CachedTokens,
		PromptMS: st.PromptMS, PrefillTokS: st.PrefillTokS, TTFTMS: st.TTFTMS,
		GeneratedTokens: st.GeneratedTokens, GenerateMS: st.GenerateMS, DecodeTokS: st.DecodeTokS,
		ContextTokens: st.ContextTokens, Threads: e.Threads(),
		RSSAnonMiB: mebibytes(st.PeakAnonBytes), Seed: seed,
	}
	switch f {
	case "text":
		v.text(os.Stderr)
	case "json":
		// The struct holds numbers and short strings: it always encodes.
		line, _ := json.Marshal(v)
		fmt.Fprintf(os.Stderr, "%s\n", line)
	}
}

func (v *figures) text(w io.Writer) {
	cached := ""
	if v.CachedTokens > 0 {
		cached = fmt.Sprintf(" (%d reused)", v.CachedTokens)
	}
	fmt.Fprintf(w, "[prompt %d tokens%s, %.1f tok/s; first token after %.0f ms; answer %d tokens, %.1f tok/s; load %.0f ms; memory %.1f MiB; %d threads; seed %d; end: %s]\n",
		v.PromptTokens, cached, v.PrefillTokS, v.TTFTMS, v.GeneratedTokens, v.DecodeTokS,
		v.LoadMS, v.RSSAnonMiB, v.Threads, v.Seed, v.Finish)
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }
