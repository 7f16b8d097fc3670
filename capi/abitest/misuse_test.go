package abitest

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/ebitengine/purego"
)

// hole is the address of a page that cannot be read.
func hole(t testing.TB) ptr {
	t.Helper()
	page, err := syscall.Mmap(-1, 0, 1<<16, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(page); err != nil {
			t.Error(err)
		}
	})
	return ptr(unsafe.SliceData(page))
}

// TestMisuse calls every function with every wrong argument. Each call must give
// the status, and the library must work afterwards.
func TestMisuse(t *testing.T) {
	model := loadModel(t, tinyModel(t, 64), 2)
	session := newSession(t, model, 256)
	stale := newSession(t, model, 16)
	lib.free(stale, nil)
	bad := hole(t)
	p, n := bytesOf("some text")
	invalid, _ := bytesOf("ab\xffcd")
	nul, nulSize := bytesOf("/tmp/a\x00b")
	path, pathSize := bytesOf("/no/such/file")
	var id uint64
	var count int64
	room := make([]int32, 64)
	info := func(size uint32) ptr { return ptr(&cInfo{size: size}) }
	infoSize := uint32(unsafe.Sizeof(cInfo{}))
	request := func(change func(r *cRequest)) ptr {
		r := greedy("abc", 4)
		change(r)
		return ptr(r)
	}
	sampling := func(change func(s *cSampling)) ptr {
		return request(func(r *cRequest) { change(r.sampling) })
	}
	message := func(m cMessage) ptr { return ptr(&m) }
	good := cMessage{role: textOf("user"), content: textOf("hi")}
	event := func(size uint32) ptr { return ptr(&cEvent{size: size}) }
	eventSize := uint32(unsafe.Sizeof(cEvent{}))
	options := func(o cSessionOptions) ptr { return ptr(&o) }
	nan := float32(math.NaN())

	start := func(r ptr) func(ptr) int32 {
		return func(e ptr) int32 { return lib.start(session, r, e) }
	}
	for _, c := range []struct {
		name string
		want int32
		call func(e ptr) int32
	}{
		{"init: options of a bad size", eVersion, func(e ptr) int32 { return lib.init(abiVersion, ptr(&cInit{size: 7}), e) }},
		{"init: options at a hole", eArgument, func(e ptr) int32 { return lib.init(abiVersion, bad, e) }},
		{"init: level 9", eArgument, func(e ptr) int32 { return lib.init(abiVersion, ptr(&cInit{size: 24, level: 9}), e) }},
		{"log_next: no size", eArgument, func(e ptr) int32 { return lib.logNext(nil, nil, 0, nil, e) }},
		{"log_next: no buffer", eArgument, func(e ptr) int32 { return lib.logNext(nil, nil, 5, ptr(&count), e) }},

		{"inspect: no path", eArgument, func(e ptr) int32 { return lib.inspect(nil, 0, nil, info(infoSize), e) }},
		{"inspect: NULL with a length", eArgument, func(e ptr) int32 { return lib.inspect(nil, 4, nil, info(infoSize), e) }},
		{"inspect: negative length", eArgument, func(e ptr) int32 { return lib.inspect(path, -1, nil, info(infoSize), e) }},
		{"inspect: not UTF-8", eUTF8, func(e ptr) int32 { return lib.inspect(invalid, 5, nil, info(infoSize), e) }},
		{"inspect: a 0 byte", eArgument, func(e ptr) int32 { return lib.inspect(nul, nulSize, nil, info(infoSize), e) }},
		{"inspect: no file", eIO, func(e ptr) int32 { return lib.inspect(path, pathSize, nil, info(infoSize), e) }},
		{"inspect: no info", eArgument, func(e ptr) int32 { return lib.inspect(path, pathSize, nil, nil, e) }},
		{"inspect: info of size 0", eVersion, func(e ptr) int32 { return lib.inspect(path, pathSize, nil, info(0), e) }},
		{"inspect: info of a huge size", eVersion, func(e ptr) int32 { return lib.inspect(path, pathSize, nil, info(0xcccccccc), e) }},
		{"inspect: options of size 0", eVersion, func(e ptr) int32 {
			return lib.inspect(path, pathSize, options(cSessionOptions{}), info(infoSize), e)
		}},
		{"inspect: path at a hole", eArgument, func(e ptr) int32 { return lib.inspect(bad, 4, nil, info(infoSize), e) }},

		{"load: no model", eArgument, func(e ptr) int32 { return lib.load(path, pathSize, nil, nil, e) }},
		{"load: no path", eArgument, func(e ptr) int32 { return lib.load(nil, 0, nil, ptr(&id), e) }},
		{"load: no file", eIO, func(e ptr) int32 { return lib.load(path, pathSize, nil, ptr(&id), e) }},
		{"load: a folder", eFormat, func(e ptr) int32 { f, n := bytesOf("/tmp"); return lib.load(f, n, nil, ptr(&id), e) }},
		{"load: not UTF-8", eUTF8, func(e ptr) int32 { return lib.load(invalid, 5, nil, ptr(&id), e) }},
		{"load: -1 threads", eArgument, func(e ptr) int32 {
			return lib.load(path, pathSize, ptr(&cLoadOptions{size: 24, threads: -1}), ptr(&id), e)
		}},
		{"load: options of size 8", eVersion, func(e ptr) int32 {
			return lib.load(path, pathSize, ptr(&cLoadOptions{size: 8}), ptr(&id), e)
		}},
		{"load_begin: no model", eArgument, func(e ptr) int32 { return lib.loadBegin(path, pathSize, nil, nil, e) }},
		{"load_begin: 1000 threads", eArgument, func(e ptr) int32 {
			return lib.loadBegin(path, pathSize, ptr(&cLoadOptions{size: 24, threads: 1000}), ptr(&id), e)
		}},
		{"load_poll: 0", eHandle, func(e ptr) int32 { return lib.loadPoll(0, 0, nil, e) }},
		{"load_poll: a session", eHandle, func(e ptr) int32 { return lib.loadPoll(session, 0, nil, e) }},
		{"load_poll: timeout -2", eArgument, func(e ptr) int32 { return lib.loadPoll(model, -2, nil, e) }},
		{"load_poll: done at a hole", eArgument, func(e ptr) int32 { return lib.loadPoll(model, 0, bad, e) }},
		{"model_info_get: no info", eArgument, func(e ptr) int32 { return lib.modelInfo(model, nil, e) }},
		{"model_info_get: a session", eHandle, func(e ptr) int32 { return lib.modelInfo(session, info(infoSize), e) }},
		{"model_info_get: a small info", eVersion, func(e ptr) int32 { return lib.modelInfo(model, info(infoSize-1), e) }},

		{"tokenize: 0", eHandle, func(e ptr) int32 { return lib.tokenize(0, p, n, 0, nil, 0, ptr(&count), e) }},
		{"tokenize: NULL with a length", eArgument, func(e ptr) int32 { return lib.tokenize(model, nil, 4, 0, nil, 0, ptr(&count), e) }},
		{"tokenize: a hole", eArgument, func(e ptr) int32 { return lib.tokenize(model, bad, 4, 0, nil, 0, ptr(&count), e) }},
		{"tokenize: a huge length", eArgument, func(e ptr) int32 { return lib.tokenize(model, p, 1<<62, 0, nil, 0, ptr(&count), e) }},
		{"tokenize: negative length", eArgument, func(e ptr) int32 { return lib.tokenize(model, p, -5, 0, nil, 0, ptr(&count), e) }},
		{"tokenize: not UTF-8", eUTF8, func(e ptr) int32 { return lib.tokenize(model, invalid, 5, 0, nil, 0, ptr(&count), e) }},
		{"tokenize: unknown flags", eVersion, func(e ptr) int32 { return lib.tokenize(model, p, n, 64, nil, 0, ptr(&count), e) }},
		{"tokenize: no count", eArgument, func(e ptr) int32 { return lib.tokenize(model, p, n, 0, nil, 0, nil, e) }},
		{"tokenize: negative capacity", eArgument, func(e ptr) int32 { return lib.tokenize(model, p, n, 0, ptr(&room[0]), -1, ptr(&count), e) }},
		{"tokenize: no buffer", eArgument, func(e ptr) int32 { return lib.tokenize(model, p, n, 0, nil, 64, ptr(&count), e) }},
		{"tokenize: buffer at a hole", eArgument, func(e ptr) int32 { return lib.tokenize(model, p, n, 0, bad, 64, ptr(&count), e) }},
		{"tokenize: a small buffer", eBuffer, func(e ptr) int32 { return lib.tokenize(model, p, n, 0, ptr(&room[0]), 1, ptr(&count), e) }},
		{"detokenize: an id too large", eArgument, func(e ptr) int32 {
			return lib.detokenize(model, ptr(&[]int32{tinyVocab}[0]), 1, 0, nil, 0, ptr(&count), e)
		}},
		{"detokenize: a negative id", eArgument, func(e ptr) int32 {
			return lib.detokenize(model, ptr(&[]int32{-1}[0]), 1, 0, nil, 0, ptr(&count), e)
		}},
		{"detokenize: NULL with a count", eArgument, func(e ptr) int32 { return lib.detokenize(model, nil, 1, 0, nil, 0, ptr(&count), e) }},
		{"detokenize: no ids", ok, func(e ptr) int32 { return lib.detokenize(model, nil, 0, 0, nil, 0, ptr(&count), e) }},
		{"detokenize: unknown flags", eVersion, func(e ptr) int32 { return lib.detokenize(model, nil, 0, 3, nil, 0, ptr(&count), e) }},
		{"chat_prompt: no messages", eArgument, func(e ptr) int32 { return lib.chatPrompt(model, nil, 0, nil, nil, 0, ptr(&count), e) }},
		{"chat_prompt: NULL with a count", eArgument, func(e ptr) int32 { return lib.chatPrompt(model, nil, 2, nil, nil, 0, ptr(&count), e) }},
		{"chat_prompt: no role", eArgument, func(e ptr) int32 {
			return lib.chatPrompt(model, message(cMessage{content: textOf("x")}), 1, nil, nil, 0, ptr(&count), e)
		}},
		{"chat_prompt: role not UTF-8", eUTF8, func(e ptr) int32 {
			return lib.chatPrompt(model, message(cMessage{role: cText{(*byte)(invalid), 5}}), 1, nil, nil, 0, ptr(&count), e)
		}},
		{"chat_prompt: bad tool calls", eArgument, func(e ptr) int32 {
			m := good
			m.toolCalls = textOf("[{")
			return lib.chatPrompt(model, message(m), 1, nil, nil, 0, ptr(&count), e)
		}},
		{"chat_prompt: bad tools", eArgument, func(e ptr) int32 {
			return lib.chatPrompt(model, message(good), 1, ptr(&cChatOptions{size: 32, tools: textOf("{}")}), nil, 0, ptr(&count), e)
		}},
		{"chat_prompt: thinking 7", eArgument, func(e ptr) int32 {
			return lib.chatPrompt(model, message(good), 1, ptr(&cChatOptions{size: 32, thinking: 7}), nil, 0, ptr(&count), e)
		}},
		{"chat_prompt: 0", eHandle, func(e ptr) int32 { return lib.chatPrompt(0, message(good), 1, nil, nil, 0, ptr(&count), e) }},

		{"session_create: no session", eArgument, func(e ptr) int32 { return lib.sessionCreate(model, nil, nil, e) }},
		{"session_create: of a session", eHandle, func(e ptr) int32 { return lib.sessionCreate(session, nil, ptr(&id), e) }},
		{"session_create: size 0", eVersion, func(e ptr) int32 { return lib.sessionCreate(model, options(cSessionOptions{}), ptr(&id), e) }},
		{"session_create: context -1", eArgument, func(e ptr) int32 {
			return lib.sessionCreate(model, options(cSessionOptions{size: 16, context: -1}), ptr(&id), e)
		}},
		{"session_create: more than there is memory", eMemory, func(e ptr) int32 {
			return lib.sessionCreate(model, options(cSessionOptions{size: 16, context: math.MaxInt32}), ptr(&id), e)
		}},
		{"session_create: kv_type 9", eArgument, func(e ptr) int32 {
			return lib.sessionCreate(model, options(cSessionOptions{size: 16, kvType: 9}), ptr(&id), e)
		}},
		{"session_create: batch -1", eArgument, func(e ptr) int32 {
			return lib.sessionCreate(model, options(cSessionOptions{size: 16, nb: -1}), ptr(&id), e)
		}},
		{"session_tokens: stale", eHandle, func(e ptr) int32 { return lib.sessionTokens(stale, nil, 0, ptr(&count), e) }},
		{"session_tokens: no count", eArgument, func(e ptr) int32 { return lib.sessionTokens(session, nil, 0, nil, e) }},
		{"session_truncate: -1", eArgument, func(e ptr) int32 { return lib.sessionTruncate(session, -1, e) }},
		{"session_truncate: too much", eArgument, func(e ptr) int32 { return lib.sessionTruncate(session, 1<<40, e) }},
		{"session_truncate: a model", eHandle, func(e ptr) int32 { return lib.sessionTruncate(model, 0, e) }},
		{"session_reset: stale", eHandle, func(e ptr) int32 { return lib.sessionReset(stale, e) }},

		{"sampling_defaults: NULL", eArgument, func(e ptr) int32 { return lib.samplingDefaults(nil, e) }},
		{"sampling_defaults: size 3", eVersion, func(e ptr) int32 { return lib.samplingDefaults(ptr(&cSampling{size: 3}), e) }},
		{"request_defaults: NULL", eArgument, func(e ptr) int32 { return lib.requestDefaults(nil, e) }},
		{"request_defaults: size 3", eVersion, func(e ptr) int32 { return lib.requestDefaults(ptr(&cRequest{size: 3}), e) }},

		{"generate: no callback", eArgument, func(e ptr) int32 { return lib.generate(session, request(func(*cRequest) {}), 0, 0, e) }},
		{"generate: stale", eHandle, func(e ptr) int32 { return lib.generate(stale, request(func(*cRequest) {}), eventCallback, 0, e) }},
		{"generate: NULL, but nothing was stopped", eState, func(e ptr) int32 { return lib.generate(session, nil, eventCallback, 0, e) }},
		{"start: NULL, but nothing was stopped", eState, func(e ptr) int32 { return lib.start(session, nil, e) }},
		{"start: at a hole", eArgument, func(e ptr) int32 { return lib.start(session, bad, e) }},
		{"start: a model", eHandle, func(e ptr) int32 { return lib.start(model, request(func(*cRequest) {}), e) }},
		{"start: size 0", eVersion, start(request(func(r *cRequest) { r.size = 0 }))},
		{"start: unknown flags", eVersion, start(request(func(r *cRequest) { r.flags = 1 << 31 }))},
		{"start: reserved", eArgument, start(request(func(r *cRequest) { r.reserved = 1 }))},
		{"start: nothing to answer", eArgument, start(request(func(r *cRequest) { r.prompt = cText{} }))},
		{"start: prompt and tokens", eArgument, start(request(func(r *cRequest) { r.tokens, r.tokenCount = &room[0], 3 }))},
		{"start: prompt NULL with a length", eArgument, start(request(func(r *cRequest) { r.prompt.data = nil }))},
		{"start: prompt not UTF-8", eUTF8, start(request(func(r *cRequest) { r.prompt = cText{(*byte)(invalid), 5} }))},
		{"start: tokens NULL with a count", eArgument, start(request(func(r *cRequest) { r.prompt, r.tokenCount = cText{}, 2 }))},
		{"start: -2 tokens", eArgument, start(request(func(r *cRequest) { r.prompt, r.tokenCount = cText{}, -2 }))},
		{"start: 2^60 tokens", eArgument, start(request(func(r *cRequest) { r.prompt, r.tokens, r.tokenCount = cText{}, &room[0], 1<<60 }))},
		{"start: -1 messages", eArgument, start(request(func(r *cRequest) { r.prompt, r.messageCount = cText{}, -1 }))},
		{"start: -1 stops", eArgument, start(request(func(r *cRequest) { r.stopCount = -1 }))},
		{"start: 65 stops", eArgument, start(request(func(r *cRequest) { r.stops, r.stopCount = &make([]cText, 65)[0], 65 }))},
		{"start: an empty stop", eArgument, start(request(func(r *cRequest) { r.stops, r.stopCount = &cText{}, 1 }))},
		{"start: chat of size 0", eVersion, start(request(func(r *cRequest) {
			r.prompt, r.messages, r.messageCount, r.chat = cText{}, &good, 1, &cChatOptions{}
		}))},
		{"start: sampling of size 0", eVersion, start(sampling(func(s *cSampling) { s.size = 0 }))},
		{"start: temperature -1", eArgument, start(sampling(func(s *cSampling) { s.temperature = -1 }))},
		{"start: temperature NaN", eArgument, start(sampling(func(s *cSampling) { s.temperature = nan }))},
		{"start: top_p 2", eArgument, start(sampling(func(s *cSampling) { s.topP = 2 }))},
		{"start: sampling all 0", eArgument, start(sampling(func(s *cSampling) { *s = cSampling{size: s.size} }))},
		{"start: unknown samplers", eArgument, start(sampling(func(s *cSampling) { s.samplers = textOf("?!") }))},
		{"start: biases NULL with a count", eArgument, start(sampling(func(s *cSampling) { s.biasCount = 3 }))},
		{"start: bias NaN", eArgument, start(sampling(func(s *cSampling) { s.biases, s.biasCount = &cBias{1, nan}, 1 }))},

		{"next: nothing started", eState, func(e ptr) int32 { return lib.next(session, 0, event(eventSize), e) }},
		{"next: no event", eArgument, func(e ptr) int32 { return lib.next(session, 0, nil, e) }},
		{"next: event of size 0", eVersion, func(e ptr) int32 { return lib.next(session, 0, event(0), e) }},
		{"next: timeout -7", eArgument, func(e ptr) int32 { return lib.next(session, -7, event(eventSize), e) }},
		{"next: 0", eHandle, func(e ptr) int32 { return lib.next(0, 0, event(eventSize), e) }},
		{"stats_get: NULL", eArgument, func(e ptr) int32 { return lib.stats(session, nil, e) }},
		{"stats_get: size 1", eVersion, func(e ptr) int32 { return lib.stats(session, ptr(&cStats{size: 1}), e) }},
		{"stats_get: a model", eHandle, func(e ptr) int32 { return lib.stats(model, ptr(&cStats{size: 96}), e) }},
		{"stop: 0", eHandle, func(e ptr) int32 { return lib.stop(0, e) }},
		{"stop: stale", eHandle, func(e ptr) int32 { return lib.stop(stale, e) }},
		{"stop: nothing runs", ok, func(e ptr) int32 { return lib.stop(session, e) }},
		{"free: 0", ok, func(e ptr) int32 { return lib.free(0, e) }},
		{"free: twice", eHandle, func(e ptr) int32 { return lib.free(stale, e) }},
		{"free: invented", eHandle, func(e ptr) int32 { return lib.free(0x123456789abcdef0, e) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := failure()
			want(t, "the call", c.call(ptr(e)), e, c.want)
			for _, other := range []ptr{nil, bad, ptr(&cError{size: 3})} {
				if got := c.call(other); got != c.want {
					t.Errorf("with another error struct (%v): %d", other, got)
				}
			}
			for strings.HasPrefix(c.name, "load") && id != 0 {
				t.Fatal("a failed load left a handle")
			}
		})
	}
	e := failure()
	want(t, "init", lib.init(abiVersion, nil, ptr(e)), e, ok)
	a, status := generate(session, greedy("abc", 4), e, nil)
	want(t, "generate after all that", status, e, ok)
	if len(a.ids) != 4 {
		t.Errorf("%d tokens", len(a.ids))
	}
}

// TestSmallPointers passes numbers as pointers, as hosts in other languages do for
// empty texts and user data. (By SyscallN: this program's own collector must
// not see them either.)
func TestSmallPointers(t *testing.T) {
	model := loadModel(t, tinyModel(t, 64), 1)
	session := newSession(t, model, 64)
	count := new(int64)
	text := []byte("abc")
	call := func(name string, arguments ...uintptr) int32 {
		f, err := purego.Dlsym(lib.handle, "hp_llm_"+name)
		if err != nil {
			t.Fatal(err)
		}
		status, _, _ := purego.SyscallN(f, arguments...)
		return int32(status)
	}
	m, s := uintptr(model), uintptr(session)
	at, data := uintptr(ptr(count)), uintptr(ptr(&text[0]))
	for range 20 {
		for _, c := range []struct {
			name      string
			want      int32
			arguments []uintptr
		}{
			{"tokenize", ok, []uintptr{m, 1, 0, 0, 1, 0, at, 1}},
			{"tokenize", eArgument, []uintptr{m, 1, 2, 0, 0, 0, at, 2}},
			{"tokenize", eArgument, []uintptr{m, data, 3, 0, 8, 64, at, 3}},
			{"tokenize", eArgument, []uintptr{m, data, 3, 0, 0, 0, 8, 0}},
			{"detokenize", ok, []uintptr{m, 4, 0, 0, 1, 0, at, 0}},
			{"load", eArgument, []uintptr{data, 3, 0, 16, 0}},
			{"load", eArgument, []uintptr{1, 0, 8, at, 0}},
			{"load_poll", ok, []uintptr{m, 0, 24, 8}},
			{"init", eArgument, []uintptr{abiVersion, 8, 0}},
			{"inspect", eArgument, []uintptr{data, 3, 8, 8, 0}},
			{"model_info_get", eArgument, []uintptr{m, 100, 0}},
			{"session_create", eArgument, []uintptr{m, 8, at, 0}},
			{"sampling_defaults", eArgument, []uintptr{8, 8}},
			{"start", eArgument, []uintptr{s, 8, 0}},
			{"next", eArgument, []uintptr{s, 0, 8, 0}},
			{"stats_get", eArgument, []uintptr{s, 8, 0}},
			{"chat_prompt", eArgument, []uintptr{m, 8, 1, 0, 0, 0, at, 0}},
			{"stop", ok, []uintptr{s, 9}},
		} {
			if got := call(c.name, c.arguments...); got != c.want {
				t.Errorf("%s%x: %d, want %d", c.name, c.arguments, got, c.want)
			}
		}
		runtime.GC()
	}
	runtime.KeepAlive(text)
	runtime.KeepAlive(count)
}

// TestStructsOfOtherHeaders: larger structs are taken if what is beyond is 0.
func TestStructsOfOtherHeaders(t *testing.T) {
	open(t)
	e := failure()
	big := make([]byte, 1024)
	binary.LittleEndian.PutUint32(big, 1024)
	binary.LittleEndian.PutUint32(big[4:], 1)
	want(t, "init", lib.init(abiVersion, ptr(&big[0]), ptr(e)), e, ok)
	big[1000] = 1
	want(t, "init with an unknown field", lib.init(abiVersion, ptr(&big[0]), ptr(e)), e, eVersion)
	want(t, "request_defaults", lib.requestDefaults(ptr(&big[0]), ptr(e)), e, ok)
	if binary.LittleEndian.Uint32(big) != 1024 || big[1000] != 0 {
		t.Errorf("struct_size %d, unknown field %d", binary.LittleEndian.Uint32(big), big[1000])
	}
}

// TestMemoryOfUserData: user data is the host's own; small numbers crash Go's
// collector where they are taken for pointers.
func TestMemoryOfUserData(t *testing.T) {
	model := loadModel(t, tinyModel(t, 64), 1)
	session := newSession(t, model, 256)
	for range 50 {
		e := failure()
		a, status := generate(session, greedy("abcdef", 16), e, nil)
		want(t, "generate", status, e, ok)
		if len(a.ids) != 16 {
			t.Fatalf("%d tokens", len(a.ids))
		}
		s := newSession(t, model, 2048) // garbage for the collector
		lib.free(s, nil)
	}
}

func TestFailuresOfAnswers(t *testing.T) {
	path := tinyModel(t, 64)
	model := loadModel(t, path, 2)
	session := newSession(t, model, 64)
	e := failure()
	long := greedy(strings.Repeat("a", 65), 4)
	a, status := generate(session, long, e, nil)
	want(t, "generate", status, e, eContext)
	if a.finish != 5 || a.events != 1 {
		t.Errorf("finish %d in %d events, want the error's", a.finish, a.events)
	}
	want(t, "start", lib.start(session, ptr(long), ptr(e)), e, ok)
	want(t, "next", lib.next(session, -1, ptr(newEvent()), ptr(e)), e, eContext)
	want(t, "next", lib.next(session, -1, ptr(newEvent()), ptr(e)), e, eState)
	ids := []int32{5, tinyVocab}
	r := greedy("", 4)
	r.tokens, r.tokenCount = &ids[0], 2
	_, status = generate(session, r, e, nil)
	if status >= 0 {
		t.Errorf("a token outside of the vocabulary: %d", status)
	}
	a, status = generate(session, greedy("abc", -1), e, nil)
	want(t, "generate", status, e, ok)
	if a.finish != 3 {
		t.Errorf("finish %d, want context", a.finish)
	}

	// The file is cut while it is mapped.
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	_, status = generate(session, greedy("xyz", 8), e, nil)
	want(t, "generate from a cut file", status, e, eFileChanged)
	if !strings.Contains(e.text(), filepath.Base(path)) {
		t.Errorf("the error does not name the file: %s", e.text())
	}
	want(t, "free", lib.free(model, ptr(e)), e, ok)
}

func TestFilesThatAreNoModels(t *testing.T) {
	open(t)
	whole, err := os.ReadFile(tinyModel(t, 64))
	if err != nil {
		t.Fatal(err)
	}
	swap := func(old, new string) []byte { return []byte(strings.Replace(string(whole), old, new, 1)) }
	for _, c := range []struct {
		name    string
		content []byte
		want    int32
	}{
		{"empty", nil, eFormat},
		{"short", []byte("GGUF"), eFormat},
		{"text", []byte(strings.Repeat("hello ", 100)), eFormat},
		{"cut", whole[:len(whole)-100], eFormat},
		{"unknown architecture", swap("\x05\x00\x00\x00\x00\x00\x00\x00llama", "\x05\x00\x00\x00\x00\x00\x00\x00lxyza"), eUnsupported},
		{"no such tensor", swap("output_norm.weight", "output_nxxm.weight"), eFormat},
	} {
		path := filepath.Join(t.TempDir(), "model.gguf")
		if err := os.WriteFile(path, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		p, n := bytesOf(path)
		var model uint64
		e := failure()
		if got := lib.load(p, n, nil, ptr(&model), ptr(e)); got != c.want || model != 0 || e.code != got {
			t.Errorf("load, %s: %d %s, model %d; want %d", c.name, got, e.text(), model, c.want)
		}
		info := &cInfo{size: uint32(unsafe.Sizeof(cInfo{}))}
		if got := lib.inspect(p, n, nil, ptr(info), ptr(e)); got != c.want || info.bos != -1 {
			t.Errorf("inspect, %s: %d %s; want %d", c.name, got, e.text(), c.want)
		}
		if c.want == eUnsupported && (!strings.Contains(e.text(), "lxyza") || info.fileBytes != int64(len(whole))) {
			t.Errorf("inspect of %s: %s, %d bytes", c.name, e.text(), info.fileBytes)
		}
	}
}
