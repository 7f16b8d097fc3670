package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a program on a pseudo-terminal.
type terminal struct {
	t      *testing.T
	master *os.File
	screen *watched
	cmd    *exec.Cmd
	seen   int // of the screen, by expect
}

// onTerminal starts the program with a terminal as its standard streams.
func onTerminal(t *testing.T, cache string, args ...string) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 200}); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "HPLLM_CACHE="+cache, "TERM=xterm")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	term := &terminal{t: t, master: master, screen: newWatched(), cmd: cmd}
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, err := master.Read(buffer)
			if err != nil {
				return
			}
			_, _ = term.screen.Write(buffer[:n])
			// The editor asks where the cursor is, as of a real terminal.
			if bytes.Contains(buffer[:n], []byte("\x1b[6n")) {
				_, _ = master.WriteString("\x1b[1;1R")
			}
		}
	}()
	t.Cleanup(func() { cmd.Process.Kill() })
	return term
}

func (x *terminal) keys(text string) {
	x.t.Helper()
	if _, err := x.master.WriteString(text); err != nil {
		x.t.Fatal(err)
	}
}

// expect waits until the screen shows text, after what was expected before.
func (x *terminal) expect(text string) {
	x.t.Helper()
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		screen := x.screen.String()
		if at := strings.Index(screen[x.seen:], text); at >= 0 {
			x.seen += at + len(text)
			return
		}
		if time.Since(begin) > 20*time.Second {
			x.t.Fatalf("no %q on the screen after %q; all of it: %q", text, screen[:x.seen], screen)
		}
	}
}

func (x *terminal) leaves(code int) {
	x.t.Helper()
	done := make(chan struct{})
	go func() { _ = x.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		x.t.Fatalf("still there; screen: %q", x.screen)
	}
	if got := x.cmd.ProcessState.ExitCode(); got != code {
		x.t.Errorf("exit code %d, want %d; screen: %q", got, code, x.screen)
	}
}

func TestChatOnATerminal(t *testing.T) {
	// Long enough that an answer lasts until it is stopped.
	model := tinyModel{context: 200000}.write(t)
	cache := t.TempDir()
	args := []string{"chat", "-m", model, "-c", "200000", "--seed", "1", "--logit-bias", "257-inf"}
	x := onTerminal(t, cache, args...)
	x.expect("Tiny (llama, F32")
	x.expect("> ")

	// Ctrl-C on an empty line only reminds.
	x.keys("\x03")
	x.expect("Ctrl-D or /quit leaves")
	x.expect("> ")

	// Editing: "Hxllo", back over it, and right.
	x.keys("Hxllo\x1b[D\x1b[D\x1b[D\x7fe\r")
	time.Sleep(300 * time.Millisecond)
	x.keys("\x03")
	x.expect("[stopped]")
	x.expect("> ")
	x.keys("/stats\r")
	x.expect("end: stopped")
	x.keys("\x04")
	x.leaves(0)

	history, err := os.ReadFile(filepath.Join(cache, "chat-history"))
	if err != nil || !strings.HasPrefix(string(history), "Hello\n") {
		t.Errorf("history %q, %v", history, err)
	}
	// The arrow up brings back what another run was told.
	x = onTerminal(t, cache, args...)
	x.expect("> ")
	x.keys("\x1b[A\x1b[A")
	x.expect("Hello")
	x.keys("\x03")
	x.expect("> ")
	x.keys("/quit\r")
	x.leaves(0)
}

// What the model thinks is dimmed, and kept apart from what it says.
func TestChatShowsReasoning(t *testing.T) {
	model := tinyModel{chat: thinker}.write(t)
	x := onTerminal(t, t.TempDir(), "chat", "-m", model, "-n", "5", "--logit-bias", "65+1000", "--stats", "text")
	x.expect("> ")
	x.keys("Hi\r")
	x.expect("\x1b[2mAAAAA\x1b[22m")
	x.expect("prompt ")
	x.keys("Ho\r")
	x.expect("\x1b[2mAAAAA\x1b[22m")
	x.keys("/quit\r")
	x.leaves(0)
}

// A bar on the terminal for what takes over a second, and none in a pipe.
func TestProgressBar(t *testing.T) {
	model := tinyModel{context: 200000}.write(t)
	args := []string{"bench", "-m", model, "-p", "500", "-n", "0", "-r", "1000", "-o", "csv"}
	// One prompt that takes longer: a spinner.
	y := onTerminal(t, t.TempDir(), "run", "-m", model, "-c", "200000", "-p", strings.Repeat("long ", 10000))
	y.expect("Reading 500")
	y.keys("\x03")
	y.leaves(130)
	x := onTerminal(t, t.TempDir(), args...)
	x.expect("pp500")
	x.expect("%")
	x.keys("\x03")
	x.leaves(130)

	_, stderr, _ := interruptRun(t, args, after(1500*time.Millisecond))
	if stderr != "" {
		t.Errorf("in a pipe: %q", stderr)
	}
}
