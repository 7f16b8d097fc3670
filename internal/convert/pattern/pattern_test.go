package pattern

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// all cuts text by an expression: its matches, and what lies between them in brackets.
func all(t *testing.T, expression, text string) []string {
	t.Helper()
	p, err := Compile(expression)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	var out []string
	for at := 0; ; {
		start, end, err := p.Find(text, at)
		if err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		if start < 0 || end == start {
			if at < len(text) {
				out = append(out, "["+text[at:]+"]")
			}
			return out
		}
		if start > at {
			out = append(out, "["+text[at:start]+"]")
		}
		out = append(out, text[start:end])
		at = end
	}
}

func TestFind(t *testing.T) {
	for _, c := range []struct {
		expression, text string
		want             []string
	}{
		{`(?i:'s|'t|'re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
			"It'S  a 12345!!\n\n  x", []string{"It", "'S", " ", " a", " ", "123", "45", "!!\n\n", " ", " x"}},
		{`[^\r\n\p{L}]?+\p{L}+`, "aé -b", []string{"aé", "[ ]", "-b"}},
		{`a++a|b`, "aaab", []string{"[aaa]", "b"}},
		{`a{2}+`, "aaaaa", []string{"aaaa", "[a]"}},
		{`a{,2}b`, "aaab", []string{"[a]", "aab"}},
		{`a+?b|c{x}`, "aabc{x}", []string{"aab", "c{x}"}},
		{`[\p{Lu}\p{M}&&[^\p{Han}]]+`, "ABc中", []string{"AB", "[c中]"}},
		{`[[a-c]x&&b-z]+`, "abcxz", []string{"[a]", "bcx", "[z]"}},
		{`\d{1,3}(?=(?:\d{3})*\b)`, "1234567 12", []string{"1", "234", "567", "[ ]", "12"}},
		{`(?<=a)b|(?<!a)c`, "abcac", []string{"[a]", "b", "c", "[ac]"}},
		{`(?>a|ab)c`, "abcac", []string{"[abc]", "ac"}[0:2]},
		{`(?i)straße|[k]`, "STRAßEKk\u212a", []string{"STRAßE", "K", "k", "\u212a"}},
		{`[]a]+|[a\-z]`, "]a-z", []string{"]a", "-", "z"}},
		{`^a$`, "a\nba\na", []string{"a", "[\nba\n]", "a"}},
		{`\x{4E00}|\u4e8c|\x41`, "一二A", []string{"一", "二", "A"}},
		{`[[:alpha:]]+|[[:^space:]]`, "ab1 c", []string{"ab", "1", "[ ]", "c"}},
		{`\p{Script=Han}+|\p{^L}`, "中a1", []string{"中", "[a]", "1"}},
		{`(a|b)*c`, "ababc", []string{"ababc"}},
		{`(a*)*b`, "aaab", []string{"aaab"}},
		{`\w+|[^\w\s]+`, "a_1-b", []string{"a_1", "-", "b"}},
	} {
		if diff := cmp.Diff(c.want, all(t, c.expression, c.text)); diff != "" {
			t.Errorf("%s on %q (-want +got):\n%s", c.expression, c.text, diff)
		}
	}
}

func TestWrong(t *testing.T) {
	for expression, want := range map[string]string{
		"(a": "a group does not end", "a)": "unexpected", "[a": "a set does not end", "*a": "nothing before", `\p{Nothing}`: "not known",
		`\k`: "not known", "a{5000}": "a quantifier of", "a{3,2}": "a quantifier of", "[z-a]": "is empty", `a\`: "last backslash",
		"(?<n>a)": "named groups", "(?x)a": "not known", "[[:foo:]]": "not known", `\x{110000}`: "no character", "\xff": "UTF-8",
		strings.Repeat("(", 200) + strings.Repeat(")", 200): "deep", strings.Repeat("[", 200): "deep", strings.Repeat("a", 1<<17): "bytes",
	} {
		if _, err := Compile(expression); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want one with %q", expression, err, want)
		}
	}
}

func TestBudget(t *testing.T) {
	p, err := Compile(`(a+)+$b`)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if _, _, err := p.Find(strings.Repeat("a", 64), 0); !errors.Is(err, ErrBudget) {
		t.Errorf("error %v, want %v", err, ErrBudget)
	}
	if d := time.Since(begin); d > 20*time.Second {
		t.Errorf("it took %v", d)
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(`(?i:'s)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}(?!\S)`, "it's 123")
	f.Add(`[\p{Han}&&[^a-z]]{2}|(?<=a)b`, "ab")
	f.Fuzz(func(t *testing.T, expression, text string) {
		p, err := Compile(expression)
		if err != nil || len(text) > 64 {
			return
		}
		if start, end, err := p.Find(text, 0); err == nil && (start > end || end > len(text)) {
			t.Errorf("%q on %q: %d to %d", expression, text, start, end)
		}
	})
}
