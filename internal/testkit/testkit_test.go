package testkit

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestNMSE(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want []float32
		nmse      float64
	}{
		{"equal", []float32{1, 2}, []float32{1, 2}, 0},
		{"a quarter", []float32{2, 0}, []float32{1, 0}, 1},
		{"zero reference", []float32{1}, []float32{0}, math.Inf(1)},
		{"zero both", []float32{0}, []float32{0}, 0},
	} {
		if got := NMSE(c.got, c.want); got != c.nmse {
			t.Errorf("%s: NMSE = %g, want %g", c.name, got, c.nmse)
		}
	}
	if got := NMSE([]float32{float32(math.NaN())}, []float32{1}); !math.IsNaN(got) {
		t.Errorf("NMSE with NaN = %g, want NaN", got)
	}
}

func TestKL(t *testing.T) {
	a := []float32{1, 2, 3}
	if got := KL([]float32{101, 102, 103}, a); math.Abs(got) > 1e-12 {
		t.Errorf("KL of shifted logits = %g, want 0", got)
	}
	// p = (1/2, 1/2), q = (1/4, 3/4): log 2 - log 3 / 2.
	want := math.Log(2) - math.Log(3)/2
	if got := KL([]float32{0, float32(math.Log(3))}, []float32{0, 0}); math.Abs(got-want) > 1e-7 {
		t.Errorf("KL = %g, want %g", got, want)
	}
	if got := NLL([]float32{0, 0, 0, 0}, 2); math.Abs(got-math.Log(4)) > 1e-12 {
		t.Errorf("NLL = %g, want log 4", got)
	}
}

func TestTopK(t *testing.T) {
	logits := []float32{1, 3, 2, 3}
	if got := TopK(logits, 3); !slices.Equal(got, []int{1, 3, 2}) {
		t.Errorf("TopK = %v, want [1 3 2]", got)
	}
	if got := Top1(logits); got != 1 {
		t.Errorf("Top1 = %d, want 1", got)
	}
}

func TestF32Files(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.f32")
	want := []float32{1.5, -2, float32(math.Inf(1)), 0}
	WriteF32(t, path, want)
	got := ReadF32(t, path)
	if !slices.Equal(got, want) {
		t.Errorf("ReadF32 = %v, want %v", got, want)
	}
	if rows := Rows(got, 2); len(rows) != 2 || rows[1][1] != 0 {
		t.Errorf("Rows = %v", rows)
	}
}

func TestPeerSeesSharedFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hello.txt")
	for _, text := range []string{"first", "second, longer"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := Peer(t, "cat", Share(t, path)).Output()
		if err != nil || string(out) != text {
			t.Errorf("peer read %q, %v; want %q", out, err, text)
		}
		os.Remove(path)
	}
	host, inside := PeerDir(t)
	if out, err := Peer(t, "touch", inside+"/made").CombinedOutput(); err != nil {
		t.Fatalf("touch: %v: %s", err, out)
	}
	if _, err := os.Stat(filepath.Join(host, "made")); err != nil {
		t.Error(err)
	}
	// Whoever deletes the cache must not find this machine's devices there.
	if out, err := Peer(t, "sh", "-c", "test -c /dev/null && test -d /proc/self").CombinedOutput(); err != nil {
		t.Errorf("a peer has no /dev or /proc: %v: %s", err, out)
	}
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil || strings.Contains(string(mounts), sid(t)+"/") {
		t.Errorf("mounted for all to see: %v\n%s", err, mounts)
	}
}

func TestRoot(t *testing.T) {
	mod, err := os.ReadFile(filepath.Join(Root(), "go.mod"))
	if err != nil || !strings.HasPrefix(string(mod), "module happyphonellm") {
		t.Errorf("go.mod of %s: %q, %v", Root(), mod, err)
	}
}
