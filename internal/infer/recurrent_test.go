package infer

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/kvcache"
)

// recurrentModel writes a small random LFM2, whose layers are convolutions and
// attention in turn, without a vocabulary, and returns its path.
func recurrentModel(t testing.TB) string {
	t.Helper()
	const embd, ffn, layers, vocab = 64, 96, 4, 256
	w := gguf.NewWriter()
	w.SetText("general.architecture", "lfm2")
	for k, v := range map[string]uint32{
		"block_count": layers, "context_length": 4096, "embedding_length": embd, "feed_forward_length": ffn,
		"attention.head_count": 2, "shortconv.l_cache": 3,
	} {
		w.SetUint32("lfm2."+k, v)
	}
	gguf.SetNumbers(w, "lfm2.attention.head_count_kv", []uint32{0, 1, 0, 1})
	w.SetFloat32("lfm2.attention.layer_norm_rms_epsilon", 1e-5)
	add := tensors(w)
	add("token_embd.weight", embd, vocab)
	add("token_embd_norm.weight", embd)
	for i := range layers {
		p := fmt.Sprintf("blk.%d.", i)
		add(p+"attn_norm.weight", embd)
		add(p+"ffn_norm.weight", embd)
		add(p+"ffn_gate.weight", embd, ffn)
		add(p+"ffn_up.weight", embd, ffn)
		add(p+"ffn_down.weight", ffn, embd)
		if i%2 == 0 {
			add(p+"shortconv.in_proj.weight", embd, 3*embd)
			add(p+"shortconv.conv.weight", 3, embd)
			add(p+"shortconv.out_proj.weight", embd, embd)
			continue
		}
		add(p+"attn_q.weight", embd, embd)
		add(p+"attn_k.weight", embd, embd/2)
		add(p+"attn_v.weight", embd, embd/2)
		add(p+"attn_output.weight", embd, embd)
		add(p+"attn_q_norm.weight", embd/2)
		add(p+"attn_k_norm.weight", embd/2)
	}
	path := filepath.Join(t.TempDir(), "recurrent.gguf")
	if err := w.Create(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// A chat whose template writes the beginning of an answer in another way when the
// answer is history: the prompts share what comes before it.
func TestChatOnARecurrentModel(t *testing.T) {
	e := load(t, recurrentModel(t), 2)
	s := session(t, e, SessionOptions{Batch: 64})
	history := someIDs(700)
	for turn := range 5 {
		prompt := append(slices.Clone(history), 201, 202, 203) // the answer's beginning, with a thought
		got, _, _ := answerOf(t, s, greedy(40, prompt))
		want, _, _ := answerOf(t, session(t, e, SessionOptions{}), greedy(40, prompt))
		if !slices.Equal(got, want) {
			t.Fatalf("turn %d: %v, in a session of its own %v", turn, got, want)
		}
		if st := s.Stats(); turn > 0 && (st.PromptTokens != len(prompt) || st.PromptTokens-st.CachedTokens > 40+60+3+answerPrefix) {
			t.Errorf("turn %d: %d of %d tokens of the prompt were kept", turn, st.CachedTokens, st.PromptTokens)
		}
		history = append(append(append(history, 204), got...), someIDs(60)...)
	}
	// The same prompt again, one that branches off early, and one that is a part.
	for _, prompt := range [][]int32{history[:len(history)-60], append(slices.Clone(history[:400]), 7, 8, 9), history[:20], history} {
		got, _, _ := answerOf(t, s, greedy(10, prompt))
		want, _, _ := answerOf(t, session(t, e, SessionOptions{}), greedy(10, prompt))
		if !slices.Equal(got, want) {
			t.Errorf("prompt of %d tokens: %v, in a session of its own %v", len(prompt), got, want)
		}
	}
}

func TestTruncateARecurrentModel(t *testing.T) {
	e := load(t, recurrentModel(t), 2)
	ids := someIDs(1000)
	logits := func(s *Session, n int, more []int32) []float32 {
		t.Helper()
		was := s.Len()
		if err := s.Truncate(n); err != nil {
			t.Fatal(err)
		}
		if s.Len() != n || n < was && s.Logits() != nil {
			t.Fatalf("%d tokens after Truncate(%d), logits %v", s.Len(), n, s.Logits() != nil)
		}
		if err := s.Eval(more); err != nil {
			t.Fatal(err)
		}
		return slices.Clone(s.Logits())
	}
	s := session(t, e, SessionOptions{Batch: 100})
	if err := s.Eval(ids); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{999, 700, 513, 512, 300, 2, 0} {
		more := []int32{5, 6, 7}
		got := logits(s, n, more)
		fresh := session(t, e, SessionOptions{})
		if n > 0 {
			if err := fresh.Eval(ids[:n]); err != nil {
				t.Fatal(err)
			}
		}
		if want := logits(fresh, n, more); !slices.Equal(got, want) {
			t.Errorf("truncated to %d tokens, the logits are others", n)
		}
		if err := s.Truncate(n); err != nil {
			t.Fatal(err)
		}
		if err := s.Eval(nil); err != nil || s.cache.Len() != n {
			t.Errorf("%v; Eval without tokens has %d in the cache, want %d", err, s.cache.Len(), n)
		}
	}
}

// What a Truncate leaves to be computed again counts as used, and a Start takes
// its place.
func TestContextOfARecurrentModelIsFull(t *testing.T) {
	e := load(t, recurrentModel(t), 1)
	s := session(t, e, SessionOptions{Context: 100})
	if err := s.Eval(someIDs(90)); err != nil {
		t.Fatal(err)
	}
	if err := s.Truncate(80); err != nil {
		t.Fatal(err)
	}
	if err := s.Eval(someIDs(21)); !errors.Is(err, ErrContextFull) || s.Len() != 80 {
		t.Errorf("error %v with %d tokens, want ErrContextFull with 80", err, s.Len())
	}
	if err := s.EvalEach(someIDs(21), func(int, []float32) error { return nil }); !errors.Is(err, ErrContextFull) {
		t.Errorf("error %v, want ErrContextFull", err)
	}
	if err := s.Start(greedy(5, someIDs(85))); err != nil || s.Len() != 85 {
		t.Errorf("Start after Truncate: %v, %d tokens", err, s.Len())
	}
	if err := s.Truncate(50); err != nil {
		t.Fatal(err)
	}
	if err := s.Eval(someIDs(50)); err != nil || s.Len() != 100 {
		t.Errorf("%v, %d tokens, want 100", err, s.Len())
	}
}

func TestStopAndGoOnOnARecurrentModel(t *testing.T) {
	e := load(t, recurrentModel(t), 2)
	prompt := someIDs(1500)
	want, _, _ := answerOf(t, session(t, e, SessionOptions{}), greedy(30, prompt))
	s := session(t, e, SessionOptions{Batch: 50})
	// The prompt in pieces: each try is stopped when some more of it is there.
	stops := 0
	for next := 200; ; {
		r := greedy(30, prompt)
		r.Progress = func(done, of int) {
			if done >= next && done < of {
				next += 300
				s.Stop()
			}
		}
		err := s.Start(r)
		if err == nil {
			break
		}
		if !errors.Is(err, ErrStopped) {
			t.Fatal(err)
		}
		stops++
	}
	if stops < 3 {
		t.Fatalf("%d stops", stops)
	}
	var got []int32
	for {
		ev, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if ev.Finish != Running {
			break
		}
		got = append(got, ev.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("with stops %v, without %v", got, want)
	}
}

func TestStatesAreCountedAsMemory(t *testing.T) {
	e := load(t, recurrentModel(t), 1)
	s := session(t, e, SessionOptions{Context: 100})
	need, err := e.Need(SessionOptions{Context: 100})
	if err != nil {
		t.Fatal(err)
	}
	states := kvcache.StateBytes(e.model.CacheShape())
	if states == 0 || s.KVBytes() != need.KVPerToken*100+states || need.Working < s.KVBytes() {
		t.Errorf("states take %d bytes, the cache %d, a token %d; all together %d", states, s.KVBytes(), need.KVPerToken, need.Working)
	}
}
