package abitest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unsafe"

	"happyphonellm/internal/testkit"
)

func header() string { return filepath.Join(testkit.Root(), "include") }

// compile makes a program of a C source, against the library.
func compile(t *testing.T, compiler, source string, flags ...string) string {
	t.Helper()
	if _, err := exec.LookPath(compiler); err != nil {
		testkit.Missing(t, compiler, "make deps")
	}
	dir := filepath.Dir(libraryPath(t))
	program := filepath.Join(t.TempDir(), "program")
	arguments := append([]string{"-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-I" + header()}, flags...)
	// As needed: the host with signal handlers loads it by itself.
	arguments = append(arguments, source, "-o", program, "-L"+dir, "-Wl,--as-needed", "-lhappyphonellm", "-Wl,-rpath,"+dir)
	if out, err := exec.Command(compiler, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", compiler, strings.Join(arguments, " "), err, out)
	}
	return program
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run returns the program's output; what it writes to stderr fails the test.
func run(t *testing.T, program string, arguments ...string) string {
	t.Helper()
	cmd := exec.Command(program, arguments...)
	var errors strings.Builder
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s%s", err, out, errors.String())
	}
	if errors.Len() > 0 {
		t.Errorf("something was written to stderr: %s", errors.String())
	}
	return string(out)
}

// TestHeaderExample compiles the example that opens the header, and runs it.
func TestHeaderExample(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(header(), "hp_llm.h"))
	if err != nil {
		t.Fatal(err)
	}
	_, example, found := strings.Cut(string(text), "[example]\n")
	example, _, end := strings.Cut(example, " * [end]")
	if !found || !end {
		t.Fatal("the header has no example")
	}
	example = regexp.MustCompile(`(?m)^ \* ?`).ReplaceAllString(example, "")
	program := compile(t, "gcc", write(t, "example.c", example), "-std=c11")
	out := run(t, program, testkit.Model(t, "smollm2-q4_1"), "What is the capital of France?")
	if len(strings.TrimSpace(out)) < 2 {
		t.Errorf("the example said %q", out)
	}
	out = run(t, program, tinyModel(t, 64), "x")
	if !strings.HasSuffix(out, "\n") {
		t.Errorf("the example said %q", out)
	}
}

// TestLayout compares the structs that the tests use with the header's, in C and
// in C++, which includes it twice.
func TestLayout(t *testing.T) {
	sizes := map[string]uintptr{
		"error": unsafe.Sizeof(cError{}), "text": unsafe.Sizeof(cText{}), "init_options": unsafe.Sizeof(cInit{}),
		"model_info": unsafe.Sizeof(cInfo{}), "session_options": unsafe.Sizeof(cSessionOptions{}),
		"load_options": unsafe.Sizeof(cLoadOptions{}), "message": unsafe.Sizeof(cMessage{}),
		"chat_options": unsafe.Sizeof(cChatOptions{}), "logit_bias": unsafe.Sizeof(cBias{}),
		"sampling": unsafe.Sizeof(cSampling{}), "request": unsafe.Sizeof(cRequest{}),
		"event": unsafe.Sizeof(cEvent{}), "stats": unsafe.Sizeof(cStats{}),
	}
	source := "#include \"hp_llm.h\"\n#include \"hp_llm.h\"\n#include <stdio.h>\nint main(void) {\n"
	for name := range sizes {
		source += fmt.Sprintf("printf(\"%s %%d\\n\", (int)sizeof(hp_llm_%s));\n", name, name)
	}
	// A struct that may grow must not hide room at its end, and begins with its size.
	for last, name := range map[string]string{
		"message[504]": "error", "name[256]": "model_info", "peak_memory_bytes": "stats", "text[260]": "event",
		"bias_count": "sampling", "sampling": "request", "reserved": "chat_options", "batch": "session_options",
	} {
		field, _, _ := strings.Cut(last, "[")
		source += fmt.Sprintf("{ hp_llm_%[1]s s; if (offsetof(hp_llm_%[1]s, struct_size) || "+
			"offsetof(hp_llm_%[1]s, %[2]s) + sizeof s.%[2]s != sizeof s) printf(\"room %[1]s\\n\"); }\n", name, field)
	}
	source += "return 0; }\n"
	for compiler, flags := range map[string][]string{"gcc": {"-std=c11"}, "g++": {"-std=c++17", "-x", "c++"}} {
		out := run(t, compile(t, compiler, write(t, "layout.c", source), flags...))
		for line := range strings.Lines(out) {
			var name string
			var size uintptr
			if _, err := fmt.Sscan(line, &name, &size); err != nil || sizes[name] != size {
				t.Errorf("%s: %q, the tests' struct has %d bytes", compiler, line, sizes[name])
			}
		}
	}
}

// TestHostsWithSignalHandlers runs a program with handlers of its own.
func TestHostsWithSignalHandlers(t *testing.T) {
	source := filepath.Join(testkit.Root(), "capi", "abitest", "testdata", "signals.c")
	program := compile(t, "gcc", source, "-std=gnu11", "-Wno-pedantic")
	for _, when := range []string{"before", "after"} {
		t.Run(when, func(t *testing.T) {
			if out := run(t, program, when, libraryPath(t), tinyModel(t, 64), tinyModel(t, 128)); out != "ok\n" {
				t.Error(out)
			}
		})
	}
}
