package convert

import (
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

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/testkit"
)

// TestAdapterTable: docs/convert.md has the adapters that there are, what their
// comments say that they are, and the known differences of TestPeerCheckpoints and
// TestPeerVocabularies. HPLLM_WRITE=1 (make adapters) writes the tables.
func TestAdapterTable(t *testing.T) {
	path := filepath.Join(testkit.Root(), "docs", "convert.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := string(page)
	for name, table := range map[string]string{
		"adapters":    adapterTable(t),
		"differences": knownTable("| checkpoints | key or tensor | why |", slices.Concat(differences, vocabDifferences)),
		"limits":      knownTable("| checkpoints | llama.cpp |", peerLimits),
	} {
		begin, end := "<!-- `make adapters` writes this table of "+name+". -->\n", "<!-- The table of "+name+" ends here. -->\n"
		before, rest, ok := strings.Cut(want, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s: no place for the table of %s", path, name)
		}
		want = before + begin + table + end + after
	}
	if os.Getenv("HPLLM_WRITE") != "" {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(page)); diff != "" {
		t.Errorf("docs/convert.md is not current, run `make adapters` (-want +got):\n%s", diff)
	}
}

// knownTable has a row for each entry; those whose reason is "so" join the one before.
func knownTable(head string, list []known) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n%s\n", head, strings.Repeat("| --- ", strings.Count(head, "|")-1)+"|")
	for i, d := range list {
		if d.why == "so" || strings.HasPrefix(d.why, "so, ") {
			continue
		}
		var names, keys []string
		why := d.why
		for j := i; j < len(list) && (j == i || list[j].why == "so" || strings.HasPrefix(list[j].why, "so, ")); j++ {
			names, keys = append(names, "`"+list[j].checkpoint+"`"), append(keys, "`"+list[j].key+"`")
			if more, ok := strings.CutPrefix(list[j].why, "so, "); ok {
				why += "; " + more
			}
		}
		row := []string{strings.Join(unrepeated(names), " ")}
		if d.key != "" {
			row = append(row, strings.Join(unrepeated(keys), " "))
		}
		fmt.Fprintf(&b, "| %s | %s |\n", strings.Join(row, " | "), why)
	}
	b.WriteString("\n")
	return b.String()
}

// unrepeated is a list with the first of equal texts only.
func unrepeated(list []string) []string {
	var out []string
	for _, x := range list {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

func adapterTable(t *testing.T) string {
	about := adaptersAbout(t)
	classes := map[string][]string{}
	var archs []string
	for _, a := range Adapters() {
		if !slices.Contains(archs, a.Arch) {
			archs = append(archs, a.Arch)
		}
		classes[a.Arch] = append(classes[a.Arch], a.Classes...)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%d architectures, %d classes.\n\n| architecture | what it is | classes of config.json |\n| --- | --- | --- |\n", len(archs), len(adapters))
	for _, arch := range archs {
		if about[arch] == "" {
			t.Errorf("the function that converts %s has no comment that says what it is", arch)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", arch, about[arch], strings.Join(classes[arch], ", "))
	}
	b.WriteString("\n")
	return b.String()
}

// adaptersAbout reads the code: for each architecture the first sentence of the
// comments of the functions that are registered for it.
func adaptersAbout(t *testing.T) map[string]string {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	comments := map[string]string{}
	registered := map[string][]string{} // functions, by architecture
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Doc != nil && n.Recv == nil {
					comments[n.Name.Name] = firstSentence(n.Name.Name, n.Doc.Text())
				}
			case *ast.CallExpr:
				called, isName := n.Fun.(*ast.Ident)
				if !isName || called.Name != "register" || len(n.Args) < 2 {
					return true
				}
				arch, ok1 := n.Args[0].(*ast.BasicLit)
				function, ok2 := n.Args[1].(*ast.Ident)
				if ok1 && ok2 {
					name, err := strconv.Unquote(arch.Value)
					if err != nil {
						t.Fatal(err)
					}
					registered[name] = append(registered[name], function.Name)
				}
			}
			return true
		})
	}
	about := map[string]string{}
	for arch, functions := range registered {
		slices.Sort(functions)
		var texts []string
		for _, f := range slices.Compact(functions) {
			texts = append(texts, comments[f])
		}
		about[arch] = strings.Join(texts, "; ")
	}
	return about
}

// firstSentence is what a comment says that a function is: up to the first stop or colon.
func firstSentence(name, text string) string {
	text = strings.Join(strings.Fields(text), " ")
	rest, ok := strings.CutPrefix(text, name+" is ")
	if !ok {
		if rest, ok = strings.CutPrefix(text, name+" are "); !ok {
			return ""
		}
	}
	for _, stop := range []string{". ", ": ", "; "} {
		rest, _, _ = strings.Cut(rest, stop)
	}
	return strings.TrimSuffix(rest, ".")
}
