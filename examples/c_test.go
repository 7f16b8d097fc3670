package examples_test

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"happyphonellm/internal/testkit"
)

// Builds of the C and C++ programs. Go's own code is not instrumented: the
// sanitizers watch the host, and the memory that the library fills in for it.
var (
	plain     = []string{}
	addresses = []string{"-fsanitize=address,undefined", "-fno-sanitize-recover=all"}
	races     = []string{"-fsanitize=thread"}
)

func TestC(t *testing.T) {
	path := model(t)
	const source = "c/chat.c"
	strict := []string{"-std=c11", "-pedantic"}
	for name, flags := range map[string][]string{"plain": plain, "sanitized": addresses} {
		t.Run(name, func(t *testing.T) {
			program := compile(t, source, "gcc", append(flags, strict...)...)
			chat(t, exec.Command(program), path)
			badUses(t, func(args ...string) *exec.Cmd { return exec.Command(program, args...) })
		})
	}
	t.Run("clang", func(t *testing.T) { compile(t, source, "clang", strict...) })
}

func TestCpp(t *testing.T) {
	path := model(t)
	strict := []string{"-std=c++17", "-pedantic"}
	t.Run("chat", func(t *testing.T) {
		program := compile(t, "cpp/chat.cpp", "g++", append(addresses, strict...)...)
		chat(t, exec.Command(program), path)
		badUses(t, func(args ...string) *exec.Cmd { return exec.Command(program, args...) })
	})
	for name, flags := range map[string][]string{"check, sanitized": addresses, "check, threads": races} {
		t.Run(name, func(t *testing.T) {
			program := compile(t, "cpp/check.cpp", "g++", append(flags, strict...)...)
			if got := run(t, exec.Command(program, path)); got != "ok\n" {
				t.Errorf("check says %q", got)
			}
		})
	}
	t.Run("clang", func(t *testing.T) { compile(t, "cpp/check.cpp", "clang++", strict...) })
}

// TestInterrupt sends SIGINT at the beginning of an answer that is thousands of
// bytes long: it ends there, and the program as at any other end of its input.
func TestInterrupt(t *testing.T) {
	path := model(t)
	program := compile(t, "c/chat.c", "gcc", "-std=c11", "-pedantic")
	cmd := exec.Command(program, path, "--greedy")
	cmd.Stdin = strings.NewReader("Write a very long story about the sea.\n")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	reader := bufio.NewReader(out)
	if _, err := reader.ReadByte(); err != nil {
		t.Fatalf("no answer: %v\n%s", err, &stderr)
	}
	sent := time.Now()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	if len(rest) > 2000 || !bytes.HasSuffix(rest, []byte("\n")) {
		t.Errorf("after SIGINT the answer went on for %d bytes: %q", len(rest), rest)
	}
	t.Logf("the program ended %v after SIGINT, with %d more bytes", time.Since(sent), len(rest))
}

// TestHeaderExample takes the program out of the header's first comment, as a
// reader would, compiles it as C and C++ and runs it.
func TestHeaderExample(t *testing.T) {
	path := model(t)
	header, err := os.ReadFile(filepath.Join(testkit.Root(), "include", "hp_llm.h"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begun := strings.Cut(string(header), " * [example]\n")
	body, _, ended := strings.Cut(rest, " * [end]\n")
	if !begun || !ended {
		t.Fatal("include/hp_llm.h has no [example] ... [end]")
	}
	var source strings.Builder
	for line := range strings.Lines(body) {
		source.WriteString(strings.TrimPrefix(strings.TrimPrefix(line, " *"), " "))
	}
	for _, c := range []struct {
		name, file, tool string
		flags            []string
	}{
		{"C11", "example.c", "gcc", append([]string{"-std=c11", "-pedantic"}, addresses...)},
		// In C++ g++ warns of fields that no initializer names; they are 0 there as in C.
		{"C++17", "example.cpp", "g++", append([]string{"-std=c++17", "-Wno-missing-field-initializers"}, addresses...)},
		{"C11, clang", "example.c", "clang", []string{"-std=c11", "-pedantic"}},
		{"C++17, clang", "example.cpp", "clang++", []string{"-std=c++17"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), c.file)
			if err := os.WriteFile(file, []byte(source.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			program := compile(t, file, c.tool, c.flags...)
			if strings.HasPrefix(c.tool, "clang") {
				return
			}
			if got := run(t, exec.Command(program, path, "What is the sea?")); len(got) < 8 || !utf8.ValidString(got) || !strings.HasSuffix(got, "\n") {
				t.Errorf("the example answers %q", got)
			}
			refused(t, exec.Command(program, "/no/such/model.gguf", "Why?"), 1, "HP_LLM_ERROR_IO")
		})
	}
}
