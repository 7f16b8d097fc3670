package jinja

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"happyphonellm/internal/testkit"
)

const testdata = "../testdata/"

// snippet is a line of testdata/snippets.expected.jsonl.
type snippet struct {
	Template string
	OK       bool
	Text     string
}

func readSnippets(t testing.TB, data []byte) []snippet {
	t.Helper()
	var list []snippet
	dec := json.NewDecoder(bytes.NewReader(data))
	for dec.More() {
		var s snippet
		if err := dec.Decode(&s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

func snippetVars(t testing.TB) *Dict {
	t.Helper()
	v, err := FromJSON(mustRead(t, testdata+"snippet_vars.json"))
	if err != nil {
		t.Fatal(err)
	}
	return v.(*Dict)
}

func renderText(source string, vars *Dict, env Env) (string, error) {
	tm, err := Parse(source)
	if err != nil {
		return "", err
	}
	return tm.Render(vars, env)
}

// compareSnippets wants the same text, or an error where Python raised one. exact: the same kind of exception, and
// the same message where the template or a missing name made it.
func compareSnippets(t *testing.T, list []snippet, exact bool) {
	t.Helper()
	vars := snippetVars(t)
	clock := func() time.Time { return time.Date(2025, 2, 3, 4, 5, 6, 0, time.UTC) }
	for _, s := range list {
		got, err := renderText(s.Template, vars, Env{Now: clock})
		kind, msg, _ := strings.Cut(s.Text, ": ")
		switch {
		case s.OK && err != nil:
			t.Errorf("%s\n  err %v\n want %s", s.Template, err, s.Text)
		case s.OK && got != s.Text:
			t.Errorf("%s\n  got %q\n want %q", s.Template, got, s.Text)
		case !s.OK && err == nil:
			t.Errorf("%s\n  got %q\n want error %s", s.Template, got, s.Text)
		case !s.OK && exact && err.(*Error).Kind != kind:
			t.Errorf("%s\n  got %v\n want %s", s.Template, err, s.Text)
		case !s.OK && exact && (kind == "TemplateError" || kind == "UndefinedError" || kind == "SecurityError") && err.(*Error).Msg != msg:
			t.Errorf("%s\n  got %v\n want %s", s.Template, err, s.Text)
		}
	}
}

// The file is made by: python3 reference.py --snippets snippet_vars.json snippets.txt > snippets.expected.jsonl
func TestSnippets(t *testing.T) {
	list := readSnippets(t, mustRead(t, testdata+"snippets.expected.jsonl"))
	if len(list) < 100 {
		t.Fatalf("only %d snippets", len(list))
	}
	compareSnippets(t, list, true)
}

// TestPeerSnippets shows that the recorded file is what Python's Jinja2 says today.
func TestPeerSnippets(t *testing.T) {
	if exec.Command("python3", "-c", "import jinja2").Run() != nil {
		testkit.Missing(t, "python3 with jinja2 (the Debian package python3-jinja2)", "make deps")
	}
	out, err := exec.Command("python3", testdata+"reference.py", "--snippets", testdata+"snippet_vars.json", testdata+"snippets.txt").Output()
	if err != nil {
		t.Fatal(err)
	}
	compareSnippets(t, readSnippets(t, out), true)
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
