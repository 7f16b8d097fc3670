package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"happyphonellm/internal/infer"
)

func newChat(i *interrupt) *cobra.Command {
	var c chatSession
	m := modelFlags{text: true}
	var sampling samplingFlags
	var think string
	cmd := &cobra.Command{
		Use:   "chat [-m FILE]",
		Short: "Talk with the model",
		Long: `Talk with the model. A line is a message; a backslash at its end continues it
on the next line. Arrow keys edit and bring back earlier lines. On a terminal a
model's reasoning is shown dimmed before its answer.

` + chatHelp + `

Ctrl-C stops the answer, Ctrl-D leaves.`,
		Example: `  hpllm-cli chat
  hpllm-cli chat -m model.gguf --system "You answer in one sentence." --temp 0.3`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.stats.check(); err != nil {
				return err
			}
			if err := checkTokens(c.request.MaxTokens); err != nil {
				return err
			}
			var err error
			if c.request.Sampling, err = sampling.params(cmd.Flags()); err != nil {
				return err
			}
			if c.options, err = thinking(think); err != nil {
				return err
			}
			path, err := m.orDemo()
			if err != nil {
				return err
			}
			if c.engine, c.session, err = m.open(i, path); err != nil {
				return err
			}
			defer c.engine.Close()
			return c.talk(i)
		},
	}
	m.addPath(cmd, "model file (GGUF); without it, the demo model")
	f := cmd.Flags()
	f.StringVar(&c.system, "system", "", "system message")
	f.IntVarP(&c.request.MaxTokens, "n-predict", "n", -1, "largest number of tokens of an answer (-1: until the context is full)")
	f.IntVarP(&m.context, "ctx-size", "c", 0, "context, tokens (0: the model's, at most 4096)")
	f.StringArrayVar(&c.request.Stop, "stop", nil, "text that ends an answer and is not part of it; may be repeated")
	addThinking(f, &think)
	f.StringVar((*string)(&c.stats), "stats", "none", "statistics after each answer, on standard error: text, json or none")
	m.addCompute(cmd)
	sampling.add(cmd)
	return cmd
}

const chatHelp = `Commands: /help  this list
          /clear forget the conversation
          /stats figures of the last answer
          /quit  leave`

// chatSession is one conversation.
type chatSession struct {
	engine   *infer.Engine
	session  *infer.Session
	request  infer.Request // all but the prompt
	system   string
	options  infer.ChatOptions
	stats    statsFormat
	messages []infer.Message
	last     infer.Finish
}

func (c *chatSession) talk(i *interrupt) error {
	lines, err := newLineReader()
	if err != nil {
		return err
	}
	defer lines.close()
	if lines.interactive() {
		note("%s, %d tokens of context. /help lists the commands, Ctrl-D leaves.", title(c.engine.Info()), c.session.Context())
	}
	c.clear()
	for {
		text, err := lines.read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case strings.TrimSpace(text) == "":
		case strings.HasPrefix(text, "/"):
			if leave := c.command(strings.TrimSpace(text)); leave {
				return nil
			}
		default:
			if err := c.say(i, text); err != nil {
				return err
			}
		}
	}
}

// command obeys a line that begins with a slash; leave is for /quit.
func (c *chatSession) command(line string) (leave bool) {
	switch line {
	case "/quit", "/exit":
		return true
	case "/help":
		note("%s", chatHelp)
	case "/clear":
		c.clear()
		note("The conversation is forgotten.")
	case "/stats":
		if c.last == infer.Running {
			note("No answer yet.")
			break
		}
		statsFormat("text").print(c.engine, c.session, c.last, c.request.Sampling.Seed)
	default:
		note("Unknown command %s; /help lists them.", line)
	}
	return false
}

func (c *chatSession) clear() {
	c.messages = nil
	if c.system != "" {
		c.messages = []infer.Message{{Role: "system", Content: c.system}}
	}
}

// say adds a message and streams the answer to it. What the model could not
// take in is forgotten again.
func (c *chatSession) say(i *interrupt, text string) error {
	c.messages = append(c.messages, infer.Message{Role: "user", Content: text})
	forget := func() { c.messages = c.messages[:len(c.messages)-1] }
	var err error
	if c.request, err = c.engine.ChatRequest(c.request, c.messages, c.options); err != nil {
		return err
	}
	reply, why, err := answer(i, c.session, c.request, ifTerminal(os.Stdout))
	i.interrupted() // Ctrl-C was for this answer
	if errors.Is(err, infer.ErrContextFull) {
		forget()
		note("%v. /clear begins anew; -c N gives a larger context.", err)
		return nil
	}
	if err != nil {
		return err
	}
	c.last = why
	if reply.Content == "" && reply.Reasoning == "" && reply.ToolCalls == nil && why == infer.FinishStopped {
		forget()
	} else {
		c.messages = append(c.messages, reply)
	}
	switch why {
	case infer.FinishStopped:
		note("[stopped]")
	case infer.FinishContext:
		note("[the context of %d tokens is full: /clear begins anew, -c N gives a larger one]", c.session.Context())
	}
	if c.stats != "none" {
		c.stats.print(c.engine, c.session, why, c.request.Sampling.Seed)
	}
	return nil
}

// title names a model for people.
func title(d infer.Details) string {
	name := d.Name
	if name == "" {
		name = d.Path
	}
	return fmt.Sprintf("%s (%s, %s, %s parameters)", name, d.Architecture, d.Quantization, short(d.Parameters))
}
