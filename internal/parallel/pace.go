package parallel

import "time"

// Kind tells repeated runs apart: those of one kind take about the same time for
// the same amount of work.
type Kind int

// Kinds is how many there may be.
const Kinds = 2

// pace finds how many workers do repeated runs fastest. On an idle machine all of
// them do. Where another program has a core, the others wait for the one that
// shares it at every barrier: a worker less is often twice as fast. Since results
// do not depend on the number of workers, it can change from run to run.
//
// As long as workers seldom wait for long, nothing is tried out. When they do, a few
// runs with one worker less are timed, and from then on a few with one more or one
// less now and then, at growing distances. What runs of one kind find holds for all.
type pace struct {
	size   int            // of the team
	now    int            // workers of most runs
	past   [Kinds]history // with them
	trial  int            // workers of the trial under way; 0: none
	of     Kind           // whose runs it is made of
	trials int            // runs that it has had
	least  float64        // the shortest of these
	up     bool           // the next trial is of one more
}

// history is what is known of the runs of a kind with the present number of workers.
type history struct {
	typical float64 // how long undisturbed runs take for their work; 0: not known
	runs    int     // since the last trial
	crowded int     // those of them whose workers waited long
	wait    int     // how many of them until the next trial
}

const (
	trialRuns   = 3   // the shortest of as many counts
	firstWait   = 8   // runs before the first trial
	longestWait = 256 // runs between trials, when they have been in vain
	longWait    = 0.2 // of a run: where all workers but one wait longer, cores are missing
)

func newPace(size int) pace {
	p := pace{size: size}
	p.use(size)
	return p
}

// use makes n the number of workers of most runs, of which nothing is known yet.
func (p *pace) use(n int) {
	p.now = n
	for k := range p.past {
		p.past[k] = history{wait: firstWait}
	}
}

// workers is the number for the next run of a kind.
func (p *pace) workers(k Kind) int {
	if p.trial > 0 && p.of == k {
		return p.trial
	}
	return p.now
}

// took is told how long a run took for how much work, and for how long its workers
// were parked at barriers, all together.
func (p *pace) took(k Kind, d, parked time.Duration, work int) {
	each := float64(d) / float64(work)
	if p.trial > 0 && p.of == k {
		p.tried(each)
		return
	}
	p.trial = 0 // of another kind: its runs are over
	h := &p.past[k]
	h.note(each)
	h.runs++
	if float64(parked) > longWait*float64(d)*float64(p.now-1) {
		h.crowded++
	}
	if h.runs < h.wait {
		return
	}
	if p.now < p.size || 2*h.crowded > h.runs {
		p.trial, p.of, p.trials = p.next(), k, 0
	}
	h.runs, h.crowded = 0, 0
}

// note adds a run to what is typical: fast runs count for more, since what makes
// a run slow is often not the number of its workers.
func (h *history) note(d float64) {
	switch {
	case h.typical == 0:
		h.typical = d
	case d < h.typical:
		h.typical += (d - h.typical) / 2
	default:
		h.typical += (d - h.typical) / 8
	}
}

// next is the number of workers to try, one less or one more, in turns; 0: none.
func (p *pace) next() int {
	p.up = !p.up
	switch {
	case p.now == p.size:
		return p.now - 1
	case p.now == 1 || p.up:
		return p.now + 1
	}
	return p.now - 1
}

// tried counts a run of a trial, and decides after the last, or after one that was
// much too long.
func (p *pace) tried(d float64) {
	h := &p.past[p.of]
	if p.trials == 0 || d < p.least {
		p.least = d
	}
	p.trials++
	if p.trials < trialRuns && d < 1.5*h.typical {
		return
	}
	gain := 0.95 // of one more worker
	if p.trial < p.now {
		gain = 0.9 // of one less: it has to be worth it
	}
	if p.least < gain*h.typical {
		p.use(p.trial)
		h.typical = p.least
	} else {
		h.wait = min(2*h.wait, longestWait)
	}
	p.trial = 0
}
