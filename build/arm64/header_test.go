// Package arm64 checks the macro header of the arm64 kernels and the files
// generated from build/arm64/gen.
package arm64

import (
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const kernels = "../../internal/kernels"

// macro is one line of the header.
type macro struct {
	name, expr, asm string
	params          []string
}

var macroLine = regexp.MustCompile(`^#define (\w+)\(([\w, ]*)\)\s+WORD \$\((.*)\) // (.*)$`)

func readMacros(t *testing.T) []macro {
	t.Helper()
	data, err := os.ReadFile(kernels + "/macros_arm64.h")
	if err != nil {
		t.Fatal(err)
	}
	var list []macro
	for _, line := range strings.Split(string(data), "\n") {
		if !strings.HasPrefix(line, "#define") {
			continue
		}
		m := macroLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("a macro without its instruction: %s", line)
		}
		list = append(list, macro{name: m[1], params: strings.Split(m[2], ", "), expr: m[3], asm: m[4]})
	}
	return list
}

// immediates are the values to try for the parameters i and j of a macro.
func (m macro) immediates() []int {
	switch {
	case strings.Contains(m.asm, ".d[i]"):
		return []int{0, 1}
	case strings.Contains(m.asm, "[i]") && strings.Contains(m.asm, ".h["):
		return []int{0, 1, 5, 7}
	case strings.Contains(m.asm, "[i]"):
		return []int{0, 1, 2, 3}
	case strings.HasPrefix(m.asm, "ldr") && strings.Contains(m.asm, "(h), [x(n), #i]"):
		return []int{2, 208}
	case strings.HasPrefix(m.asm, "ld"):
		return []int{-2, 1, 18, 255}
	case strings.HasPrefix(m.asm, "movi"):
		return []int{1, 15, 128, 255}
	}
	return []int{1, 4, 7}
}

// with is the macro's word and instruction for given operands.
func (m macro) with(t *testing.T, value map[string]int) (word uint64, asm string) {
	t.Helper()
	expr, asm := m.expr, m.asm
	for _, p := range m.params {
		v := value[p]
		expr = strings.ReplaceAll(expr, "("+p+")", fmt.Sprintf("(%d)", v))
		switch p {
		case "i", "j":
			asm = regexp.MustCompile(`(#|\[)`+p+`\b`).ReplaceAllString(asm, fmt.Sprintf("${1}%d", v))
		default:
			asm = regexp.MustCompile(`\b`+p+`\.`).ReplaceAllString(asm, fmt.Sprintf("v%d.", v))
			asm = regexp.MustCompile(`\b`+p+`\((\w)\)`).ReplaceAllString(asm, fmt.Sprintf("${1}%d", v))
			asm = strings.ReplaceAll(asm, "x("+p+")", fmt.Sprintf("x%d", v))
		}
	}
	tv, err := types.Eval(token.NewFileSet(), nil, token.NoPos, expr)
	if err != nil {
		t.Fatalf("%s: %v", m.name, err)
	}
	word, ok := constant.Uint64Val(tv.Value)
	if !ok || word >= 1<<32 {
		t.Fatalf("%s: %s is no word", m.name, expr)
	}
	return word, asm
}

// TestEncodings hands every macro, with several operands, to LLVM's
// disassembler and compares the text with the comment of the header.
func TestEncodings(t *testing.T) {
	mc, err := exec.LookPath("llvm-mc")
	if err != nil {
		t.Skip("SKIPPED: llvm-mc is missing, no encoding was checked; make tools or apt-get install llvm")
	}
	var in strings.Builder
	var want, names []string
	for _, m := range readMacros(t) {
		for _, imm := range m.immediates() {
			for _, v := range []map[string]int{
				{"d": 31, "n": 0, "m": 13, "i": imm, "j": 3 - imm%4},
				{"d": 0, "n": 30, "m": 31, "i": imm, "j": imm % 4},
			} {
				word, asm := m.with(t, v)
				fmt.Fprintf(&in, "0x%02x 0x%02x 0x%02x 0x%02x\n", word&255, word>>8&255, word>>16&255, word>>24)
				want = append(want, asm)
				names = append(names, m.name)
			}
		}
	}
	cmd := exec.Command(mc, "--disassemble", "--triple=aarch64", "-mattr=+v8.6a,+fp16fml")
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("llvm-mc: %v\n%s", err, out)
	}
	var got []string
	for _, line := range strings.Split(string(out), "\n") {
		if f := strings.Fields(line); len(f) > 0 && !strings.HasPrefix(f[0], ".") {
			got = append(got, strings.Join(f, " "))
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d instructions came back, want %d:\n%s", len(got), len(want), out)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s encodes %q, its comment says %q", names[i], got[i], want[i])
		}
	}
}

// TestMacrosAreUsed: every macro stands in some kernel, and so runs in the
// tests of the kernels.
func TestMacrosAreUsed(t *testing.T) {
	files, err := filepath.Glob(kernels + "/*_arm64.s")
	if err != nil || len(files) == 0 {
		t.Fatal("no assembly", err)
	}
	used := map[string]bool{}
	call := regexp.MustCompile(`\b([A-Z]\w*)\(`)
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(data), -1) {
			used[m[1]] = true
		}
	}
	for _, m := range readMacros(t) {
		if !used[m.name] {
			t.Errorf("%s is in the header and nowhere else", m.name)
		}
	}
}

// TestGenerated: the committed assembly is what the generator writes.
func TestGenerated(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("go", "run", "./gen", "-dir", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := filepath.Glob(dir + "/*")
	if err != nil || len(files) == 0 {
		t.Fatal("nothing was generated", err)
	}
	for _, name := range files {
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(kernels, filepath.Base(name)))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is stale: go run ./build/arm64/gen", filepath.Base(name))
		}
	}
}
