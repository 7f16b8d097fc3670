package main

import (
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows a bar on standard error for what takes over a second, and
// only on a terminal. Where nothing tells how much is done, the bar is a
// spinner.
type progress struct {
	label string
	timer *time.Timer // nil: no terminal

	mu    sync.Mutex // the timer's goroutine draws too
	part  float64    // done, 0 to 1; below 0: unknown
	size  int64      // what there is to do, in bytes; 0: not counted in bytes
	bar   *progressbar.ProgressBar
	shown bool // a second has passed
	ended bool
}

const progressSteps = 1000

func newProgress(label string) *progress {
	p := &progress{label: label, part: -1}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		p.timer = time.AfterFunc(time.Second, p.tick)
	}
	return p
}

// tick shows the bar, and keeps a spinner turning.
func (p *progress) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.shown = true
	p.begin()
	p.draw()
	p.timer.Reset(200 * time.Millisecond)
}

// begin makes the bar. That is done at once, although it is shown later: it takes
// the time from here for its rate.
func (p *progress) begin() {
	if p.bar != nil {
		return
	}
	p.bar = progressbar.NewOptions64(max(progressSteps, p.size),
		progressbar.OptionSetWriter(p),
		progressbar.OptionSetDescription(p.label),
		progressbar.OptionSetWidth(30),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionShowBytes(p.size > 0),
		progressbar.OptionClearOnFinish(),
	)
	if p.part < 0 {
		p.bar.ChangeMax(-1)
	}
	p.bar.StartWithoutRender()
}

// Write is the bar's output; p.mu is locked.
func (p *progress) Write(text []byte) (int, error) {
	if !p.shown {
		return len(text), nil
	}
	return os.Stderr.Write(text)
}

func (p *progress) draw() {
	// A bar that cannot be drawn is no reason to stop.
	if p.part < 0 {
		_ = p.bar.Add(1)
	} else {
		_ = p.bar.Set64(int64(p.part * float64(max(progressSteps, p.size))))
	}
}

// set tells the part that is done, 0 to 1.
func (p *progress) set(done float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil && p.part < 0 {
		p.bar.ChangeMax(progressSteps)
	}
	if p.part = done; p.timer != nil && !p.ended {
		p.begin()
	}
}

// bytes tells how many of how many bytes are done: the bar then has their rate.
func (p *progress) bytes(done, total int64) {
	p.mu.Lock()
	if p.bar == nil {
		p.size = total
	}
	p.mu.Unlock()
	p.set(float64(done) / float64(max(total, 1)))
}

// done takes the bar away; it does not come back.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
	if p.bar != nil && !p.ended {
		_ = p.bar.Clear()
	}
	p.ended = true
}
