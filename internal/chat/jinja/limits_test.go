package jinja

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// Templates that ask for too much end with an error, soon.
func TestLimits(t *testing.T) {
	deep := strings.Repeat
	for name, source := range map[string]string{
		"nested loops":       `{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}`,
		"doubling":           `{% set ns = namespace(s='xx') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}`,
		"doubling list":      `{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}`,
		"repeat":             `{{ 'x' * 10000000000 }}`,
		"repeat list":        `{{ [1] * 10000000000 }}`,
		"many copies":        `{% set x = 'x' * 1000000 %}{% for i in range(99999) %}{{ x }}{% endfor %}`,
		"power":              `{{ 10 ** 9999999999 }}`,
		"growing integer":    `{% set ns = namespace(n=3) %}{% for i in range(99) %}{% set ns.n = ns.n * ns.n %}{% endfor %}`,
		"width":              `{{ '%999999999d' % 1 }}`,
		"format width":       `{{ '{:>9999999999}'.format(1) }}`,
		"center":             `{{ 'x'.center(4611686018427387905) }}`,
		"slices":             `{{ [1]|slice(1152921504606846977)|list }}`,
		"batch":              `{{ [1]|batch(1152921504606846977, 0)|list }}`,
		"indent":             `{{ [1]|tojson(indent=99999999) }}`,
		"expandtabs":         `{{ '\t'.expandtabs(999999999) }}`,
		"join":               `{{ ('x' * 1000000).join(range(9999)|map('string')) }}`,
		"replace":            `{{ ('x' * 1000000)|replace('x', 'x' * 1000000) }}`,
		"split":              `{% set x = 'x,' * 10000000 %}{{ x.split(',')|length }}`,
		"macro recursion":    `{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}`,
		"loop recursion":     `{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}`,
		"own namespace":      `{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}`,
		"nested value":       `{% set ns = namespace(a=[]) %}{% for i in range(99999) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a }}`,
		"nested JSON":        `{% set ns = namespace(a=[]) %}{% for i in range(99999) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a|tojson }}`,
		"nested comparison":  `{% set ns = namespace(a=[], b=[]) %}{% for i in range(99999) %}{% set ns.a = [ns.a] %}{% set ns.b = [ns.b] %}{% endfor %}{{ ns.a == ns.b }}`,
		"shared value":       `{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a }}`,
		"nested parentheses": `{{ ` + deep("(", 99999) + `1` + deep(")", 99999) + ` }}`,
		"nested brackets":    `{{ ` + deep("[", 99999) + deep("]", 99999) + ` }}`,
		"nots":               `{{ ` + deep("not ", 99999) + `1 }}`,
		"signs":              `{{ ` + deep("-", 99999) + `1 }}`,
		"nested ifs":         deep("{% if 1 %}", 99999),
		"long sum":           `{{ 1` + deep("+1", 99999) + ` }}`,
		"long path":          `{{ a` + deep(".b", 99999) + ` }}`,
		"long filters":       `{{ 1` + deep("|string", 99999) + ` }}`,
		"else ifs":           `{{ ` + deep("1 if 0 else ", 99999) + `1 }}`,
		"long source":        deep("x", maxSource+1),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := renderText(source, &Dict{}, Env{Limits: Limits{Steps: 2e6, Bytes: 64 << 20}})
			if err == nil {
				t.Fatal("no error")
			}
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("%T is not *Error", err)
			}
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

// A template that stays inside the limits is not disturbed by them.
func TestLimitsLeaveRoom(t *testing.T) {
	text, err := renderText(`{% for i in range(100000) %}{{ i % 10 }}{% endfor %}`, &Dict{}, Env{})
	if err != nil || len(text) != 100000 {
		t.Fatal(len(text), err)
	}
	nested := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	v, err := FromJSON([]byte(nested))
	if err != nil {
		t.Fatal(err)
	}
	text, err = renderText(`{{ v|tojson }}`, NewDict("v", v), Env{})
	if err != nil || text != nested {
		t.Fatal(text, err)
	}
}

// Values that are given to a template are the same afterwards.
func TestValuesStay(t *testing.T) {
	v, err := FromJSON([]byte(`{"l":[1,{"a":2}]}`))
	if err != nil {
		t.Fatal(err)
	}
	vars := NewDict("v", v)
	_, err = renderText(`{% set n = namespace(v) %}{% set n.l = 3 %}{% set v = 4 %}{{ v }}{{ n.l }}`, vars, Env{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := renderText(`{{ v|tojson }}`, vars, Env{})
	if err != nil || got != `{"l": [1, {"a": 2}]}` {
		t.Fatal(got, err)
	}
}

func FuzzRender(f *testing.F) {
	for _, s := range readSnippets(f, mustRead(f, testdata+"snippets.expected.jsonl")) {
		f.Add(s.Template)
	}
	vars := snippetVars(f)
	f.Fuzz(func(t *testing.T, source string) {
		start := time.Now()
		_, err := renderText(source, vars, Env{Limits: Limits{Steps: 1e5, Bytes: 4 << 20, Output: 1 << 20}})
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%T is not *Error", err)
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Fatalf("took %v", d)
		}
	})
}

func FuzzFromJSON(f *testing.F) {
	f.Add(`{"a": [1, 2.5, -3e7, null, true, "\u00e9\ud83d\ude00\ud800", 12345678901234567890]}`)
	f.Fuzz(func(t *testing.T, text string) {
		v, err := FromJSON([]byte(text))
		if err != nil {
			return
		}
		out, err := renderText(`{{ v|tojson }}`, NewDict("v", v), Env{})
		if err != nil {
			return // an integer with too many digits, for one
		}
		again, err := FromJSON([]byte(out))
		if err != nil {
			if strings.Contains(out, "Infinity") {
				return // Python writes what it cannot read as JSON
			}
			t.Fatalf("%q: %v", out, err)
		}
		second, err := renderText(`{{ v|tojson }}`, NewDict("v", again), Env{})
		if err != nil || second != out {
			t.Fatalf("%q became %q (%v)", out, second, err)
		}
	})
}
