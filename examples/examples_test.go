package examples_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"happyphonellm/internal/infer"
	"happyphonellm/internal/testkit"
)

// What every chat program is asked, line by line, and how long it may answer.
var questions = []string{"What is the capital of France?", "And of Italy? Thank you, merci, 谢谢 🙂."}

const maxTokens = 24

// model is the file that the hosts run.
func model(t *testing.T) string {
	t.Helper()
	return testkit.Model(t, "smollm2-q4_1")
}

var built struct {
	once sync.Once
	dir  string // a copy of the library, of its own
	err  error
}

// library builds the library once, with the project's own script, and returns
// a folder that holds it.
func library(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: the hosts' tests run on Linux")
	}
	compiler(t, "gcc")
	built.once.Do(func() {
		if out, err := exec.Command(filepath.Join(testkit.Root(), "build", "library.sh"), "host").CombinedOutput(); err != nil {
			built.err = fmt.Errorf("build/library.sh host: %w\n%s", err, out)
			return
		}
		if built.dir, built.err = os.MkdirTemp("", "hpllm-hosts-"); built.err != nil {
			return
		}
		var so []byte
		const name = "libhappyphonellm.so"
		if so, built.err = os.ReadFile(filepath.Join(testkit.Root(), "build", "lib", "host", name)); built.err == nil {
			built.err = os.WriteFile(filepath.Join(built.dir, name), so, 0o755)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.dir
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// compiler skips the test where a C or C++ compiler is missing.
func compiler(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		testkit.Missing(t, name, "make deps")
	}
}

// compile makes a program of one C or C++ file, linked with the library.
func compile(t *testing.T, source string, tool string, flags ...string) string {
	t.Helper()
	lib := library(t)
	compiler(t, tool)
	program := filepath.Join(t.TempDir(), "program")
	args := append([]string{"-Wall", "-Wextra", "-Werror", "-O1", "-g", "-I" + filepath.Join(testkit.Root(), "include")}, flags...)
	args = append(args, source, "-o", program, "-L"+lib, "-lhappyphonellm", "-Wl,-rpath,"+lib, "-pthread")
	run(t, exec.Command(tool, args...))
	return program
}

// run returns what a command writes to stdout; it must end with 0.
func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, &stdout, &stderr)
	}
	return stdout.String()
}

var expected struct {
	once sync.Once
	text string
	err  error
}

// answers is what a chat program must print: the engine's own answers to the
// questions, a line each.
func answers(t *testing.T) string {
	t.Helper()
	path := model(t)
	expected.once.Do(func() { expected.text, expected.err = converse(path) })
	if expected.err != nil {
		t.Fatal(expected.err)
	}
	return expected.text
}

func converse(path string) (text string, err error) {
	engine, err := infer.Load(path, infer.Options{})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	session, err := engine.NewSession(infer.SessionOptions{})
	if err != nil {
		return "", err
	}
	defer session.Close()
	sampling := infer.DefaultSampling()
	sampling.Temperature = 0
	var messages []infer.Message
	for _, q := range questions {
		messages = append(messages, infer.Message{Role: "user", Content: q})
		prompt, err := engine.ChatPrompt(messages, infer.ChatOptions{})
		if err != nil {
			return "", err
		}
		var answer strings.Builder
		if _, err := session.Generate(infer.Request{Prompt: prompt, MaxTokens: maxTokens, Sampling: sampling},
			func(ev infer.Event) error {
				answer.WriteString(ev.Text)
				return nil
			}); err != nil {
			return "", err
		}
		if answer.Len() == 0 {
			return "", fmt.Errorf("%s has no answer to %q", path, q)
		}
		messages = append(messages, infer.Message{Role: "assistant", Content: answer.String()})
		text += answer.String() + "\n"
	}
	return text, nil
}

// chat asks a host's chat program the questions, and compares its answers.
// arguments of the program follow those of cmd.
func chat(t *testing.T, cmd *exec.Cmd, modelPath string) {
	t.Helper()
	cmd.Args = append(cmd.Args, modelPath, "--greedy", "--max", fmt.Sprint(maxTokens))
	cmd.Stdin = strings.NewReader(strings.Join(questions, "\n") + "\n")
	want := answers(t)
	if got := run(t, cmd); got != want {
		t.Errorf("%s answers\n%q, but the engine\n%q", cmd, got, want)
	}
}

// refused runs a program that must fail: its exit code, and what its message
// must have in it.
func refused(t *testing.T, cmd *exec.Cmd, code int, message string) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != code || !strings.Contains(string(out), message) {
		t.Errorf("%s: %v, want exit status %d and %q in\n%s", cmd, err, code, message, out)
	}
}

// badUses are the ways to call a chat program wrongly, that all hosts answer
// alike.
func badUses(t *testing.T, command func(args ...string) *exec.Cmd) {
	t.Helper()
	refused(t, command(), 2, "usage: ")
	refused(t, command("a.gguf", "--max", "none"), 2, "usage: ")
	refused(t, command("a.gguf", "--what"), 2, "usage: ")
	refused(t, command("/no/such/model.gguf"), 1, "HP_LLM_ERROR_IO")
}
