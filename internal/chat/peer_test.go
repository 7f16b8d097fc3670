package chat

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"happyphonellm/internal/testkit"
)

// conversation is an entry of testdata/conversations.json.
type conversation struct {
	Name                string                     `json:"name"`
	Messages            json.RawMessage            `json:"messages"`
	Tools               string                     `json:"tools"`
	AddGenerationPrompt *bool                      `json:"add_generation_prompt"`
	Vars                map[string]json.RawMessage `json:"vars"`
}

// expected is a line of testdata/reference.py's output.
type expected struct {
	Template, Conversation string
	OK                     bool
	Text                   string
}

func conversations(t testing.TB) (list []conversation, tools []byte) {
	t.Helper()
	data, err := os.ReadFile("testdata/conversations.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	if tools, err = os.ReadFile("testdata/tools.json"); err != nil {
		t.Fatal(err)
	}
	return list, tools
}

// clock is the time at which testdata/reference.py renders.
func clock() time.Time { return time.Date(2025, 2, 3, 4, 5, 6, 0, time.UTC) }

func (c conversation) render(tm *Template, tools []byte) (string, error) {
	o := Options{AddGenerationPrompt: c.AddGenerationPrompt == nil || *c.AddGenerationPrompt, Now: clock, Vars: map[string]any{}}
	for k, v := range c.Vars {
		o.Vars[k] = v
	}
	if c.Tools == "" {
		tools = nil
	}
	return tm.RenderJSON(c.Messages, tools, o)
}

// reference renders templates with Python's Jinja2; it skips the test if that is not installed.
func reference(t *testing.T, paths []string) []expected {
	t.Helper()
	if exec.Command("python3", "-c", "import jinja2").Run() != nil {
		testkit.Missing(t, "python3 with jinja2 (the Debian package python3-jinja2)", "make deps")
	}
	args := append([]string{"testdata/reference.py", "testdata/conversations.json", "testdata/tools.json"}, paths...)
	cmd := exec.Command("python3", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return readExpected(t, out)
}

func readExpected(t *testing.T, data []byte) []expected {
	t.Helper()
	var list []expected
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e expected
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

// check compares every expected rendering with ours: the text byte for byte, or that both raise, with the
// template's own words where it raised them.
func check(t *testing.T, paths []string, want []expected) {
	t.Helper()
	list, tools := conversations(t)
	byName := map[string]conversation{}
	for _, c := range list {
		byName[c.Name] = c
	}
	templates := map[string]*Template{}
	for _, path := range paths {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		tm, err := Parse(string(source), "<s>", "</s>")
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
			continue
		}
		templates[filepath.Base(path)] = tm
	}
	same := 0
	for _, e := range want {
		tm := templates[e.Template]
		if tm == nil {
			continue
		}
		got, err := byName[e.Conversation].render(tm, tools)
		at := e.Template + ", " + e.Conversation
		switch {
		case e.OK && err != nil:
			t.Errorf("%s: %v", at, err)
		case e.OK && got != e.Text:
			t.Errorf("%s: %s", at, firstDifference(got, e.Text))
		case !e.OK && err == nil:
			t.Errorf("%s: no error, but Python raised %s", at, e.Text)
		case !e.OK && strings.HasPrefix(e.Text, "TemplateError: ") && !strings.HasSuffix(err.Error(), e.Text):
			t.Errorf("%s: error %q, Python's %q", at, err, e.Text)
		default:
			same++
		}
	}
	t.Logf("%d of %d renderings of %d templates are equal", same, len(want), len(paths))
}

func firstDifference(got, want string) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	from := max(0, i-60)
	cut := func(s string) string { return s[min(from, len(s)):min(i+80, len(s))] }
	g, _ := json.Marshal(cut(got))
	w, _ := json.Marshal(cut(want))
	return "differs:\n got " + string(g) + "\nwant " + string(w)
}

// TestPeerTemplates renders the chat templates that llama.cpp's source carries.
func TestPeerTemplates(t *testing.T) {
	paths := testkit.Glob(t, "templates/*.jinja")
	check(t, paths, reference(t, paths))
}
