package infer

import "time"

// Stats are figures of a session's last answer, and of the process.
type Stats struct {
	LoadMS          float64 // the engine's Load
	PromptTokens    int     // of the request
	CachedTokens    int     // of these, already in the context
	PromptMS        float64 // computing the others
	TTFTMS          float64 // time to first token: from Start to the first sampled token
	GeneratedTokens int
	GenerateMS      float64 // all Next calls
	PrefillTokS     float64 // computed prompt tokens per second
	DecodeTokS      float64 // tokens after the first per second of Next
	ContextTokens   int
	PeakAnonBytes   int64 // highest anonymous memory of the process seen so far

	computed     int // prompt tokens that were not cached
	promptTime   time.Duration
	generateTime time.Duration
	firstNext    time.Duration // of generateTime, until the first token
}

// Stats of the session's last answer so far.
func (s *Session) Stats() Stats {
	if s.begin() != nil {
		return Stats{}
	}
	defer s.end()
	s.stats.sampleMemory()
	return s.figures()
}

// figures are the statistics without a look at memory, for the goroutine that
// has the session.
func (s *Session) figures() Stats {
	st := &s.stats
	out := *st
	out.LoadMS = ms(s.engine.loadTime)
	out.PromptMS = ms(st.promptTime)
	out.GenerateMS = ms(st.generateTime)
	out.ContextTokens = len(s.tokens)
	if d := st.promptTime.Seconds(); d > 0 {
		out.PrefillTokS = float64(st.computed) / d
	}
	if d := (st.generateTime - st.firstNext).Seconds(); d > 0 && st.GeneratedTokens > 1 {
		out.DecodeTokS = float64(st.GeneratedTokens-1) / d
	}
	return out
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// generated notes that n tokens have been sampled, since Start.
func (st *Stats) generated(n int, sinceStart time.Duration) {
	st.GeneratedTokens = n
	if n == 1 {
		st.TTFTMS = ms(sinceStart)
	}
}

// took notes the time of one Next.
func (st *Stats) took(d time.Duration) {
	st.generateTime += d
	if st.GeneratedTokens <= 1 {
		st.firstNext = st.generateTime
	}
}

func (st *Stats) sampleMemory() {
	st.PeakAnonBytes = max(st.PeakAnonBytes, anonymousMemory())
}
