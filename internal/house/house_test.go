package house

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"happyphonellm/internal/testkit"
)

const module = "happyphonellm"

// arrows lists what each package may import besides the standard library and
// its own sub-packages: first our packages, then those of others. Test files
// are free.
var arrows = map[string][]string{
	"internal/quant":     {},
	"internal/gguf":      {"internal/quant", "golang.org/x/sys/unix", "golang.org/x/sys/windows"},
	"internal/kernels":   {"internal/quant", "golang.org/x/sys/cpu", "golang.org/x/sys/unix"},
	"internal/parallel":  {},
	"internal/kvcache":   {"internal/quant", "internal/kernels"},
	"internal/model":     {"internal/gguf", "internal/quant", "internal/kernels", "internal/parallel", "internal/kvcache"},
	"internal/tokenizer": {"internal/gguf", "golang.org/x/text"},
	"internal/chat":      {"internal/tokenizer"},
	"internal/sample":    {"internal/tokenizer"},
	"internal/infer": {"internal/quant", "internal/gguf", "internal/kernels", "internal/parallel", "internal/kvcache",
		"internal/model", "internal/tokenizer", "internal/chat", "internal/sample"},
	"internal/convert": {"internal/gguf", "internal/quant", "internal/tokenizer", "go.yaml.in/yaml/v3"},
	"capi":             {"internal/infer"},
	"cmd/hpllm-cli": {"internal/infer", "internal/convert", "github.com/spf13/cobra", "github.com/spf13/pflag",
		"github.com/schollz/progressbar/v3", "github.com/ergochat/readline", "go.yaml.in/yaml/v3", "golang.org/x/term", "golang.org/x/sys"},

	// Help for tests and builds, in no program of ours.
	"internal/testkit":  {},
	"internal/fidelity": {},
	"internal/house":    {},
	"examples":          {},
	"build":             {},
	"build/random1b":    {"internal/gguf", "internal/quant"},
}

// builds are the ways in which files are chosen that can differ in imports.
var builds = [][]string{
	{"GOOS=linux", "GOARCH=amd64"},
	{"GOOS=android", "GOARCH=arm64"},
	{"GOOS=darwin", "GOARCH=arm64"},
	{"GOOS=windows", "GOARCH=amd64"},
	{"GOOS=linux", "GOARCH=arm64", "GOFLAGS=-tags=purego"},
}

func TestArrows(t *testing.T) {
	for _, build := range builds {
		for _, p := range list(t, build) {
			name := strings.TrimPrefix(p.ImportPath, module+"/")
			owner, allowed := rule(name)
			if owner == "" {
				t.Errorf("%s: no arrows are drawn for package %s; add it to the table", build, name)
				continue
			}
			for _, imported := range p.Imports {
				if !may(owner, allowed, imported) {
					t.Errorf("%s: %s imports %s, which is no arrow of the house", build, name, imported)
				}
			}
		}
	}
}

// TestRules shows that the rules forbid what they should.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		name, imported string
		want           bool
	}{
		{"internal/gguf", "os", true},
		{"internal/gguf", "encoding/binary", true},
		{"internal/gguf", module + "/internal/quant", true},
		{"internal/gguf", module + "/internal/kernels", false},
		{"internal/quant", module + "/internal/gguf", false},
		{"internal/chat/jinja", module + "/internal/tokenizer", true},
		{"internal/chat", module + "/internal/chat/jinja", true},
		{"internal/sample", module + "/internal/chat/jinja", false},
		{"internal/quant", "golang.org/x/sys/cpu", false},
		{"internal/tokenizer", "golang.org/x/text/unicode/norm", true},
		{"internal/tokenizer", "golang.org/x/textual", false},
		{"internal/infer", module + "/internal/testkit", false},
		{"internal/kernels", "C", false},
		{"capi", "C", true},
	} {
		owner, allowed := rule(c.name)
		if got := may(owner, allowed, c.imported); got != c.want {
			t.Errorf("%s may import %s: %v, want %v", c.name, c.imported, got, c.want)
		}
	}
}

// rule finds the row of a package: its own, or the nearest parent's.
func rule(name string) (owner string, allowed []string) {
	for ; name != "."; name = path.Dir(name) {
		if allowed, ok := arrows[name]; ok {
			return name, allowed
		}
	}
	return "", nil
}

func may(owner string, allowed []string, imported string) bool {
	if imported == "C" || imported == "runtime/cgo" {
		return owner == "capi"
	}
	first, _, _ := strings.Cut(imported, "/")
	local, ours := strings.CutPrefix(imported, module+"/")
	if !ours && !strings.Contains(first, ".") {
		return true // the standard library
	}
	if local == owner || strings.HasPrefix(local, owner+"/") {
		return true
	}
	return slices.ContainsFunc(allowed, func(a string) bool {
		return local == a || strings.HasPrefix(local, a+"/")
	})
}

type listed struct {
	ImportPath string
	Imports    []string
	Error      *struct{ Err string }
}

func list(t *testing.T, build []string) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,Error", "./...")
	cmd.Dir = testkit.Root()
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), build...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list (%s): %v: %s", build, err, &stderr)
	}
	var packages []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(fmt.Errorf("go list (%s): %w", build, err))
		}
		packages = append(packages, p)
	}
	if len(packages) < 3 {
		t.Fatalf("go list (%s) found %d packages", build, len(packages))
	}
	return packages
}
