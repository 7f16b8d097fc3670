package main

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows a bar on standard error for what takes over a second, and
// only on a terminal.
type progress struct {
	label string
	begin time.Time
	bar   *progressbar.ProgressBar
}

const progressSteps = 1000

func newProgress(label string) *progress {
	return &progress{label: label, begin: time.Now()}
}

// set shows the part that is done, 0 to 1.
func (p *progress) set(done float64) {
	if p.bar == nil {
		if time.Since(p.begin) < time.Second || done >= 1 || !term.IsTerminal(int(os.Stderr.Fd())) {
			return
		}
		p.bar = progressbar.NewOptions(progressSteps,
			progressbar.OptionSetWriter(os.Stderr),
			progressbar.OptionSetDescription(p.label),
			progressbar.OptionSetWidth(30),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish(),
		)
	}
	// A bar that cannot be drawn is no reason to stop.
	_ = p.bar.Set(int(done * progressSteps))
}

// done takes the bar away.
func (p *progress) done() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}
