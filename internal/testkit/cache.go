package testkit

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Cache returns the cache folder, which need not exist. It is "" where there
// is neither $HPLLM_CACHE nor a home folder.
func Cache() string {
	if dir := os.Getenv("HPLLM_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "happy-phone-llm")
}

// Model returns the path of models/NAME.gguf in the cache, or skips the test.
// Names are MODEL-TYPE in lower case: smollm2-q4_1, gemma3-q4_k_m, smollm2-f32.
func Model(t testing.TB, name string) string {
	t.Helper()
	return cached(t, "models", name+".gguf")
}

// Vocab returns the path of vocabs/ggml-vocab-NAME.gguf, or skips the test.
// Its neighbours with .inp and .out appended are test strings and ids.
func Vocab(t testing.TB, name string) string {
	t.Helper()
	return cached(t, "vocabs", "ggml-vocab-"+name+".gguf")
}

// Text returns the path of text/NAME, or skips the test.
func Text(t testing.TB, name string) string {
	t.Helper()
	return cached(t, "text", name)
}

// Glob returns the files of the cache that match pattern (relative, as
// "vocabs/*.gguf"), sorted, at least one: otherwise the test is skipped.
func Glob(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(Cache(), filepath.FromSlash(pattern)))
	if err != nil {
		t.Fatalf("testkit: pattern %q: %v", pattern, err)
	}
	if len(paths) == 0 {
		Missing(t, filepath.Join(Cache(), pattern), "make deps")
	}
	return paths
}

// Missing skips the test, loudly, because what is not here; target is the
// command that installs it. With HPLLM_REQUIRE=1 the test fails instead.
func Missing(t testing.TB, what, target string) {
	t.Helper()
	if os.Getenv("HPLLM_REQUIRE") == "1" {
		t.Fatalf("MISSING: %s (run: %s)", what, target)
	}
	t.Skipf("SKIPPED, MISSING: %s (run: %s)", what, target)
}

// Root returns the repository's root folder.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

func cached(t testing.TB, parts ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{Cache()}, parts...)...)
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		Missing(t, path, "make deps")
	}
	return path
}
