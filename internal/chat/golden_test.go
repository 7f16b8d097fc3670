package chat

import (
	"os"
	"path/filepath"
	"testing"
)

// The templates of testdata/golden are our own, in the manner of published ones; expected.jsonl is made by
//
//	cd testdata && python3 reference.py conversations.json tools.json golden/*.jinja > golden/expected.jsonl
func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/golden/*.jinja")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	data, err := os.ReadFile("testdata/golden/expected.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	list, _ := conversations(t)
	want := readExpected(t, data)
	if len(want) != len(list)*len(paths) {
		t.Fatalf("%d expected renderings of %d conversations and %d templates", len(want), len(list), len(paths))
	}
	check(t, paths, want)
}

// TestPeerGolden shows that the recorded file is what Python's Jinja2 says today.
func TestPeerGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/golden/*.jinja")
	if err != nil {
		t.Fatal(err)
	}
	check(t, paths, reference(t, paths))
}
