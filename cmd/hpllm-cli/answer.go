package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"happyphonellm/internal/infer"
)

// Escape sequences around reasoning on a terminal.
const dim, undim = "\x1b[2m", "\x1b[22m"

// view shows an answer while it is generated, and keeps it.
type view struct {
	reply infer.Message
	aside *os.File // a terminal that reasoning is shown on, dimmed; nil: none
	dimly bool     // reasoning is being shown
	line  bool     // standard output is within a line
}

// ifTerminal is f where that is a terminal, else nil.
func ifTerminal(f *os.File) *os.File {
	if term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

func (v *view) event(ev infer.Event) error {
	v.reply.Reasoning += ev.Reasoning
	if v.aside != nil && ev.Reasoning != "" {
		text := ev.Reasoning
		if !v.dimly {
			text, v.dimly = dim+text, true
		}
		if _, err := io.WriteString(v.aside, text); err != nil {
			return err
		}
	}
	v.reply.Content += ev.Text
	if err := v.print(ev.Text); err != nil {
		return err
	}
	for _, c := range ev.Calls {
		v.reply.ToolCalls = append(v.reply.ToolCalls, c)
		text, err := json.Marshal(struct {
			ID        string          `json:"id,omitempty"`
			Name      string          `json:"name"`
			Arguments json.RawMessage `json:"arguments"`
		}{c.ID, c.Name, c.Arguments})
		if err != nil {
			return err
		}
		if err := errors.Join(v.endLine(), v.print(string(text)+"\n")); err != nil {
			return err
		}
	}
	return nil
}

// print writes text of the answer itself.
func (v *view) print(text string) error {
	if text == "" {
		return nil
	}
	if err := v.endAside(); err != nil {
		return err
	}
	v.line = !strings.HasSuffix(text, "\n")
	_, err := io.WriteString(os.Stdout, text)
	return err
}

// endAside ends what is shown of the reasoning.
func (v *view) endAside() error {
	if !v.dimly {
		return nil
	}
	v.dimly = false
	_, err := io.WriteString(v.aside, undim+"\n\n")
	return err
}

// endLine ends a line that has been begun.
func (v *view) endLine() error {
	if !v.line {
		return nil
	}
	v.line = false
	_, err := io.WriteString(os.Stdout, "\n")
	return err
}

// answer generates and streams the text to standard output, tool calls as a line of
// JSON each, and reasoning to aside. Ctrl-C ends it with FinishStopped and no error; the
// reply is what there was.
func answer(i *interrupt, s *infer.Session, r infer.Request, aside *os.File) (reply infer.Message, why infer.Finish, err error) {
	defer i.during(s.Stop)()
	v := view{reply: infer.Message{Role: "assistant"}, aside: aside}
	bar := newProgress(fmt.Sprintf("Reading %d tokens of prompt", len(r.Prompt)))
	defer bar.done()
	r.Progress = func(done, of int) { bar.set(float64(done) / float64(of)) }
	why, err = s.Generate(r, func(ev infer.Event) error {
		bar.done()
		if err := v.event(ev); err != nil {
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
	err = errors.Join(err, v.endAside())
	if err == nil {
		err = v.endLine()
	}
	return v.reply, why, err
}
