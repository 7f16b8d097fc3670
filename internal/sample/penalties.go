package sample

// penalties lowers the logits of the tokens in the last n: by a factor
// (Keskar et al. 2019, arXiv:1909.05858, made symmetric around 0), and by
// presence and per-occurrence amounts (as OpenAI's API).
type penalties struct {
	repeat, presence, frequency float32
	window                      ring
	count                       []int32 // [vocab] occurrences in the window
}

func newPenalties(p *Params, vocab int) *penalties {
	return &penalties{
		repeat: p.RepeatPenalty, presence: p.PresencePenalty, frequency: p.FrequencyPenalty,
		window: newRing(p.RepeatLastN), count: make([]int32, vocab),
	}
}

func (p *penalties) accept(id int32) {
	if gone, full := p.window.push(id); full {
		p.count[gone]--
	}
	p.count[id]++
}

func (p *penalties) reset() {
	p.window.clear()
	clear(p.count)
}

func (p *penalties) apply(s *set) {
	s.sorted = false
	if !s.dense {
		for i := range s.c {
			if n := p.count[s.c[i].id]; n > 0 {
				s.c[i].logit = p.lower(s.c[i].logit, n)
			}
		}
		return
	}
	// The sign marks a token that has had its turn; a second pass restores it.
	for i := range p.window.len() {
		id := p.window.back(i)
		if n := p.count[id]; n > 0 {
			s.logits[id] = p.lower(s.logits[id], n)
			p.count[id] = -n
		}
	}
	for i := range p.window.len() {
		if id := p.window.back(i); p.count[id] < 0 {
			p.count[id] = -p.count[id]
		}
	}
}

func (p *penalties) lower(l float32, n int32) float32 {
	if l <= 0 {
		l = float32(l * p.repeat)
	} else {
		l /= p.repeat
	}
	return l - (float32(float32(n)*p.frequency) + p.presence)
}

// ring holds the last tokens.
type ring struct {
	ids  []int32
	next int // where the next one goes
	size int
}

func newRing(n int) ring { return ring{ids: make([]int32, n)} }

// push adds id and returns the token that fell out, if the ring was full.
func (r *ring) push(id int32) (gone int32, full bool) {
	gone, full = r.ids[r.next], r.size == len(r.ids)
	r.ids[r.next] = id
	r.next = (r.next + 1) % len(r.ids)
	r.size = min(r.size+1, len(r.ids))
	return gone, full
}

// back returns the token i steps back; 0 is the last.
func (r *ring) back(i int) int32 {
	at := r.next - 1 - i
	if at < 0 {
		at += len(r.ids)
	}
	return r.ids[at]
}

func (r *ring) len() int { return r.size }

func (r *ring) clear() { r.next, r.size = 0, 0 }
