package model

import (
	"runtime"
	"testing"

	"happyphonellm/internal/kvcache"
	"happyphonellm/internal/quant"
)

// shaped models have the widths of real ones and no weights.
var shapedModels = map[string]struct {
	model Model
	batch int // least that must remain of 512
}{
	"Qwen3 30B with 128 experts": {Model{Embd: 2048, Vocab: 151936, sizes: sizes{
		query: 32 * 128, attnOut: 32 * 128, ffn: 8 * 768, tile: maxTileRows, queries: 128, slots: 8, experts: 128, expert: 2048,
	}}, 224},
	"Llama 3.2 1B": {Model{Embd: 2048, Vocab: 128256, sizes: sizes{
		query: 2048, attnOut: 2048, ffn: 8192, tile: maxTileRows, queries: 64,
	}}, 512},
	"DeepSeek V3.2, as far as that goes": {Model{Embd: 7168, Vocab: 129280, sizes: sizes{
		query: 128 * 576, attnOut: 128 * 128, ffn: 8 * 2048, tile: maxTileRows, queries: latentQueries, slots: 8, experts: 256, expert: 7168, shared: 2048,
		mix: 64*128 + 64 + 128, latent: latentSizes{query: 1536, kva: 576, out: 128 * 512, head: 128},
		sparse: sparseSizes{lists: 1, most: 2048, rows: 2049},
	}, cache: []kvcache.Shape{{Heads: 1, KeyDim: 576}}}, leastBatch},
}

// TestBatchFitsInMemory: passes of the size that the engine picks take less than
// what a session may have beside weights and KV cache, and what is estimated is
// what is made.
func TestBatchFitsInMemory(t *testing.T) {
	const workers, context = 4, 4096
	for name, c := range shapedModels {
		m := &c.model
		batch := m.Batch(512, workers, context, quant.F16)
		bytes := m.StateBytes(batch, workers, context, quant.F16)
		t.Logf("%s: %d tokens, %.1f MiB", name, batch, float64(bytes)/(1<<20))
		if batch < c.batch || batch > leastBatch && bytes > scratchLimit {
			t.Errorf("%s: passes of %d tokens take %d bytes, want at least %d tokens in %d", name, batch, bytes, c.batch, scratchLimit)
		}
		cache, err := kvcache.New(quant.F16, context, m.cache)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s := m.NewState(batch, workers)
		s.fit(cache)
		runtime.ReadMemStats(&after)
		made := int64(after.TotalAlloc - before.TotalAlloc)
		if made > bytes+bytes/20 || made < bytes-bytes/10 {
			t.Errorf("%s: %d bytes for passes of %d tokens, estimated %d", name, made, batch, bytes)
		}
		runtime.KeepAlive(s)
	}
}
