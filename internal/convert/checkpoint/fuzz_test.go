package checkpoint

import (
	"bytes"
	"os"
	"testing"
	"time"
)

// bounded parses arbitrary bytes as a file, and reads some of what it finds.
// Nothing may panic, take over a second, or allocate more than times the file and
// 256 KiB: archive/zip makes room for an entry's texts, at most 192, before it reads them.
func bounded(t *testing.T, data []byte, times int, parse func(path string, file *bytes.Reader) ([]*Tensor, error)) {
	started := time.Now()
	var tensors []*Tensor
	var err error
	allocated(t, "the table", uint64(times*len(data)+256<<10), func() {
		tensors, err = parse("x", bytes.NewReader(data))
	})
	if took := time.Since(started); took > time.Second {
		t.Errorf("%d bytes took %v", len(data), took)
	}
	if err != nil {
		return
	}
	for _, tensor := range tensors {
		if tensor.Bytes() > int64(len(data)) || tensor.Bytes() <= 0 {
			t.Fatalf("tensor %q, shape %v, has %d bytes, the file %d", tensor.Name, tensor.Shape, tensor.Bytes(), len(data))
		}
		x := make([]float32, min(tensor.Len(), 100))
		for _, at := range []int{0, tensor.Len() - len(x)} {
			if err := tensor.Read(x, at); err != nil {
				t.Errorf("tensor %q: %v", tensor.Name, err)
			}
		}
	}
}

func FuzzSafetensors(f *testing.F) {
	f.Add(safetensorsOf(f32("b", []int{2, 3}, 1, 2, 3, 4, 5, 6), f32("a", nil, 7), entry{"c", "BF16", []int{2}, []byte{0x80, 0x3f, 0, 0xc0}}))
	f.Add(header(`{"a":{"dtype":"F8_E4M3","shape":[18446744073709551615,2],"data_offsets":[0,4]}}`, make([]byte, 4)))
	f.Add(header(`{"a":{"dtype":"I64","shape":[[[]]],"data_offsets":{}}} `, nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		bounded(t, data, 64, func(path string, file *bytes.Reader) ([]*Tensor, error) {
			return parseSafetensors(path, file, file.Size())
		})
	})
}

func FuzzTorch(f *testing.F) {
	for _, name := range []string{"zip.pt", "legacy.pt"} {
		data, err := os.ReadFile("testdata/torch/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(torchOf(dictOf("a", floats("0", 2)), map[string][]byte{"0": f32Bytes(1, 2)}))
	f.Fuzz(func(t *testing.T, data []byte) {
		bounded(t, data, 256, func(path string, file *bytes.Reader) ([]*Tensor, error) {
			return parseTorch(path, file, file.Size())
		})
	})
}

// FuzzPickle runs the program of a file whose archive is in order.
func FuzzPickle(f *testing.F) {
	f.Add([]byte(dictOf("a", floats("0", 2))))
	f.Add([]byte(dictOf("a", tensorOf(storageFor("HalfStorage", "0", 32), 1, integersOf(3, 5), integersOf(1, 3)))))
	f.Add([]byte("\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94K\x01M\x00\x01J\x00\x00\x01\x00G?\xf0\x00\x00\x00\x00\x00\x00]\x94(N\x88\x89e\x85\x86u."))
	f.Add([]byte("\x80\x02}X\x01\x00\x00\x00acos\nsystem\n(X\x02\x00\x00\x00idtRs."))
	memory := map[string][]byte{"0": make([]byte, 64)}
	f.Fuzz(func(t *testing.T, pickle []byte) {
		bounded(t, torchOf(string(pickle), memory), 256, func(path string, file *bytes.Reader) ([]*Tensor, error) {
			return parseTorch(path, file, file.Size())
		})
	})
}
