package main

import (
	"fmt"
	"strings"
)

// asm collects the instructions of one function, or of one stream of them.
type asm struct{ lines []string }

// op adds an instruction of macros_arm64.h; register operands are numbers.
func (a *asm) op(name string, operands ...int) {
	s := make([]string, len(operands))
	for i, r := range operands {
		s[i] = fmt.Sprint(r)
	}
	a.lines = append(a.lines, "\t"+name+"("+strings.Join(s, ", ")+")")
}

// ins adds an instruction of Go's own assembler.
func (a *asm) ins(format string, args ...any) {
	a.lines = append(a.lines, "\t"+fmt.Sprintf(format, args...))
}

func (a *asm) label(name string) { a.lines = append(a.lines, name+":") }

func (a *asm) note(format string, args ...any) {
	a.lines = append(a.lines, "\t// "+fmt.Sprintf(format, args...))
}

// weave appends independent streams, one instruction of each in turn, so that
// cores that issue in order find work while a stream waits for its load.
func (a *asm) weave(streams ...*asm) {
	for i := 0; ; i++ {
		done := true
		for _, s := range streams {
			if i < len(s.lines) {
				a.lines = append(a.lines, s.lines[i])
				done = false
			}
		}
		if done {
			return
		}
	}
}

// weaveN weaves n streams at a time.
func (a *asm) weaveN(n int, streams []*asm) {
	for i := 0; i < len(streams); i += n {
		a.weave(streams[i:min(i+n, len(streams))]...)
	}
}

// text is the finished function.
func (a *asm) text(doc, name string, frame, args int) string {
	var b strings.Builder
	b.WriteString("\n")
	for _, l := range strings.Split(strings.TrimSpace(doc), "\n") {
		b.WriteString("// " + l + "\n")
	}
	fmt.Fprintf(&b, "TEXT ·%s(SB), NOSPLIT, $%d-%d\n", name, frame, args)
	for _, l := range a.lines {
		b.WriteString(l + "\n")
	}
	return b.String()
}
