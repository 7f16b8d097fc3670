package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"happyphonellm/internal/infer"
)

// answer generates and streams the text to standard output. Ctrl-C ends it with
// FinishStopped and no error; the text is what was printed.
func answer(i *interrupt, s *infer.Session, r infer.Request) (text string, why infer.Finish, err error) {
	defer i.during(s.Stop)()
	var b strings.Builder
	bar := newProgress(fmt.Sprintf("Reading %d tokens of prompt", len(r.Prompt)))
	defer bar.done()
	r.Progress = func(done, of int) { bar.set(float64(done) / float64(of)) }
	why, err = s.Generate(r, func(ev infer.Event) error {
		bar.done()
		b.WriteString(ev.Text)
		if _, err := io.WriteString(os.Stdout, ev.Text); err != nil {
			return err
		}
		// A Ctrl-C between two steps is not seen by them.
		if i.pending() && ev.Finish == infer.Running {
			return infer.ErrStopped
		}
		return nil
	})
	if errors.Is(err, infer.ErrStopped) {
		why, err = infer.FinishStopped, nil
	}
	text = b.String()
	if text != "" && !strings.HasSuffix(text, "\n") && err == nil {
		_, err = io.WriteString(os.Stdout, "\n")
	}
	return text, why, err
}
