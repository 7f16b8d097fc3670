package checkpoint

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/testkit"
)

// TestQuantized: every form in which a tensor may be quantized gives the numbers
// that it stands for, as testdata/quantize.py computed them in float64.
func TestQuantized(t *testing.T) { checkQuantized(t, "testdata/quantized") }

// TestPeerQuantized: the same of the script's files as they are written now.
func TestPeerQuantized(t *testing.T) {
	host, inside := testkit.PeerDir(t)
	script, err := filepath.Abs("testdata/quantize.py")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := testkit.Peer(t, "python3", testkit.Share(t, script), inside).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	checkQuantized(t, host)
}

func checkQuantized(t *testing.T, dir string) {
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 22 {
		t.Errorf("only %d forms", len(found))
	}
	for _, entry := range found {
		t.Run(entry.Name(), func(t *testing.T) {
			path := filepath.Join(dir, entry.Name())
			want := testkit.ReadF32(t, filepath.Join(path, "want.f32"))
			f := openDir(t, path)
			if diff := cmp.Diff([]string{"a.weight", "norm.weight"}, names(f)); diff != "" {
				t.Fatal(diff)
			}
			a := f.Tensor("a.weight")
			if !a.Computed() || a.Len() != len(want) || a.Bytes() <= 0 || a.Type != BF16 && a.Type != F16 {
				t.Fatalf("shape %v of %s, %d bytes; want %d numbers", a.Shape, a.Type, a.Bytes(), len(want))
			}
			got := values(t, f, "a.weight")
			for i := range want {
				// One rounding, but for factors that are computed themselves.
				bound := 0.0
				if entry.Name() == "bnb-nested" {
					bound = 0x1p-21 * math.Abs(float64(want[i]))
				}
				if !(math.Abs(float64(got[i])-float64(want[i])) <= bound) {
					t.Fatalf("number %d of %v is %g, want %g", i, a.Shape, got[i], want[i])
				}
			}
			// Any range of elements is the same.
			for from := 0; from < len(got); from += 29 {
				for _, n := range []int{1, 31, 32, 33, 70, 200, len(got)} {
					n = min(n, len(got)-from)
					part := make([]float32, n)
					if err := a.Read(part, from); err != nil {
						t.Fatal(err)
					}
					if !cmp.Equal(part, got[from:from+n]) {
						t.Fatalf("elements %d to %d are %v, want %v", from, from+n, part, got[from:from+n])
					}
				}
			}
			if err := a.ReadBytes(make([]byte, a.Type.Size()), 0); err == nil {
				t.Error("a computed tensor has bytes")
			}
		})
	}
}

// TestRefusedMethods: what cannot be undone is refused by name.
func TestRefusedMethods(t *testing.T) {
	for name, test := range map[string]struct{ config, tensor, want string }{
		"hqq":       {`{"quantization_config":{"quant_method":"hqq"}}`, "a", `"hqq"`},
		"torchao":   {`{"quantization_config":{"quant_method":"torchao"}}`, "a", `"torchao"`},
		"exl2":      {`{"quantization_config":{"quant_method":"exl2"}}`, "a", `"exl2"`},
		"within":    {`{"text_config":{"quantization_config":{"quant_method":"aqlm"}}}`, "a", `"aqlm"`},
		"no method": {`{"quantization_config":{"bits":4}}`, "a", `"quant_method" is missing`},
		"marlin":    {`{"quantization_config":{"quant_method":"gptq","checkpoint_format":"marlin"}}`, "a", `"marlin"`},
		"gemv":      {`{"quantization_config":{"quant_method":"awq","version":"gemv"}}`, "a", `"gemv"`},
		"rounding":  {`{"quantization_config":{"quant_method":"auto-round","packing_format":"auto_round:x"}}`, "a", `"auto_round:x"`},
		"sparse":    {`{"quantization_config":{"quant_method":"compressed-tensors","sparsity_config":{"format":"sparse-24-bitmask"}}}`, "a", "sparse-24-bitmask"},
		"marlin-24": {`{"quantization_config":{"quant_method":"compressed-tensors","format":"marlin-24"}}`, "a", "marlin-24"},
		"by name":   {`{}`, "a.q_weight", "EXL2"},
		"GPTQ":      {`{}`, "a.qweight", "GPTQ or AWQ"},
		"no JSON":   {`{`, "a", "config.json"},
		"deep":      {strings.Repeat(`{"text_config":`, 1<<20), "a", "depth"},
		"method":    {`{"quantization_config":{"quant_method":[]}}`, "a", `"quant_method" is missing`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string][]byte{"model.safetensors": one(test.tensor), "config.json": []byte(test.config)})
			refused(t, dir, dir, test.want)
		})
	}
}

// TestPlain: methods that leave tensors as they are, and configurations that name none.
func TestPlain(t *testing.T) {
	for _, config := range []string{`{}`, `{"quantization_config":null}`, `{"quantization_config":{"quant_method":"mxfp4"}}`, `{"quantization_config":{"quant_method":"fp8"}}`} {
		f := opened(t, map[string][]byte{"config.json": []byte(config), "model.safetensors": safetensorsOf(
			entry{"a_blocks", "U8", []int{1, 1, 16}, make([]byte, 16)}, entry{"a_scales", "U8", []int{1, 1}, make([]byte, 1)})})
		if diff := cmp.Diff([]string{"a_blocks", "a_scales"}, names(f)); diff != "" {
			t.Errorf("%s: %s", config, diff)
		}
	}
}

// TestOldConfigs: the files in which older programs put their settings.
func TestOldConfigs(t *testing.T) {
	data := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("testdata/quantized", name, "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for file, test := range map[string]struct{ from, config string }{
		"quantize_config.json":  {"gptq-4", `{"bits":4,"group_size":8}`},
		"quant_config.json":     {"awq", `{"zero_point":true,"q_group_size":16,"w_bit":4,"version":"GEMM"}`},
		"hf_quant_config.json":  {"modelopt-fp8", `{"producer":{"name":"modelopt"},"quantization":{"quant_algo":"FP8"}}`},
		"another.json":          {"bnb-nf4", `{}`},
		"and another/file.json": {"fp8-block", `{}`},
	} {
		if test.from == "fp8-block" {
			continue // its blocks need the configuration
		}
		f := opened(t, map[string][]byte{"model.safetensors": data(test.from), "config.json": []byte("{}"), file: []byte(test.config)})
		if diff := cmp.Diff(testkit.ReadF32(t, filepath.Join("testdata/quantized", test.from, "want.f32")), values(t, f, "a.weight")); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

// TestBadQuantized: parts that are missing, or do not fit each other.
func TestBadQuantized(t *testing.T) {
	i32 := func(name string, shape ...int) entry {
		n := 1
		for _, d := range shape {
			n *= d
		}
		return entry{name, "I32", shape, make([]byte, 4*n)}
	}
	u8 := func(name string, n int) entry { return entry{name, "U8", []int{n}, make([]byte, n)} }
	f8 := func(name string, r, c int) entry { return entry{name, "F8_E4M3", []int{r, c}, make([]byte, r*c)} }
	zeros := func(name string, shape ...int) entry {
		e := i32(name, shape...)
		e.dtype = "F32"
		return e
	}
	tests := []struct {
		name, method string
		tensors      []entry
		want         string
	}{
		{"no weight", "fp8", []entry{zeros("a.weight_scale_inv", 1)}, `tensor "a.weight" is missing`},
		{"weight of F32", "fp8", []entry{zeros("a.weight", 2, 2), zeros("a.weight_scale_inv", 1)}, "type F32 with scales"},
		{"scales do not fit", "fp8", []entry{f8("a.weight", 4, 4), zeros("a.weight_scale_inv", 3, 4)}, "scales of shape [3 4] do not fit"},
		{"scales of too many dimensions", "fp8", []entry{f8("a.weight", 4, 4), zeros("a.weight_scale_inv", 2, 2, 2)}, "do not fit"},
		{"scales of integers", "fp8", []entry{f8("a.weight", 4, 4), i32("a.weight_scale_inv", 1)}, "scales of type I32"},
		{"no zero points", "gptq", []entry{i32("a.qweight", 1, 8), zeros("a.scales", 1, 8)}, `"a.qzeros" is missing`},
		{"zero points do not fit", "gptq", []entry{i32("a.qweight", 1, 8), i32("a.qzeros", 2, 1), zeros("a.scales", 1, 8)}, "do not fit"},
		{"3 bits", "gptq", []entry{i32("a.qweight", 3, 32), i32("a.qzeros", 1, 3), zeros("a.scales", 1, 32)}, "do not fit"},
		{"1 bit", "gptq", []entry{i32("a.qweight", 1, 32), i32("a.qzeros", 1, 1), zeros("a.scales", 1, 32)}, "integers of 2, 4 and 8 bits"},
		{"outputs do not fit", "gptq", []entry{i32("a.qweight", 1, 16), i32("a.qzeros", 1, 1), zeros("a.scales", 1, 8)}, "do not fit"},
		{"a vector", "gptq", []entry{i32("a.qweight", 8), i32("a.qzeros", 1, 1), zeros("a.scales", 1, 8)}, "do not fit"},
		{"group of 2^31", "gptq", []entry{i32("a.qweight", 1, 8), i32("a.qzeros", 1, 1), zeros("a.scales", 1, 8), {"a.g_idx", "I32", []int{8}, append(make([]byte, 28), 0xff, 0xff, 0xff, 0x7f)}}, "input 7 is in group"},
		{"negative group", "gptq", []entry{i32("a.qweight", 1, 8), i32("a.qzeros", 1, 1), zeros("a.scales", 1, 8), {"a.g_idx", "I32", []int{8}, append(make([]byte, 28), 0xff, 0xff, 0xff, 0xff)}}, "input 7 is in group -1"},
		{"groups of another count", "gptq", []entry{i32("a.qweight", 1, 8), i32("a.qzeros", 1, 1), zeros("a.scales", 1, 8), i32("a.g_idx", 7)}, "want 8 numbers"},
		{"groups of no equal width", "gptq", []entry{i32("a.qweight", 1, 8), i32("a.qzeros", 3, 1), zeros("a.scales", 3, 8)}, "3 groups of 8 inputs"},
		{"there twice", "gptq", []entry{i32("a.qweight", 1, 8), i32("a.qzeros", 1, 1), zeros("a.scales", 1, 8), zeros("a.weight", 8, 8)}, "as it is and quantized"},
		{"AWQ of 8 bits", "awq", []entry{i32("a.qweight", 8, 2), i32("a.qzeros", 1, 2), zeros("a.scales", 1, 8)}, "AWQ with 8 bits"},
		{"no state", "bitsandbytes", []entry{u8("a.weight", 32), zeros("a.weight.absmax", 1)}, "has no quant_state"},
		{"state is no JSON", "bitsandbytes", []entry{u8("a.weight", 32), zeros("a.weight.absmax", 1), u8("a.weight.quant_state.x", 3)}, "invalid character"},
		{"state is empty", "bitsandbytes", []entry{u8("a.weight", 32), zeros("a.weight.absmax", 1), zeros("a.weight.quant_map", 16), {"a.weight.quant_state.x", "U8", []int{2}, []byte("{}")}}, "does not fit"},
		{"state of a giant", "bitsandbytes", []entry{u8("a.weight", 32), zeros("a.weight.absmax", 1), zeros("a.weight.quant_map", 16),
			{"a.weight.quant_state.x", "U8", []int{45}, []byte(`{"shape":[1e18,1e18],"blocksize":64,"a":"abc"}`)[:45]}}, "a.weight"},
		{"rows in tiles", "bitsandbytes", []entry{{"a.weight", "I8", []int{1, 2}, []byte{1, 2}}, zeros("a.SCB", 1), {"a.weight_format", "U8", nil, []byte{1}}}, "order that cannot be read"},
		{"no shape", "compressed-tensors", []entry{i32("a.weight_packed", 1, 1), zeros("a.weight_scale", 1, 1)}, "want 8 bits"},
		{"shape does not fit", "compressed-tensors", []entry{i32("a.weight_packed", 1, 1), zeros("a.weight_scale", 1, 1), {"a.weight_shape", "I32", []int{2}, i32Bytes(1, 1<<30)}}, "packed into [1 1]"},
		{"zero point of integers", "compressed-tensors", []entry{{"a.weight", "I8", []int{1, 1}, []byte{1}}, zeros("a.weight_scale", 1, 1), {"a.weight_zero_point", "I8", []int{1, 1}, []byte{1}}}, "with a zero point"},
		{"NVFP4 of odd rows", "modelopt", []entry{{"a.weight", "U8", []int{2, 4}, make([]byte, 8)}, f8("a.weight_scale", 2, 1), zeros("a.weight_scale_2", 1)}, "want one for each 16"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t, map[string][]byte{"model.safetensors": safetensorsOf(test.tensors...), "config.json": []byte(`{"quantization_config":{"quant_method":"` + test.method + `"}}`)})
			refused(t, dir, dir, test.want)
		})
	}
}
