package abitest

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
	"unsafe"

	"happyphonellm/internal/infer"
	"happyphonellm/internal/testkit"
)

func TestVersions(t *testing.T) {
	open(t)
	if v := lib.abiVersion(); v != abiVersion {
		t.Errorf("abi_version %#x, want %#x", v, abiVersion)
	}
	if v := lib.version(); strings.Count(v, ".") != 2 {
		t.Errorf("version %q", v)
	}
	if n := lib.statusName(eBusy); n != "HP_LLM_ERROR_BUSY" {
		t.Errorf("status_name(%d) = %q", eBusy, n)
	}
	for _, c := range []struct {
		abi  uint32
		want int32
	}{{abiVersion, ok}, {abiVersion + 1, eVersion}, {abiVersion + 1<<16, eVersion}, {0, eVersion}} {
		e := failure()
		want(t, "init", lib.init(c.abi, nil, ptr(e)), e, c.want)
	}
}

// TestAnswer goes through everything that a host does with a real model.
func TestAnswer(t *testing.T) {
	path := testkit.Model(t, "smollm2-q4_1")
	open(t)
	e := failure()
	info := &cInfo{size: uint32(unsafe.Sizeof(cInfo{}))}
	p, n := bytesOf(path)
	want(t, "inspect", lib.inspect(p, n, nil, ptr(info), ptr(e)), e, ok)
	if cString(info.architecture[:]) != "llama" || info.layers != 30 || info.vocabulary != 49152 || info.context != 4096 {
		t.Errorf("inspect: %+v", info)
	}
	if info.fit != 1 || info.memoryBytes <= 0 || info.kvPerToken != 30*3*64*2*2 {
		t.Errorf("inspect: fit %d, memory %d, KV per token %d", info.fit, info.memoryBytes, info.kvPerToken)
	}

	var seen []float64
	progress, forget := user(func(done float64) int32 { seen = append(seen, done); return 0 })
	defer forget()
	o := &cLoadOptions{size: 24, threads: 2, progress: progressCallback, user: progress}
	var model uint64
	want(t, "load", lib.load(p, n, ptr(o), ptr(&model), ptr(e)), e, ok)
	defer lib.free(model, nil)
	if len(seen) < 2 || seen[len(seen)-1] != 1 {
		t.Errorf("progress: %v", seen)
	}
	loaded := &cInfo{size: info.size}
	want(t, "model_info_get", lib.modelInfo(model, ptr(loaded), ptr(e)), e, ok)
	if loaded.threads != 2 || loaded.eos != info.eos || loaded.name != info.name || loaded.memoryBytes != info.memoryBytes {
		t.Errorf("model_info_get: %+v, inspect said %+v", loaded, info)
	}

	session := newSession(t, model, 1024)
	r := greedy("", 48)
	r.flags = 0
	r.prompt = cText{}
	messages := []cMessage{{role: textOf("user"), content: textOf("What is the capital of France?")}}
	r.messages, r.messageCount = &messages[0], 1
	a, status := generate(session, r, e, nil)
	want(t, "generate", status, e, ok)
	if want := engineAnswer(t, path, "What is the capital of France?", 48); a.text != want || a.finish != 1 && a.finish != 2 {
		t.Errorf("answer %q, finish %d; the engine itself says %q", a.text, a.finish, want)
	}

	// The same by pulling, on another session; and the template by hand.
	other := newSession(t, model, 1024)
	want(t, "start", lib.start(other, ptr(r), ptr(e)), e, ok)
	var b answer
	want(t, "next", pull(other, e, &b), e, ok)
	if b.text != a.text || b.finish != a.finish {
		t.Errorf("pulled %q (%d), called back %q (%d)", b.text, b.finish, a.text, a.finish)
	}
	var size int64
	want(t, "chat_prompt", lib.chatPrompt(model, ptr(&messages[0]), 1, nil, nil, 0, ptr(&size), ptr(e)), e, ok)
	buffer := make([]byte, size)
	want(t, "chat_prompt", lib.chatPrompt(model, ptr(&messages[0]), 1, nil, ptr(&buffer[0]), size, ptr(&size), ptr(e)), e, ok)
	if !strings.Contains(string(buffer), "<|im_start|>user\nWhat is") {
		t.Errorf("chat_prompt: %q", buffer)
	}
	byHand := *r
	byHand.messages, byHand.messageCount = nil, 0
	byHand.prompt, byHand.flags = textOf(string(buffer)), 2
	c, status := generate(newSession(t, model, 1024), &byHand, e, nil)
	want(t, "generate", status, e, ok)
	if c.text != a.text {
		t.Errorf("the template by hand gives %q, by messages %q", c.text, a.text)
	}

	st := &cStats{size: uint32(unsafe.Sizeof(cStats{}))}
	want(t, "stats_get", lib.stats(session, ptr(st), ptr(e)), e, ok)
	if st.written == 0 || st.context == 0 || st.capacity != 1024 || st.s <= 0 || st.firstMS <= 0 || st.loadMS <= 0 || st.peak <= 0 {
		t.Errorf("stats: %+v", st)
	}
	// Asked again, the prompt is there already.
	_, status = generate(session, r, e, nil)
	want(t, "generate", status, e, ok)
	want(t, "stats_get", lib.stats(session, ptr(st), ptr(e)), e, ok)
	if st.cached != st.prompt-1 {
		t.Errorf("the second time %d of %d prompt tokens were cached", st.cached, st.prompt)
	}
}

// engineAnswer is the answer of the engine without the library between.
func engineAnswer(t *testing.T, path, question string, n int) string {
	t.Helper()
	e, err := infer.Load(path, infer.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s, err := e.NewSession(infer.SessionOptions{Context: 512})
	if err != nil {
		t.Fatal(err)
	}
	ids, err := e.ChatPrompt([]infer.Message{{Role: "user", Content: question}}, infer.ChatOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := infer.Request{Prompt: ids, MaxTokens: n, Sampling: infer.DefaultSampling()}
	r.Sampling.Temperature = 0
	text := ""
	if _, err := s.Generate(r, func(ev infer.Event) error { text += ev.Text; return nil }); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTextThereAndBack(t *testing.T) {
	model := loadModel(t, testkit.Model(t, "smollm2-q4_1"), 1)
	e := failure()
	for _, text := range []string{"", "Hello, world", "日本語 हिन्दी 👩‍👩‍👧 é\x00z"} {
		p, n := bytesOf(text)
		var count int64
		want(t, "tokenize", lib.tokenize(model, p, n, 0, nil, 0, ptr(&count), ptr(e)), e, ok)
		ids := make([]int32, count+1)
		needed := count
		if count > 1 {
			want(t, "tokenize", lib.tokenize(model, p, n, 0, ptr(&ids[0]), count-1, ptr(&count), ptr(e)), e, eBuffer)
			if count != needed || ids[0] != 0 {
				t.Errorf("%q: a small buffer: needed %d, written %v", text, count, ids)
			}
		}
		want(t, "tokenize", lib.tokenize(model, p, n, 0, ptr(&ids[0]), needed+1, ptr(&count), ptr(e)), e, ok)
		buffer := make([]byte, 256)
		var size int64
		want(t, "detokenize", lib.detokenize(model, ptr(&ids[0]), count, 0, ptr(&buffer[0]), 256, ptr(&size), ptr(e)), e, ok)
		if got := string(buffer[:size]); got != text {
			t.Errorf("%q came back as %q", text, got)
		}
	}
}

// TestEventsAreWholeCodePoints: a model of single bytes must not let a host see
// half a character, and long texts come in pieces.
func TestEventsAreWholeCodePoints(t *testing.T) {
	model := loadModel(t, tinyModel(t, 64), 2)
	session := newSession(t, model, 2048)
	e := failure()
	r := greedy("abc", 1500)
	r.sampling.temperature, r.sampling.seed, r.sampling.topK = 5, 1, 0
	never := textOf(strings.Repeat("x", 600)) // holds back what may become it
	r.stops, r.stopCount = &never, 1
	bias := make([]cBias, 0, 128)
	for b := int32(0); b < 128; b++ {
		bias = append(bias, cBias{b, -100})
	}
	bias = append(bias, cBias{'x', 200})
	r.sampling.biases, r.sampling.biasCount = &bias[0], int64(len(bias))
	a, status := generate(session, r, e, func(ev *cEvent) int32 {
		if !utf8.Valid(ev.text[:ev.textSize]) || ev.text[ev.textSize] != 0 {
			t.Errorf("event %d: % x", ev.written, ev.text[:ev.textSize+1])
		}
		return 0
	})
	want(t, "generate", status, e, ok)
	if a.finish != 1 || a.text != "" {
		t.Errorf("all x: finish %d, text of %d bytes; want the stop text", a.finish, len(a.text))
	}
	bias[len(bias)-1] = cBias{'x', 0}
	a, status = generate(session, r, e, func(ev *cEvent) int32 {
		if !utf8.Valid(ev.text[:ev.textSize]) {
			t.Errorf("event %d: % x", ev.written, ev.text[:ev.textSize])
		}
		return 0
	})
	want(t, "generate", status, e, ok)
	if len(a.ids) != 1500 || a.finish != 2 {
		t.Errorf("%d tokens, finish %d", len(a.ids), a.finish)
	}
	// 500 x held back, then let go at once.
	r.maxTokens = 500
	bias[len(bias)-1] = cBias{'x', 200}
	a, status = generate(session, r, e, nil)
	want(t, "generate", status, e, ok)
	if a.text != strings.Repeat("x", 500) || a.events < 502 {
		t.Errorf("%d bytes in %d events", len(a.text), a.events)
	}
}

func TestNoVocabulary(t *testing.T) {
	paths := testkit.Glob(t, "archs/llama-dense.gguf")
	model := loadModel(t, paths[0], 1)
	e := failure()
	p, n := bytesOf("x")
	var count int64
	want(t, "tokenize", lib.tokenize(model, p, n, 0, nil, 0, ptr(&count), ptr(e)), e, eNoVocab)
	session := newSession(t, model, 64)
	r := greedy("", 8)
	ids := []int32{1, 2, 3}
	r.tokens, r.tokenCount = &ids[0], 3
	a, status := generate(session, r, e, nil)
	want(t, "generate by ids", status, e, ok)
	if len(a.ids) != 8 || a.text != "" {
		t.Errorf("%d ids, text %q", len(a.ids), a.text)
	}
	r = greedy("text", 8)
	_, status = generate(session, r, e, nil)
	want(t, "generate of text", status, e, eNoVocab)
}

func TestLogs(t *testing.T) {
	open(t)
	defer lib.init(abiVersion, nil, nil)
	path := testkit.Glob(t, "archs/llama-dense.gguf")[0] // has no vocabulary: a warning
	load := func() {
		p, n := bytesOf(path)
		var model uint64
		e := failure()
		want(t, "load", lib.load(p, n, nil, ptr(&model), ptr(e)), e, ok)
		lib.free(model, nil)
	}
	e := failure()
	for lib.logNext(nil, ptr(&make([]byte, 4096)[0]), 4096, ptr(new(int64)), nil) == ok {
	}
	load()
	var level int32
	var size int64
	buffer := make([]byte, 1024)
	want(t, "log_next", lib.logNext(ptr(&level), ptr(&buffer[0]), 2, ptr(&size), ptr(e)), e, eBuffer)
	want(t, "log_next", lib.logNext(ptr(&level), ptr(&buffer[0]), 1024, ptr(&size), ptr(e)), e, ok)
	if level != 1 || !strings.Contains(string(buffer[:size]), "vocabulary") {
		t.Errorf("level %d, %q", level, buffer[:size])
	}
	want(t, "log_next", lib.logNext(nil, ptr(&buffer[0]), 1024, ptr(&size), ptr(e)), e, pending)

	var lines []string
	id, forget := user(func(_ int32, text string) { lines = append(lines, text) })
	defer forget()
	o := &cInit{size: 24, level: 1, log: logCallback, user: id}
	want(t, "init", lib.init(abiVersion, ptr(o), ptr(e)), e, ok)
	load()
	if len(lines) != 1 {
		t.Errorf("the callback got %q", lines)
	}
}

// TestLoadInTheBackground is how a host that must never wait loads.
func TestLoadInTheBackground(t *testing.T) {
	open(t)
	e := failure()
	p, n := bytesOf(tinyModel(t, 64))
	var model, session uint64
	var done float64
	want(t, "load_begin", lib.loadBegin(p, n, nil, ptr(&model), ptr(e)), e, ok)
	for {
		begin := time.Now()
		status := lib.loadPoll(model, 5, ptr(&done), ptr(e))
		if d := time.Since(begin); d > 200*time.Millisecond {
			t.Errorf("load_poll of 5 ms took %v", d)
		}
		if status == ok {
			break
		}
		want(t, "load_poll", status, e, pending)
	}
	if done != 1 {
		t.Errorf("done is %v after the load", done)
	}
	want(t, "load_poll again", lib.loadPoll(model, 0, nil, ptr(e)), e, ok)
	want(t, "session_create", lib.sessionCreate(model, nil, ptr(&session), ptr(e)), e, ok)
	want(t, "free", lib.free(model, ptr(e)), e, ok)
	want(t, "free of a session of a freed model", lib.free(session, ptr(e)), e, eHandle)

	p, n = bytesOf("/no/such/file.gguf")
	want(t, "load_begin", lib.loadBegin(p, n, nil, ptr(&model), ptr(e)), e, ok)
	want(t, "load_poll", lib.loadPoll(model, -1, ptr(&done), ptr(e)), e, eIO)
	want(t, "load_poll", lib.loadPoll(model, 0, nil, ptr(e)), e, eIO)
	want(t, "session_create on it", lib.sessionCreate(model, nil, ptr(&session), ptr(e)), e, eState)
	want(t, "free", lib.free(model, ptr(e)), e, ok)
}
