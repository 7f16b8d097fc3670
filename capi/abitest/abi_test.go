package abitest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"github.com/ebitengine/purego"

	"happyphonellm/internal/testkit"
)

// Statuses of hp_llm.h.
const (
	ok           = 0
	pending      = 1
	eArgument    = -1
	eHandle      = -2
	eBusy        = -3
	eState       = -4
	eBuffer      = -5
	eVersion     = -6
	eUTF8        = -7
	eIO          = -8
	eFormat      = -9
	eUnsupported = -10
	eFileChanged = -11
	eContext     = -12
	eMemory      = -13
	eStopped     = -14
	eNoVocab     = -15
	eTemplate    = -16
)

const abiVersion = 0x00010000

// The structs of hp_llm.h.
type (
	cError struct {
		size    uint32
		code    int32
		message [504]byte
	}
	cText struct {
		data *byte
		size int64
	}
	cInit struct {
		size, level int32
		log, user   uintptr
	}
	cInfo struct {
		size                                                      uint32
		fit                                                       int32
		fileBytes, parameters, memoryBytes, kvPerToken            int64
		deviceBytes, availableBytes                               int64
		contextTrain, context, vocabulary, layers, embedding      int32
		threads, bos, eos, eot, hasVocabulary, hasTemplate, spare int32
		architecture                                              [64]byte
		quantization                                              [16]byte
		name                                                      [256]byte
	}
	cSessionOptions struct {
		size                uint32
		context, kvType, nb int32
	}
	cLoadOptions struct {
		size           uint32
		threads        int32
		progress, user uintptr
	}
	cMessage     struct{ role, content, reasoning, toolCalls, toolCallID, name cText }
	cChatOptions struct {
		size               uint32
		thinking           int32
		tools              cText
		noPrefix, reserved int32
	}
	cBias struct {
		token int32
		bias  float32
	}
	cSampling struct {
		size, seed                                           uint32
		temperature                                          float32
		topK                                                 int32
		topP, minP, typicalP, topNSigma, dynRange, dynExp    float32
		xtcP, xtcT, adaptTarget, adaptDecay                  float32
		mirostat                                             int32
		tau, eta                                             float32
		repeatLastN                                          int32
		repeatPenalty, presence, frequency, dryMult, dryBase float32
		dryAllowed, dryLastN, minKeep                        int32
		samplers                                             cText
		biases                                               *cBias
		biasCount                                            int64
	}
	cRequest struct {
		size, flags         uint32
		maxTokens, reserved int32
		messages            *cMessage
		messageCount        int64
		chat                *cChatOptions
		prompt              cText
		tokens              *int32
		tokenCount          int64
		stops               *cText
		stopCount           int64
		sampling            *cSampling
	}
	cEvent struct {
		size                                   uint32
		finish, token, prompt, cached, written int32
		textSize                               int32
		text                                   [260]byte
	}
	cStats struct {
		size                                          uint32
		prompt, cached, written, context, capacity    int32
		loadMS, promptMS, firstMS, generateMS, pps, s float64
		peak                                          int64
	}
)

// The functions of hp_llm.h. Pointers that tests abuse are unsafe.Pointer.
type ptr = unsafe.Pointer

var lib struct {
	handle uintptr

	version          func() string
	abiVersion       func() uint32
	statusName       func(int32) string
	init             func(uint32, ptr, ptr) int32
	logNext          func(level, buffer ptr, capacity int64, size, err ptr) int32
	shutdown         func(ptr) int32
	inspect          func(path ptr, size int64, options, info, err ptr) int32
	load             func(path ptr, size int64, options, model, err ptr) int32
	loadBegin        func(path ptr, size int64, options, model, err ptr) int32
	loadPoll         func(model uint64, timeout int32, done, err ptr) int32
	modelInfo        func(model uint64, info, err ptr) int32
	tokenize         func(model uint64, text ptr, size int64, flags uint32, ids ptr, capacity int64, count, err ptr) int32
	detokenize       func(model uint64, ids ptr, count int64, flags uint32, buffer ptr, capacity int64, size, err ptr) int32
	chatPrompt       func(model uint64, messages ptr, count int64, options, buffer ptr, capacity int64, size, err ptr) int32
	sessionCreate    func(model uint64, options, session, err ptr) int32
	sessionTokens    func(session uint64, ids ptr, capacity int64, count, err ptr) int32
	sessionTruncate  func(session uint64, length int64, err ptr) int32
	sessionReset     func(session uint64, err ptr) int32
	samplingDefaults func(sampling, err ptr) int32
	requestDefaults  func(request, err ptr) int32
	generate         func(session uint64, request ptr, callback uintptr, user uintptr, err ptr) int32
	start            func(session uint64, request, err ptr) int32
	next             func(session uint64, timeout int32, event, err ptr) int32
	stats            func(session uint64, stats, err ptr) int32
	stop             func(handle uint64, err ptr) int32
	free             func(handle uint64, err ptr) int32
	finalize         func(handle uintptr)
}

var functions = map[string]any{
	"version": &lib.version, "abi_version": &lib.abiVersion, "status_name": &lib.statusName,
	"init": &lib.init, "log_next": &lib.logNext, "shutdown": &lib.shutdown,
	"inspect": &lib.inspect, "load": &lib.load, "load_begin": &lib.loadBegin, "load_poll": &lib.loadPoll,
	"model_info_get": &lib.modelInfo, "tokenize": &lib.tokenize, "detokenize": &lib.detokenize,
	"chat_prompt": &lib.chatPrompt, "session_create": &lib.sessionCreate, "session_tokens": &lib.sessionTokens,
	"session_truncate": &lib.sessionTruncate, "session_reset": &lib.sessionReset,
	"sampling_defaults": &lib.samplingDefaults, "request_defaults": &lib.requestDefaults,
	"generate": &lib.generate, "start": &lib.start, "next": &lib.next, "stats_get": &lib.stats,
	"stop": &lib.stop, "free": &lib.free, "finalize": &lib.finalize,
}

var library struct {
	once sync.Once
	path string
	err  error
	skip string
}

// libraryPath builds the library once, unless HPLLM_LIB names one.
func libraryPath(t testing.TB) string {
	t.Helper()
	library.once.Do(func() {
		if library.path = os.Getenv("HPLLM_LIB"); library.path != "" {
			return
		}
		if runtime.GOOS != "linux" {
			library.skip = "build/library.sh checks ELF libraries: the tests run on Linux"
			return
		}
		for _, tool := range []string{"gcc", "readelf"} {
			if _, err := exec.LookPath(tool); err != nil {
				library.skip = tool + ", which builds the library"
				return
			}
		}
		out, err := exec.Command(filepath.Join(testkit.Root(), "build", "library.sh"), "host").CombinedOutput()
		if err != nil {
			library.err = fmt.Errorf("build/library.sh host: %w\n%s", err, out)
		}
		library.path = filepath.Join(testkit.Root(), "build", "lib", "host", "libhappyphonellm.so")
	})
	if library.skip != "" {
		testkit.Missing(t, library.skip, "make deps")
	}
	if library.err != nil {
		t.Fatal(library.err)
	}
	return library.path
}

var opened sync.Once

// open loads the library into this process, once.
func open(t testing.TB) {
	t.Helper()
	path := libraryPath(t)
	opened.Do(func() {
		h, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err != nil {
			t.Fatalf("dlopen: %v", err)
		}
		for name, f := range functions {
			purego.RegisterLibFunc(f, h, "hp_llm_"+name)
		}
		lib.handle = h
		eventCallback = purego.NewCallback(onEvent)
		progressCallback = purego.NewCallback(onProgress)
		logCallback = purego.NewCallback(onLog)
	})
	if lib.handle == 0 {
		t.Fatal("the library was not loaded (see the first test)")
	}
}

// failure is a fresh error struct.
func failure() *cError { return &cError{size: uint32(unsafe.Sizeof(cError{}))} }

func (e *cError) text() string { return cString(e.message[:]) }

func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b) + " (no end!)"
}

// want fails the test unless the call returned the status, and the error says so too.
func want(t testing.TB, what string, got int32, e *cError, status int32) {
	t.Helper()
	if got != status {
		t.Fatalf("%s: %s (%s), want %s", what, lib.statusName(got), e.text(), lib.statusName(status))
	}
	if e.code != status {
		t.Fatalf("%s: error.code is %d, the call returned %d", what, e.code, status)
	}
	if (status < 0) != (e.text() != "") {
		t.Fatalf("%s: status %d with the message %q", what, status, e.text())
	}
}

func bytesOf(s string) (ptr, int64) {
	if s == "" {
		return nil, 0
	}
	b := []byte(s)
	return ptr(&b[0]), int64(len(b))
}

func textOf(s string) cText {
	p, n := bytesOf(s)
	return cText{(*byte)(p), n}
}

// Callbacks: C gets a number that finds the Go function.
var (
	eventCallback, progressCallback, logCallback uintptr

	callbacks sync.Map // uintptr → func
	lastUser  uintptr
	userMu    sync.Mutex
)

func user(f any) (id uintptr, forget func()) {
	userMu.Lock()
	defer userMu.Unlock()
	lastUser++
	id = lastUser
	callbacks.Store(id, f)
	return id, func() { callbacks.Delete(id) }
}

func onEvent(id uintptr, e *cEvent) int32 {
	f, _ := callbacks.Load(id)
	return f.(func(*cEvent) int32)(e)
}

func onProgress(id uintptr, done float64) int32 {
	f, _ := callbacks.Load(id)
	return f.(func(float64) int32)(done)
}

func onLog(id uintptr, level int32, text *byte, size int64) uintptr {
	f, _ := callbacks.Load(id)
	f.(func(int32, string))(level, string(unsafe.Slice(text, size)))
	return 0
}

// Conveniences for tests that want success.

func loadModel(t testing.TB, path string, threads int32) uint64 {
	t.Helper()
	open(t)
	p, n := bytesOf(path)
	o := &cLoadOptions{size: 24, threads: threads}
	var model uint64
	e := failure()
	want(t, "load", lib.load(p, n, ptr(o), ptr(&model), ptr(e)), e, ok)
	t.Cleanup(func() { lib.free(model, nil) })
	return model
}

func newSession(t testing.TB, model uint64, context int32) uint64 {
	t.Helper()
	o := &cSessionOptions{size: 16, context: context}
	var session uint64
	e := failure()
	want(t, "session_create", lib.sessionCreate(model, ptr(o), ptr(&session), ptr(e)), e, ok)
	t.Cleanup(func() { lib.free(session, nil) })
	return session
}

// greedy is a request with temperature 0 that ignores the end of turn.
func greedy(prompt string, n int32) *cRequest {
	s := &cSampling{size: uint32(unsafe.Sizeof(cSampling{}))}
	r := &cRequest{size: uint32(unsafe.Sizeof(cRequest{}))}
	if lib.samplingDefaults(ptr(s), nil) != ok || lib.requestDefaults(ptr(r), nil) != ok {
		panic("no defaults")
	}
	s.temperature = 0
	r.sampling, r.prompt, r.maxTokens, r.flags = s, textOf(prompt), n, 1
	return r
}

func newEvent() *cEvent { return &cEvent{size: uint32(unsafe.Sizeof(cEvent{}))} }

func (e *cEvent) piece() string { return string(e.text[:e.textSize]) }

// answer is what a host has seen of one.
type answer struct {
	ids    []int32
	text   string
	finish int32
	events int
}

func (a *answer) add(e *cEvent) {
	if e.token >= 0 {
		a.ids = append(a.ids, e.token)
	}
	a.text += e.piece()
	a.finish = e.finish
	a.events++
}

// generate answers through the callback; each may be nil.
func generate(session uint64, r *cRequest, e *cError, each func(*cEvent) int32) (answer, int32) {
	var a answer
	id, forget := user(func(ev *cEvent) int32 {
		a.add(ev)
		if each != nil {
			return each(ev)
		}
		return 0
	})
	defer forget()
	status := lib.generate(session, ptr(r), eventCallback, id, ptr(e))
	return a, status
}

// pull takes events until the last one or an error.
func pull(session uint64, e *cError, a *answer) int32 {
	ev := newEvent()
	for {
		switch status := lib.next(session, 20, ptr(ev), ptr(e)); status {
		case pending:
		case ok:
			a.add(ev)
			if ev.finish != 0 {
				return ok
			}
		default:
			return status
		}
	}
}
