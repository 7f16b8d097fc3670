package convert

import (
	"path"
	"testing"
)

// looser are the bounds of checkpoints whose weights stay quantized: both engines round
// the activations beside them, and routers then choose other experts here and there.
var looser = map[string]float64{
	"gpt-oss-mxfp4": 5e-3,
	"phimoe":        0.2, // llama.cpp and we have RMS norms where the model's authors have layer norms
}

// foreign are checkpoints of families that transformers does not have, nor a relative
// of theirs: the reference is llama.cpp.
var foreign = []string{"plm", "rwkv6", "rwkv7", "smallthinker"}

// known is something that is as it is: of checkpoints by a pattern of their names, of
// keys or tensors by a pattern, too ("": of all), with the reason.
type known struct{ checkpoint, key, why string }

// reason is that of the first that fits; "" if none does.
func reason(list []known, checkpoint, key string) string {
	for _, d := range list {
		a, _ := path.Match(d.checkpoint, checkpoint)
		b, _ := path.Match(d.key, key)
		if a && (b || key == "") {
			met[d] = true
			return d.why
		}
	}
	return ""
}

// met are the known things that a test has met: all must be, or they are none any more.
var met = map[known]bool{}

func allMet(t *testing.T, list []known) {
	for _, d := range list {
		if !met[d] {
			t.Errorf("this is known, but nowhere to be seen: %q", d)
		}
	}
}

// differences are known ones from the file that llama.cpp's script makes.
var differences = []known{
	{"phimoe", "phimoe.rope.scaling.attn_factor", "the script computes Phi 3's; the configuration has its own"},
	{"qwen3vlmoe-5x", "blk.*_exps.weight", "the script takes what Transformers 5 saves for the hub's form, in which matrices are turned over"},
	{"mellum-fused", "blk.*_exps.weight", "the script drops experts in this form, and says nothing"},
	{"glm4moe*", "tokenizer.ggml.unknown_token_id", "the script was told to forget its rules for GLM, which want GLM's tokens"},
	{"glm4moelite*", "deepseek2.expert_gating_func", "the script leaves it out, and llama.cpp guesses it from the number of layers"},
	{"gemma2-scalar", "blk.*.attn_q.weight", "query_pre_attn_scalar is not what llama.cpp takes: its share is multiplied into the queries"},
	{"gemma3-scalar*", "blk.*.attn_q_norm.weight", "so, into the norms of queries"},
	{"gemma[23]*", "*.attention.sliding_window_pattern", "layer_types are not what llama.cpp takes where nothing says so: the script leaves them out"},
	{"gpt-oss-whole", "*.attention.sliding_window_pattern", "so"},
	{"gemma3-full*", "gemma3.attention.sliding_window", "no layer has one; the script's file makes llama.cpp give five of six layers one"},
	{"gemma3n-short", "blk.[23].attn_[kv]*.weight", "Transformers 5 leaves out what no layer reads"},
	{"llama-yarn-*", "llama.rope.scaling.attn_factor", "attention_factor, mscale: llama.cpp reads no other key, and the script writes another"},
	{"*-whole", "*.rope.scaling.yarn_truncate", "the engine's own key: llama.cpp always rounds the range"},
	{"llama-longrope", "*rope*", "the script leaves LongRoPE's factors out for Llama, and llama.cpp has them"},
	{"*-window", "*.attention.sliding_window*", "the engine's own use of the key: llama.cpp sees everything, and the script leaves it out"},
	{"*-window-4x", "*.attention.sliding_window*", "so"},
	{"starcoder2-plain", "*.attention.sliding_window*", "so"},
	{"qwen2moe-norm", "*.expert_weights_norm", "the engine's own use of the key: llama.cpp's models of this architecture are all of one way"},
	{"qwen3moe-nonorm", "*.expert_weights_norm", "so"},
	{"olmoe-norm", "*.expert_weights_norm", "so"},
	{"nemotron-heads", "nemotron.rope.dimension_count", "the script takes heads for the width's share"},
	{"glm-heads", "chatglm.*", "the script looks for the names that ChatGLM's own code has, not for those of Transformers' class"},
	{"olmo-bias", "blk.*.attn_[qk].bias", "the script turns the matrices' rows, and not the biases'"},
	{"granite-heads", "granite.*", "the script drops head_dim, and its file is not loaded"},
	{"granitehybrid-rope", "granitehybrid.*", "position_embedding_type: the script takes hybrids for such without rotation"},
	{"granitehybrid-nope", "granite.rope.scaling.finetuned", "position_embedding_type: the script takes the others for such with rotation"},
	{"phi-odd", "phi2.*", "the script takes 4 times the width for the feed-forward's, and as many heads of keys as of queries"},
	{"*-tied", "output.weight", "the embedding: llama.cpp wants this tensor, or there is a factor between them; the script leaves it out"},
	{"gpt-oss-whole", "output.weight", "so"},
	{"qwen2moe-norm", "output.weight", "so"},
	{"olmoe-norm", "output.weight", "so"},
	{"stablelm-odd", "output.weight", "so"},
	{"phi-odd", "output.weight", "so"},
	{"starcoder2-plain", "blk.*.bias", "zeros: llama.cpp wants these tensors, which the checkpoint has not"},
	{"mamba*", "blk.*.ssm_conv1d.bias", "so"},
	{"falcon-h1-tied", "blk.*.ssm_conv1d.bias", "so"},
	{"lfm2moe-plain", "blk.*.exp_probs_b.bias", "so"},
	{"mamba-odd", "tokenizer.ggml.tokens", "the script fills the vocabulary up to a multiple, but not the model, and llama.cpp does not load it"},
	{"*", "general.*", "what the model card says: TestPeerVocabularies compares it"},
	{"*", "tokenizer.ggml.pre", "the script is told a name, ours is found by what the tokenizer does: TestFindPre"},
	{"*", "tokenizer.ggml.token_type", "SentencePiece's user defined pieces, and tokens that only tokenizer.json calls special, are such: the script takes them for text"},
	{"*", "tokenizer.ggml.eo[tm]_token_id", "the ends that generation_config.json names, and the script leaves out"},
	{"gemma3n*", "gemma3n.activation_sparsity_*", "PyTorch's quantiles differ in the last digits, and its deviation is not a sample's; llama.cpp has its own constant"},
	{"gemma3n", "blk.2[0-4].attn_[kv]*.weight", "Transformers 5 leaves out what no layer reads, and llama.cpp does not load the script's file"},
	{"glm", "chatglm.*", "the script looks for the names that ChatGLM's own code has, not for those of Transformers' class"},
	{"glm-4x", "chatglm.*", "the script looks for the names that ChatGLM's own code has, not for those of Transformers' class"},
	{"exaone", "exaone.attention.layer_norm_rms_epsilon", "the script leaves it out, and llama.cpp does not load the file"},
	{"gemma4-*", "gemma4.final_logit_softcapping", "the script leaves out that there is none, and llama.cpp takes 30"},
	{"xverse", "tokenizer.ggml.scores", "the script writes none"},
	{"xverse", "tokenizer.ggml.padding_token_id", "only tokenizer_config.json has this token, and the script takes config.json's number"},
	{"minicpm3", "minicpm3.rope.freq_base", "the script leaves it out, and llama.cpp takes 10000"},
	{"orion", "orion.rope.freq_base", "the script leaves it out, and llama.cpp takes 10000"},
	{"gemma*", "*.rope.freq_base", "the script leaves it out for Gemma 1 and 2, and llama.cpp takes 10000"},
	{"phi*", "phi2.rope.freq_base", "the script leaves it out, and llama.cpp takes 10000"},
	{"stablelm*", "stablelm.rope.freq_base", "the script leaves it out, and llama.cpp takes 10000"},
}

// peerLimits are checkpoints that llama.cpp does not compute as transformers does, whoever
// converts them.
var peerLimits = []known{
	{"llama-yarn-betas", "", "takes 32 and 1 for YaRN's betas"},
	{"*-whole", "", "rounds YaRN's range to whole pairs"},
	{"*-window", "", "has no sliding windows in this architecture"},
	{"*-window-4x", "", "so"},
	{"starcoder2-plain", "", "so"},
	{"exaone4-short", "", "has windows in models of 64 layers only"},
	{"qwen2moe-norm", "", "never makes the weights of experts sum to 1"},
	{"olmoe-norm", "", "so"},
	{"qwen3moe-nonorm", "", "always makes the weights of experts sum to 1"},
	{"qwen3-bias", "", "does not load a bias after attention"},
	{"gemma-bias", "", "so"},
	{"gemma3-full", "", "so"},
	{"glm-heads", "", "takes heads for the width's share"},
	{"nemotron-heads", "", "so"},
	{"falcon-bias", "", "does not load biases"},
	{"olmo-bias", "", "so"},
	{"deepseek3-bias", "", "so"},
	{"gemma3n-short", "", "takes the sizes of the models that there are for granted"},
}
