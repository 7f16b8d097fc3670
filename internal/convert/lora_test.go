package convert

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"happyphonellm/internal/convert/checkpoint"
	"happyphonellm/internal/quant"
	"happyphonellm/internal/testkit"
)

// --- adapters to convert --------------------------------------------------------

// writeAdapter writes an adapter's folder: tensors by name, and adapter_config.json.
func writeAdapter(t *testing.T, config map[string]any, tensors map[string][]float32, shapes map[string][]int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "my-adapter")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	header := map[string]any{}
	var data []byte
	for name, x := range tensors {
		from := len(data)
		for _, v := range x {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
		header[name] = map[string]any{"dtype": "F32", "shape": shapes[name], "data_offsets": []int{from, len(data)}}
	}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("adapter_model.safetensors", append(file, data...))
	settings, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	write("adapter_config.json", settings)
	return dir
}

// madeAdapter is an adapter with random factors for some matrices of a checkpoint.
type madeAdapter struct {
	tensors map[string][]float32
	shapes  map[string][]int
}

func newMadeAdapter() *madeAdapter {
	return &madeAdapter{map[string][]float32{}, map[string][]int{}}
}

func (a *madeAdapter) add(r *rand.Rand, name string, shape ...int) {
	n := 1
	for _, d := range shape {
		n *= d
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64() * 0.3)
	}
	a.tensors[name], a.shapes[name] = x, shape
}

// linear adds the factors of a matrix [out, in].
func (a *madeAdapter) linear(r *rand.Rand, weight string, out, in, rank int) {
	module := "base_model.model." + strings.TrimSuffix(weight, ".weight")
	a.add(r, module+".lora_A.weight", rank, in)
	a.add(r, module+".lora_B.weight", out, rank)
}

// adapts are the matrices that PEFT's "all-linear" would change, by their names.
var adapts = regexp.MustCompile(`\.(\d+)\..*(proj|dense\w*|c_attn|c_fc|w\d|Wqkv|wo|wqkv|in_proj|out_proj|lin\w*|fc\d|query_key_value|gate|shared_head|attn|W_pack|qkv|kv\w*)\.weight$`)

// --- every family -------------------------------------------------------------------

// TestLoRAFamilies gives every matrix of a checkpoint of every family a LoRA. The
// factors in the file, multiplied, must be what changes in the model's tensors when
// the products are added to the checkpoint.
func TestLoRAFamilies(t *testing.T) {
	placed := 0
	for _, key := range testkit.Glob(t, "checkpoints/*/ref/key") {
		dir := filepath.Dir(filepath.Dir(key))
		t.Run(filepath.Base(dir), func(t *testing.T) {
			base, err := checkpoint.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer base.Close()
			if _, err := newMaker(base); err != nil {
				t.Skip(err) // its adapter's own tests say so, too
			}
			r := rand.New(rand.NewPCG(1, 2))
			a := newMadeAdapter()
			for _, x := range base.Tensors() {
				if len(x.Shape) == 2 && x.Shape[0] > 1 && x.Shape[1] > 1 && adapts.MatchString(x.Name) && textName(x.Name) != "" {
					a.linear(r, x.Name, x.Shape[0], x.Shape[1], 3)
				}
			}
			if len(a.tensors) == 0 {
				t.Skip("no matrices")
			}
			config := map[string]any{"peft_type": "LORA", "lora_alpha": 6, "r": 3, "alpha_pattern": map[string]any{"o_proj": 3}}
			l, err := OpenLoRA(writeAdapter(t, config, a.tensors, a.shapes), dir, LoRAOptions{Type: quant.F32})
			if filepath.Base(dir) == "bitnet" { // its matrices are rounded
				if err == nil || !strings.Contains(err.Error(), "mixed or computed") {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			placed += len(l.plan) / 2
			checkProducts(t, base, a, l)
		})
	}
	if placed < 1000 {
		t.Errorf("only %d matrices", placed)
	}
}

// checkProducts adds the products to the checkpoint and looks at what changes.
func checkProducts(t *testing.T, base *checkpoint.Folder, a *madeAdapter, l *LoRA) {
	t.Helper()
	with := false
	var changed []*checkpoint.Tensor
	for _, x := range base.Tensors() {
		module := "base_model.model." + strings.TrimSuffix(x.Name, ".weight")
		left, ok := a.tensors[module+".lora_B.weight"]
		right := a.tensors[module+".lora_A.weight"]
		scale := 2.0
		if strings.HasSuffix(module, "o_proj") {
			scale = 1
		}
		if x.Type == checkpoint.U8 {
			changed = append(changed, x)
			continue
		}
		cols := x.Cols()
		changed = append(changed, checkpoint.NewTensor(x.Name, checkpoint.F32, x.Shape, func(dst []float32, r0, n int) error {
			if clear(dst); !ok || !with {
				return nil
			}
			rank := len(right) / cols
			for i := range dst[:n*cols] {
				sum := 0.0
				for k := range rank {
					sum += float64(left[(r0+i/cols)*rank+k]) * float64(right[k*cols+i%cols])
				}
				dst[i] = float32(sum * scale)
			}
			return nil
		}))
	}
	folder, err := checkpoint.OpenWith(base.Dir(), changed, false)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	m, err := newMaker(folder)
	if err != nil {
		t.Fatal(err)
	}
	with = true
	changedModel, err := newMaker(folder)
	if err != nil {
		t.Fatal(err)
	}
	plan := map[string]*Tensor{}
	for _, p := range l.plan {
		plan[p.Name] = p
	}
	for i, o := range m.outputs {
		if len(o.view.shape) < 2 {
			continue
		}
		before, want := make([]float32, o.view.rows()*o.view.cols()), make([]float32, o.view.rows()*o.view.cols())
		with = false
		if err := o.view.read(before, 0, o.view.rows()); err != nil {
			t.Fatal(err)
		}
		with = true
		if err := changedModel.outputs[i].view.read(want, 0, o.view.rows()); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			want[i] -= before[i]
		}
		pa, pb := plan[o.name+".lora_a"], plan[o.name+".lora_b"]
		if pa == nil || pb == nil {
			for _, v := range want {
				if v != 0 {
					t.Fatalf("%s changes, but the adapter's file has nothing for it", o.name)
				}
			}
			continue
		}
		fa, fb := factorOf(t, pa), factorOf(t, pb)
		rank, cols, height := pb.Shape[0], pa.Shape[0], pb.Shape[1]
		if cols != o.view.cols() || height != o.view.height() {
			t.Fatalf("%s: factors %v and %v for shape %v", o.name, pa.Shape, pb.Shape, o.view.shape)
		}
		var worst, square float64
		for i, w := range want {
			r, c := i/cols, i%cols
			e := r / height
			sum := 0.0
			for k := range rank {
				sum += float64(fb[r*rank+k]) * float64(fa[(e*rank+k)*cols+c])
			}
			sum *= 6 / float64(rank)
			worst, square = max(worst, math.Abs(sum-float64(w))), max(square, math.Abs(float64(w)))
		}
		if !(worst <= 1e-5*square) {
			t.Errorf("%s: the product is off by %g of up to %g", o.name, worst, square)
		}
	}
}

func factorOf(t *testing.T, p *Tensor) []float32 {
	t.Helper()
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	x := make([]float32, n)
	if err := p.source.read(x, 0, n/p.Shape[0]); err != nil {
		t.Fatal(err)
	}
	return x
}
