package convert

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"happyphonellm/internal/convert/checkpoint"
	"happyphonellm/internal/quant"
	"happyphonellm/internal/testkit"
)

// scriptRuns runs llama.cpp's script for lines of ADAPTER BASE OUT, in processes
// of their own, so that PyTorch is loaded once.
const scriptRuns = `
import os, runpy, sys
peer = sys.argv[1]
sys.path.insert(0, peer)
import torch, transformers, conversion
torch.set_num_threads(1)
for line in sys.stdin.read().splitlines():
    adapter, base, out = line.split("\t")
    child = os.fork()
    if child == 0:
        log = os.open(out + ".log", os.O_WRONLY | os.O_CREAT)
        os.dup2(log, 1), os.dup2(log, 2)
        sys.argv = ["convert_lora_to_gguf.py", adapter, "--base", base, "--outfile", out, "--outtype", "f32"]
        try:
            runpy.run_path(peer + "/convert_lora_to_gguf.py", run_name="__main__")
        except BaseException as e:
            print(repr(e), flush=True)
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
`

// scriptTargets are the matrices of checkpoints that llama.cpp's script can convert.
var scriptTargets = map[string][]string{
	"llama":          {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"},
	"llama-4x":       {"q_proj", "v_proj"},
	"mistral":        {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"},
	"qwen2":          {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"},
	"qwen3":          {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"},
	"gemma2":         {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"},
	"gemma3":         {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"},
	"phi3":           {"qkv_proj", "o_proj", "gate_up_proj", "down_proj"},
	"qwen2moe-4x":    {"q_proj", "experts.*.gate_proj", "experts.*.up_proj", "experts.*.down_proj"},
	"olmoe-4x":       {"q_proj", "k_proj", "experts.*.gate_proj", "experts.*.up_proj", "experts.*.down_proj"},
	"granite":        {"q_proj", "k_proj", "v_proj", "o_proj"},
	"smollm3":        {"q_proj", "k_proj", "v_proj", "o_proj"},
	"stablelm":       {"q_proj", "k_proj", "v_proj", "o_proj"},
	"starcoder2":     {"q_proj", "k_proj", "v_proj", "o_proj", "c_fc", "c_proj"},
	"glm4":           {"q_proj", "k_proj", "gate_up_proj"},
	"lfm2":           {"q_proj", "k_proj", "w1", "w2", "w3"},
	"deepseek2-q-4x": {"q_a_proj", "q_b_proj", "o_proj"},
}

// TestPeerLoRA: adapters for many families are what llama.cpp's script makes of
// them, bit for bit, and llama.cpp's programs load them.
func TestPeerLoRA(t *testing.T) {
	t.Parallel()
	host, inside := testkit.PeerDir(t)
	script := filepath.Join(testkit.Cache(), "peer-convert")
	if !exists(filepath.Join(script, "convert_lora_to_gguf.py")) {
		testkit.Missing(t, "llama.cpp's convert_lora_to_gguf.py in "+script, "make deps")
	}
	if err := os.CopyFS(filepath.Join(host, "peer"), os.DirFS(script)); err != nil {
		t.Fatal(err)
	}
	var lines []string
	r := rand.New(rand.NewPCG(3, 4))
	for name, targets := range scriptTargets {
		dir := filepath.Join(testkit.Cache(), "checkpoints", name)
		if !exists(filepath.Join(dir, "ref", "key")) {
			testkit.Missing(t, dir, "make test-convert")
		}
		base, err := checkpoint.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		a := newMadeAdapter()
		for _, x := range base.Tensors() {
			target := func(pattern string) bool {
				ok, _ := filepath.Match("*."+pattern+".weight", x.Name)
				return ok
			}
			if len(x.Shape) == 2 && slices.ContainsFunc(targets, target) && strings.Contains(x.Name, ".layers.") {
				a.linear(r, x.Name, x.Shape[0], x.Shape[1], 4)
			}
		}
		base.Close()
		if len(a.tensors) == 0 {
			t.Fatalf("%s: no targets", name)
		}
		adapter := writeAdapter(t, map[string]any{"peft_type": "LORA", "lora_alpha": 8, "r": 4, "base_model_name_or_path": "org/base"}, a.tensors, a.shapes)
		for to, from := range map[string]string{"adapter": adapter, "base": dir} {
			if err := os.CopyFS(filepath.Join(host, name, to), os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
		}
		at := inside + "/" + name
		lines = append(lines, fmt.Sprintf("%s\t%s\t%s", at+"/adapter", at+"/base", at+"/theirs.gguf"))
	}
	cmd := testkit.Peer(t, "python3", "-c", scriptRuns, inside+"/peer")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name := range scriptTargets {
		t.Run(name, func(t *testing.T) {
			at := filepath.Join(host, name)
			theirs := filepath.Join(at, "theirs.gguf")
			if !exists(theirs) {
				log, _ := os.ReadFile(theirs + ".log")
				t.Fatalf("the script made nothing: %s", log[max(0, len(log)-1000):])
			}
			l, err := OpenLoRA(filepath.Join(at, "adapter"), filepath.Join(at, "base"), LoRAOptions{Type: quant.F32})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			ours := filepath.Join(at, "ours.gguf")
			if err := l.Write(t.Context(), ours, nil); err != nil {
				t.Fatal(err)
			}
			got, want := open(t, ours), open(t, theirs)
			for _, key := range want.Keys() {
				a, ok := got.Value(key)
				b, _ := want.Value(key)
				if !ok || a.Kind() != b.Kind() || !bytes.Equal(text(t, a), text(t, b)) {
					t.Errorf("%s is %.100s, in the script's file %.100s", key, a, b)
				}
			}
			for _, b := range want.Tensors() {
				a, ok := got.Tensor(b.Name)
				if !ok || a.Type != b.Type || !slices.Equal(a.Shape, b.Shape) {
					t.Errorf("%s is %v, in the script's file %v %v", b.Name, a, b.Type, b.Shape)
				} else if !bytes.Equal(a.Data, b.Data) {
					t.Errorf("%s has other numbers than in the script's file", b.Name)
				}
			}
			if a, b := len(got.Tensors()), len(want.Tensors()); a != b {
				t.Errorf("%d tensors, in the script's file %d", a, b)
			}
			if err := convertWhole(t, filepath.Join(at, "base"), filepath.Join(at, "model.gguf")); err != nil {
				t.Fatal(err)
			}
			files := inside + "/" + name
			load := testkit.Peer(t, "llama-completion", "-m", files+"/model.gguf", "--lora", files+"/ours.gguf", "-p", "a", "-n", "1", "-no-cnv", "-t", "1", "--no-warmup")
			if out, err := load.CombinedOutput(); err != nil {
				t.Errorf("llama.cpp does not load it: %v: %s", err, out[max(0, len(out)-600):])
			}
		})
	}
}
