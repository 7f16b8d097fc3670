package main

import (
	"strings"
	"testing"
)

func TestCount(t *testing.T) {
	for _, c := range []struct {
		name, in                string
		passed, failed, skipped int
		says                    string
	}{
		{"passed and skipped", `
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: SKIPPED, MISSING: a model (run: make deps)\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestB"}
{"Action":"pass","Package":"p","Elapsed":1.5}`, 1, 0, 1, "skip p TestA: a_test.go:1: SKIPPED, MISSING: a model"},
		{"failed", `
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: wrong\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}`, 0, 1, 0, "wrong"},
		{"does not build", `
{"ImportPath":"p","Action":"build-output","Output":"p.go:1: undefined: x\n"}
{"ImportPath":"p","Action":"build-fail"}
{"Action":"fail","Package":"p","FailedBuild":"p"}
{"Action":"pass","Package":"q","Test":"TestB"}
{"Action":"pass","Package":"q"}`, 1, 1, 0, "undefined: x"},
		{"crashed", `
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"panic: oops\n"}
{"Action":"fail","Package":"p"}`, 1, 1, 0, "panic: oops"},
		{"nothing ran", "go: no such package\n", 0, 1, 0, "no such package"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			got := count(strings.NewReader(strings.TrimLeft(c.in, "\n")), &out)
			if got.passed != c.passed || got.failed != c.failed || got.skipped != c.skipped {
				t.Errorf("%d passed, %d failed, %d skipped; want %d, %d, %d\n%s", got.passed, got.failed, got.skipped, c.passed, c.failed, c.skipped, &out)
			}
			if !strings.Contains(out.String(), c.says) {
				t.Errorf("the report lacks %q:\n%s", c.says, &out)
			}
		})
	}
}
