package model

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestGuide: what docs/add-an-architecture.md names is there.
func TestGuide(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "add-an-architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, file := range files {
		if text, err := os.ReadFile(file); err != nil {
			t.Fatal(err)
		} else if !strings.HasSuffix(file, "_test.go") {
			source.Write(text)
		}
	}
	for _, m := range regexp.MustCompile(`\bb\.(\w+)`).FindAllStringSubmatch(string(page), -1) {
		if name := m[1]; !strings.Contains(source.String(), "func (b *builder) "+name+"(") && name != "layerNorms" {
			t.Errorf("the builder has no %s", name)
		}
	}
	for _, m := range regexp.MustCompile(`\b(rope[A-Z]\w+)`).FindAllString(string(page), -1) {
		if !strings.Contains(source.String(), m) {
			t.Errorf("there is no %s", m)
		}
	}
	for _, m := range regexp.MustCompile("`(?:internal/model/)?([a-z0-9_]+\\.go)`").FindAllStringSubmatch(string(page), -1) {
		_, here := os.Stat(m[1])
		if _, there := os.Stat(filepath.Join("..", "fidelity", m[1])); here != nil && there != nil {
			t.Errorf("there is no file %s", m[1])
		}
	}
}
