package testkit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// PeerLogits are llama.cpp's logits of every id, [len(ids)][vocab], of the model
// file at path; kv, f32 or f16, is the type of its KV cache.
func PeerLogits(t testing.TB, path string, ids []int32, kv string, more ...string) [][]float32 {
	t.Helper()
	rows, err := peerLogits(t, path, ids, kv, more...)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// peerLogits is PeerLogits; an error is that llama.cpp does not load or run the file.
func peerLogits(t testing.TB, path string, ids []int32, kv string, more ...string) ([][]float32, error) {
	t.Helper()
	host, inside := PeerDir(t)
	cmd := Peer(t, "hpllm-peer-logits", append([]string{Share(t, path), inside + "/logits.f32", kv, "512"}, more...)...)
	cmd.Stdin = strings.NewReader(JoinIDs(ids) + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("hpllm-peer-logits %s: %w\n%s", filepath.Base(path), err, out)
	}
	file := filepath.Join(host, "logits.f32")
	values := ReadF32(t, file)
	os.Remove(file)
	if len(values)%len(ids) != 0 || len(values) == 0 {
		t.Fatalf("hpllm-peer-logits %s: %d values for %d ids", filepath.Base(path), len(values), len(ids))
	}
	return Rows(values, len(values)/len(ids)), nil
}

// KeptPeerLogits is PeerLogits with an F32 cache, for small models: the figures
// are kept in CACHE/figures by the contents of the file, as the same file gives
// the same ones. An error is that llama.cpp does not load or run the file.
func KeptPeerLogits(t testing.TB, path string, ids []int32) ([][]float32, error) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	key := sha256.Sum256(append(data, JoinIDs(ids)...))
	name := strings.TrimSuffix(filepath.Base(path), ".gguf")
	kept := filepath.Join(Cache(), "figures", fmt.Sprintf("logits-%s-%s.f32", name, hex.EncodeToString(key[:8])))
	if _, err := os.Stat(kept); err == nil {
		values := ReadF32(t, kept)
		if len(values) > 0 && len(values)%len(ids) == 0 {
			return Rows(values, len(values)/len(ids)), nil
		}
	}
	rows, err := peerLogits(t, path, ids, "f32")
	if err != nil {
		return nil, err
	}
	var all []float32
	for _, row := range rows {
		all = append(all, row...)
	}
	// Keeping them is a convenience: a cache that cannot be written costs time only.
	if os.MkdirAll(filepath.Dir(kept), 0o755) == nil {
		WriteF32(t, kept+".tmp", all)
		os.Rename(kept+".tmp", kept)
	}
	return rows, nil
}

// JoinIDs writes ids with commas between them.
func JoinIDs(ids []int32) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.Itoa(int(id))
	}
	return strings.Join(texts, ",")
}
