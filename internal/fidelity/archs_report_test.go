package fidelity

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"happyphonellm/internal/model"
	"happyphonellm/internal/testkit"
)

// archResult is one comparison of TestArchitectures.
type archResult struct {
	arch, file, seed string
	nmse             float64
}

// writeModels writes docs/models.md: what the code registers, what its comments
// say that it is, and what this run has measured.
func writeModels(path string, done []archResult) error {
	about, err := registered(filepath.Join(testkit.Root(), "internal", "model"))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `# Which models run

Written by `+"`make models`"+`; do not edit.

A GGUF file names its architecture as `+"`general.architecture`"+`. The table has every one that runs, %d of them. Each is compared with
llama.cpp 0.7.0 on tiny random models, made by its `+"`test-llama-archs`"+` or by our own writer, weights and KV cache in F32: the logits of 100
tokens, all at once, one by one and in parts, with 1, 2 and 3 threads, which must all have the same bits. The error is the worst
of its files, as a share of the logits' square (bar: %.0e). Seeds of this run: %s.

| architecture | what it is | files | error |
| --- | --- | --- | --- |
`, len(model.Architectures()), maxNMSE, strings.Join(archSeeds(), ", "))
	for _, arch := range model.Architectures() {
		var files []string
		worst := 0.0
		for _, r := range done {
			if r.arch == arch {
				worst = max(worst, r.nmse)
				kind := strings.TrimPrefix(strings.TrimPrefix(r.file, arch), "-")
				if kind == "" {
					kind = "ours"
				}
				files = append(files, kind)
			}
		}
		if len(files) == 0 {
			return fmt.Errorf("docs/models.md: nothing was measured for %s", arch)
		}
		slices.Sort(files)
		fmt.Fprintf(&b, "| `%s` | %s | %s | %.1e |\n", arch, about[arch], strings.Join(slices.Compact(files), ", "), worst)
	}
	b.WriteString("\n## What does not run\n\nThese are refused with an error that says what they are. Every other name that llama.cpp 0.7.0 has runs.\n\n| architecture | what it is |\n| --- | --- |\n")
	for _, r := range model.Refused() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", r.Arch, r.What)
	}
	if missing := notYet(); len(missing) > 0 {
		fmt.Fprintf(&b, "\nText decoders that llama.cpp's `test-llama-archs` makes and that are not here yet: `%s`.\n", strings.Join(missing, "`, `"))
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// notYet lists the architectures in CACHE/archs, all that test-llama-archs makes,
// that are neither registered nor refused.
func notYet() []string {
	var list []string
	paths, _ := filepath.Glob(filepath.Join(testkit.Cache(), "archs", "*.gguf"))
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".gguf")
		arch := strings.TrimSuffix(strings.TrimSuffix(name, "-dense"), "-moe")
		refused := slices.ContainsFunc(model.Refused(), func(r model.Refusal) bool { return r.Arch == arch })
		if !refused && !slices.Contains(model.Architectures(), arch) {
			list = append(list, arch)
		}
	}
	return slices.Compact(list)
}

// registered reads, for every call of register in a package's source, the first
// sentence of the comment on the function that is registered.
func registered(dir string) (map[string]string, error) {
	set := token.NewFileSet()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	says, builds := map[string]string{}, map[string]string{}
	for _, name := range names {
		file, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				says[n.Name.Name] = firstSentence(n.Name.Name, n.Doc.Text())
			case *ast.CallExpr:
				f, ok := n.Fun.(*ast.Ident)
				if !ok || f.Name != "register" || len(n.Args) != 2 {
					return true
				}
				arch, okArch := n.Args[0].(*ast.BasicLit)
				build, okBuild := n.Args[1].(*ast.Ident)
				if okArch && okBuild {
					if s, err := strconv.Unquote(arch.Value); err == nil {
						builds[s] = build.Name
					}
				}
			}
			return true
		})
	}
	about := map[string]string{}
	for arch, build := range builds {
		about[arch] = says[build]
	}
	return about, nil
}

// firstSentence of a function's comment, without "name is".
func firstSentence(name, doc string) string {
	doc = strings.Join(strings.Fields(doc), " ")
	doc = strings.TrimPrefix(strings.TrimPrefix(doc, name+" is "), name+" are ")
	for _, end := range []string{". ", ": "} {
		if at := strings.Index(doc, end); at > 0 {
			doc = doc[:at]
		}
	}
	return strings.ReplaceAll(strings.TrimSuffix(doc, "."), "|", `\|`)
}

// TestEveryArchitectureSaysWhatItIs: docs/models.md takes it from the comments.
func TestEveryArchitectureSaysWhatItIs(t *testing.T) {
	about, err := registered(filepath.Join(testkit.Root(), "internal", "model"))
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range model.Architectures() {
		if about[arch] == "" {
			t.Errorf("architecture %s: the function that builds it has no comment", arch)
		}
	}
}
