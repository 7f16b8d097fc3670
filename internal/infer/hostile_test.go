package infer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/testkit"
)

// Model files are untrusted: whatever one number of a file is, a load gives an
// error that names the file or a model that runs, soon, and with memory in
// proportion to the file.

var hostileEdits = flag.Int("hostile", 0, "edits of each cached file in TestHostileFiles; 0: a few, -1: all")

const (
	hostileTime  = time.Second
	hostileBytes = 64 << 20 // beside 4 times the file
)

// hostile is a copy of a model file that is damaged in place, again and again.
type hostile struct {
	path    string
	arch    string
	file    *os.File
	size    int64
	header  []byte
	keys    []string
	tensors []string
	spareAt int // of two texts that make room for a further key
}

// edit replaces bytes of the header.
type edit struct {
	name string
	at   int
	to   []byte
}

const spareText = 64

var spareNames = [2]string{"hostile.spare.a", "hostile.spare.b"}

// newHostile copies a file, with room for a key that it has not.
func newHostile(t *testing.T, from string) *hostile {
	t.Helper()
	f, err := gguf.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := gguf.NewWriter()
	for _, k := range spareNames {
		w.SetText(k, strings.Repeat(" ", spareText))
	}
	for _, k := range f.Keys() {
		v, _ := f.Value(k)
		if err := w.SetValue(k, v); err != nil {
			t.Fatal(err)
		}
	}
	h := &hostile{path: filepath.Join(t.TempDir(), filepath.Base(from)), arch: f.Architecture(), keys: f.Keys()}
	for _, x := range f.Tensors() {
		w.AddTensorBytes(x.Name, x.Type, x.Shape, x.Data)
		h.tensors = append(h.tensors, x.Name)
	}
	if err := w.Create(h.path); err != nil {
		t.Fatal(err)
	}
	if h.file, err = os.OpenFile(h.path, os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.file.Close() })
	info, err := h.file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	h.size = info.Size()
	copied, err := gguf.Open(h.path)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	end := h.size
	for _, x := range copied.Tensors() {
		end = min(end, x.Offset)
	}
	h.header = make([]byte, end)
	if _, err := h.file.ReadAt(h.header, 0); err != nil {
		t.Fatal(err)
	}
	h.spareAt = bytes.Index(h.header, text(spareNames[0]))
	return h
}

// text is a string as it is in a file: its length, 8 bytes, and its bytes.
func text(s string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(s))), s...)
}

func u32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

var (
	hostileInts   = []uint32{0, 1, 3, 1 << 16, 1 << 24, math.MaxInt32, math.MaxUint32}
	hostileFloats = []float32{0, -1, 1e-30, 3e38, float32(math.Inf(1)), float32(math.NaN())}
)

// ofKeys damages each key in turn.
func (h *hostile) ofKeys() []edit {
	var list []edit
	for _, k := range h.keys {
		at := bytes.Index(h.header, text(k)) + 8 + len(k)
		kind := gguf.Kind(binary.LittleEndian.Uint32(h.header[at:]))
		add := func(what any, at int, to []byte) {
			list = append(list, edit{fmt.Sprintf("%s = %v", k, what), at, to})
		}
		list = append(list, edit{k + " is missing", at - 1, []byte{'?'}})
		at += 4
		switch kind {
		case gguf.Uint32, gguf.Int32:
			for _, v := range hostileInts {
				add(v, at, u32(v))
			}
			add("a float", at-4, u32(uint32(gguf.Float32)))
		case gguf.Float32:
			for _, v := range hostileFloats {
				add(v, at, u32(math.Float32bits(v)))
			}
			add("an integer", at-4, u32(uint32(gguf.Uint32)))
		case gguf.Bool:
			add("the opposite", at, []byte{1 - h.header[at]})
		case gguf.Text:
			add("another text", at+8, []byte{'?'})
		case gguf.List:
			of := gguf.Kind(binary.LittleEndian.Uint32(h.header[at:]))
			n := int(binary.LittleEndian.Uint64(h.header[at+4:]))
			if at += 12; of == gguf.Uint32 || of == gguf.Int32 {
				for _, v := range hostileInts {
					add(fmt.Sprintf("[%v ...]", v), at, u32(v))
					add(fmt.Sprintf("%v everywhere", v), at, bytes.Repeat(u32(v), n))
				}
				add("of floats", at-12, u32(uint32(gguf.Float32)))
			} else if of == gguf.Float32 {
				for _, v := range hostileFloats {
					add(fmt.Sprintf("%v everywhere", v), at, bytes.Repeat(u32(math.Float32bits(v)), n))
				}
				add("of integers", at-12, u32(uint32(gguf.Uint32)))
			}
		}
	}
	return list
}

// known tells whether an edit is one that architectures have to guard against
// before any tensor confirms a number.
func (h *hostile) known(e edit) bool {
	name, value, _ := strings.Cut(strings.TrimPrefix(e.name, h.arch+"."), " = ")
	return (value == "16777216" || value == "2147483647") && slices.Contains([]string{
		"attention.head_count", "block_count", "expert_count", "hyper_connection.sinkhorn_iterations",
		"rope.dimension_count", "rope.dimension_count_swa", "vocab_size",
	}, name)
}

// ofTensors makes each tensor one of another name, and of another shape.
func (h *hostile) ofTensors() []edit {
	var list []edit
	for _, name := range h.tensors {
		at := bytes.LastIndex(h.header, text(name)) + 8 + len(name)
		list = append(list, edit{name + " is missing", at - 1, []byte{'?'}})
		dims := int(binary.LittleEndian.Uint32(h.header[at:]))
		first, last := h.header[at+4:at+12], h.header[at+4+8*(dims-1):at+4+8*dims]
		if dims > 1 && !bytes.Equal(first, last) {
			turned := slices.Clone(h.header[at+4 : at+4+8*dims])
			copy(turned, last)
			copy(turned[8*(dims-1):], first)
			list = append(list, edit{name + " has another shape", at + 4, turned})
		}
		list = append(list, edit{name + " has fewer dimensions", at + 4, append(
			binary.LittleEndian.AppendUint64(nil, 32), bytes.Repeat([]byte{1, 0, 0, 0, 0, 0, 0, 0}, dims-1)...)})
	}
	return list
}

// ofNewKeys gives the file each of the keys, of the architecture, that it has not.
func (h *hostile) ofNewKeys(names []string) []edit {
	var list []edit
	for _, k := range names {
		if k = h.arch + "." + k; slices.Contains(h.keys, k) {
			continue
		}
		add := func(what any, kind gguf.Kind, value []byte) {
			first := slices.Concat(text(k), u32(uint32(kind)), value, text(spareNames[1]), u32(uint32(gguf.Text)))
			room := 2*(8+len(spareNames[0])+4+8+spareText) - len(first) - 8
			if room >= 0 {
				list = append(list, edit{fmt.Sprintf("%s = %v", k, what), h.spareAt, append(first, text(strings.Repeat(" ", room))...)})
			}
		}
		for _, v := range hostileInts {
			add(v, gguf.Uint32, u32(v))
		}
		for _, v := range hostileFloats {
			add(fmt.Sprint(v, ", a float"), gguf.Float32, u32(math.Float32bits(v)))
		}
		for _, v := range hostileInts {
			four := append(binary.LittleEndian.AppendUint64(u32(uint32(gguf.Uint32)), 4), bytes.Repeat(u32(v), 4)...)
			add(fmt.Sprint(v, ", four times"), gguf.List, four)
		}
		add("true", gguf.Bool, []byte{1})
		add("a text", gguf.Text, text("?"))
	}
	return list
}

// try inspects and loads the file with the edit, and runs some tokens if that works.
func (h *hostile) try(t *testing.T, e edit) {
	t.Helper()
	write := func(b []byte) {
		if _, err := h.file.WriteAt(b, int64(e.at)); err != nil {
			t.Fatal(err)
		}
	}
	write(e.to)
	defer write(h.header[e.at : e.at+len(e.to)])
	var took time.Duration
	for range 2 { // once more, should the machine have been busy
		begin := time.Now()
		bytes, loaded, err := h.run()
		took = time.Since(begin)
		var p *PanicError
		switch {
		case errors.As(err, &p):
			t.Errorf("%s: panic: %v\n%s", e.name, p.Value, p.Stack)
			return
		case err != nil && !loaded && !strings.Contains(err.Error(), h.path) && !strings.Contains(err.Error(), h.arch+"."):
			t.Errorf("%s: the error names neither file nor key: %v", e.name, err)
		}
		if limit := hostileBytes + 4*h.size; bytes > uint64(limit) {
			t.Errorf("%s: %d MiB taken for a file of %d MiB (%v)", e.name, bytes>>20, h.size>>20, err)
			return
		}
		if took < hostileTime {
			return
		}
	}
	t.Errorf("%s: took %v", e.name, took)
}

// run tells how many bytes a look, a load and some tokens took, and whether the load
// worked.
func (h *hostile) run() (taken uint64, loaded bool, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	func() {
		defer func() {
			if r := recover(); r != nil {
				err = panicError(r)
			}
		}()
		var e *Engine
		if e, err = Load(h.path, Options{Threads: 1}); err != nil {
			if _, _, seen := Inspect(h.path, SessionOptions{}); seen != nil {
				err = seen
			}
			return
		}
		defer e.Close()
		loaded = true
		if _, _, err = Inspect(h.path, SessionOptions{}); err != nil {
			return
		}
		if e.tokens != nil {
			if _, err = e.TokenizePrompt("Hello, 世界 <s>"); err != nil {
				return
			}
		}
		var s *Session
		if s, err = e.NewSession(SessionOptions{Context: 64}); err == nil {
			err = s.Eval([]int32{1, 2, 3})
		}
		if err == nil {
			err = s.Eval([]int32{0})
		}
	}()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, loaded, err
}

// modelKeys are the names of keys that the architectures read.
func modelKeys(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(testkit.Root(), "internal", "model", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	read := regexp.MustCompile(`\.(?:uint|uintOr|positiveOr|uints|float|floatOr|boolOr|flag|textOr|key)\("([a-z0-9_.]+)"`)
	var names []string
	for _, path := range paths {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range read.FindAllSubmatch(source, -1) {
			names = append(names, string(m[1]))
		}
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) < 50 {
		t.Fatalf("only %d keys found in the sources of the architectures", len(names))
	}
	return names
}

func TestHostileLlama(t *testing.T) {
	h := newHostile(t, tinyModel(t, false))
	if _, _, err := h.run(); err != nil {
		t.Fatal(err)
	}
	for _, e := range slices.Concat(h.ofKeys(), h.ofTensors(), h.ofNewKeys(modelKeys(t))) {
		h.try(t, e)
	}
}

// TestHostileFiles makes some edits of the files of all architectures, the same
// ones every time. In short runs, which imitate a CPU or look for races, of every
// fifth.
func TestHostileFiles(t *testing.T) {
	n, every := 24, 1
	if testing.Short() {
		n, every = 4, 5
	}
	if *hostileEdits != 0 {
		n = *hostileEdits
	}
	names := modelKeys(t)
	for i, path := range testkit.Glob(t, "archs/*.gguf") {
		if i%every != 0 {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".gguf"), func(t *testing.T) {
			h := newHostile(t, path)
			r := rand.New(rand.NewPCG(1, uint64(i)))
			lists := [][]edit{h.ofKeys(), h.ofTensors(), h.ofNewKeys(names)}
			if n < 0 {
				for _, e := range slices.Concat(lists...) {
					h.try(t, e)
				}
				return
			}
			for _, e := range lists[0] {
				if h.known(e) {
					h.try(t, e)
				}
			}
			// Half of the others are of keys that the file has, too.
			for k := range n {
				list := lists[[]int{0, 1, 0, 2}[k%4]]
				h.try(t, list[r.IntN(len(list))])
			}
		})
	}
}
