package sample

// mirostat steers the surprise of the text to tau bits (Basu et al. 2020,
// arXiv:2007.14966): mu, the largest surprise allowed, moves by eta times the
// error of each token. It picks the token itself.
type mirostat struct {
	version  int
	tau, eta float32
	mu       float32
	rng      rng
}

// The most probable tokens that version 1 estimates Zipf's exponent from.
const mirostatRanks = 100

func newMirostat(p *Params) *mirostat {
	return &mirostat{version: p.Mirostat, tau: p.MirostatTau, eta: p.MirostatEta}
}

func (m *mirostat) reset(seed uint32) {
	m.mu = 2 * m.tau
	m.rng.seed(seed)
}

func (m *mirostat) pick(s *set) int32 {
	if m.version == 1 {
		topK(s, m.rank(s))
	} else {
		m.cut(s)
	}
	c := s.order()
	softmax(c)
	i := drawIndex(c, &m.rng)
	surprise := float32(-log2of(float64(c[i].p)))
	m.mu -= float32(m.eta * (surprise - m.tau))
	return c[i].id
}

// rank is how many tokens version 1 keeps: s, Zipf's exponent, is fitted to
// the best ones, and k is the rank whose surprise is mu.
func (m *mirostat) rank(s *set) int {
	n := s.len()
	c := s.top(min(mirostatRanks, n))
	if infinite(c[0].logit) {
		return 1
	}
	var tb, tt float64
	for i := range len(c) - 1 {
		b := float64(c[i].logit) - float64(c[i+1].logit) // log(p_i / p_i+1)
		if b > 1e30 {
			break // what follows is banned
		}
		t := log64(float64(i+2) / float64(i+1))
		tb += float64(t * b)
		tt += float64(t * t)
	}
	exponent := tb / tt
	e := exponent - 1
	k := pow64(e*pow64(2, float64(m.mu))/(1-pow64(float64(n), -e)), 1/exponent)
	switch {
	case !(k >= 1):
		return 1
	case k >= float64(n):
		return n
	}
	return int(k)
}

// cut is version 2: it drops the tokens whose surprise is above mu.
func (m *mirostat) cut(s *set) {
	top := s.maximum()
	if infinite(top) {
		topK(s, 1)
		return
	}
	var sum float64
	for _, l := range s.logits {
		sum += float64(weight(l, top))
	}
	// -log2(e^(l-top) / sum) <= mu, solved for l.
	least := float64(top) + log64(sum) - float64(float64(m.mu)/log2e)
	n := 0
	for _, l := range s.logits {
		if float64(l) >= least {
			n++
		}
	}
	topK(s, max(n, 1))
}
