package parallel

import "time"

// pace finds how many workers do a repeated run fastest. On an idle machine all of
// them do. Where another program has a core, the others wait for the one that
// shares it at every barrier: a worker less is often twice as fast. Since results
// do not depend on the number of workers, it can change from run to run.
//
// As long as most runs go without parking at barriers, nothing is tried out. When
// workers do park, a few runs with one worker less are timed, and from then on a few
// with one more or one less now and then, at growing distances.
type pace struct {
	size    int           // of the team
	now     int           // workers of most runs
	typical time.Duration // how long undisturbed runs take with them; 0: not known
	runs    int           // with them, since the last trial
	crowded int           // those of these runs whose workers parked often
	wait    int           // how many runs to wait for the next trial
	trial   int           // workers of the trial under way; 0: none
	trials  int           // runs that it has had
	least   time.Duration // the shortest of these
	up      bool          // the next trial is of one more
}

const (
	trialRuns   = 3   // the shortest of as many counts
	firstWait   = 16  // runs before the first trial
	longestWait = 256 // runs between trials, when they have been in vain
	manyParks   = 16  // parks of a run that mean that cores are missing
)

func newPace(size int) pace {
	return pace{size: size, now: size, wait: firstWait}
}

// workers is the number for the next run.
func (p *pace) workers() int {
	if p.trial > 0 {
		return p.trial
	}
	return p.now
}

// took is told how long the run took, and how often its workers had to park.
func (p *pace) took(d time.Duration, parks int) {
	if p.trial > 0 {
		p.tried(d)
		return
	}
	p.note(d)
	p.runs++
	if parks >= manyParks {
		p.crowded++
	}
	if p.runs < p.wait {
		return
	}
	if p.now < p.size || 2*p.crowded > p.runs {
		p.trial, p.trials, p.least = p.next(), 0, 0
	}
	p.runs, p.crowded = 0, 0
}

// note adds a run to what is typical: fast runs count for more, since what makes
// a run slow is often not the number of its workers.
func (p *pace) note(d time.Duration) {
	switch {
	case p.typical == 0:
		p.typical = d
	case d < p.typical:
		p.typical += (d - p.typical) / 2
	default:
		p.typical += (d - p.typical) / 8
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
func (p *pace) tried(d time.Duration) {
	if p.trials == 0 || d < p.least {
		p.least = d
	}
	p.trials++
	if p.trials < trialRuns && 2*d < 3*p.typical {
		return
	}
	gain := 0.95 // of one more worker
	if p.trial < p.now {
		gain = 0.75 // of one less: it has to be worth it
	}
	if float64(p.least) < gain*float64(p.typical) {
		p.now, p.typical, p.wait = p.trial, p.least, firstWait
	} else {
		p.wait = min(2*p.wait, longestWait)
	}
	p.trial = 0
}
