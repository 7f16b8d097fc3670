package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/ergochat/readline"
	"golang.org/x/term"
)

// lineReader reads messages: from a terminal with editing and history, from
// anything else plainly.
type lineReader struct {
	editor *readline.Instance // nil: not a terminal
	plain  *bufio.Reader
}

const (
	linePrompt     = "> "
	continuePrompt = ". "
)

func newLineReader() (*lineReader, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return &lineReader{plain: bufio.NewReader(os.Stdin)}, nil
	}
	editor, err := readline.NewFromConfig(&readline.Config{
		Prompt:      linePrompt,
		HistoryFile: historyFile(),
		// The prompt and the edited line are no part of the answer.
		Stdout:                 os.Stderr,
		DisableAutoSaveHistory: true,
		AutoComplete: readline.NewPrefixCompleter(
			readline.PcItem("/help"), readline.PcItem("/clear"), readline.PcItem("/stats"), readline.PcItem("/quit"),
		),
	})
	if err != nil {
		return nil, err
	}
	return &lineReader{editor: editor}, nil
}

// historyFile is in the cache folder; "" where that cannot be written.
func historyFile() string {
	dir, err := cacheFolder()
	if err != nil || os.MkdirAll(dir, 0o700) != nil {
		return ""
	}
	return filepath.Join(dir, "chat-history")
}

func (l *lineReader) interactive() bool { return l.editor != nil }

func (l *lineReader) close() {
	if l.editor != nil {
		l.editor.Close()
	}
}

// read returns the next message; io.EOF at the end of input or Ctrl-D.
func (l *lineReader) read() (string, error) {
	if l.editor != nil {
		l.editor.SetPrompt(linePrompt)
	}
	var text strings.Builder
	for {
		line, err := l.line()
		if errors.Is(err, readline.ErrInterrupt) {
			text.Reset()
			l.editor.SetPrompt(linePrompt)
			note("(Ctrl-D or /quit leaves)")
			continue
		}
		if err != nil && (line == "" || !errors.Is(err, io.EOF)) {
			return "", err
		}
		more, continued := strings.CutSuffix(line, `\`)
		text.WriteString(more)
		if !continued {
			break
		}
		text.WriteByte('\n')
		if l.editor != nil {
			l.editor.SetPrompt(continuePrompt)
		}
	}
	if l.editor != nil && strings.TrimSpace(text.String()) != "" {
		// History is a comfort: a file that cannot be written is no error.
		_ = l.editor.SaveToHistory(strings.ReplaceAll(text.String(), "\n", " "))
	}
	return text.String(), nil
}

func (l *lineReader) line() (string, error) {
	if l.editor != nil {
		return l.editor.ReadLine()
	}
	line, err := l.plain.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}
