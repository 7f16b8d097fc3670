package tokenizer

import "sync"

// pre is what a pre-tokenizer name (tokenizer.ggml.pre) stands for: how text is
// cut into words before merging, and what else the name implies. The names and
// what they imply are llama.cpp's.
type pre struct {
	rules        []rule
	ignoreMerges bool // a word that is a token is not merged
	addBOS       bool // unless the file says otherwise
	addSEP       bool
	noBOS        bool // no BOS token, unless the file names one
	rawBytes     bool // tokens are plain UTF-8, not GPT-2's letters for bytes
	escapeSpaces bool // spaces become U+2581
	newlineWords bool // a word of newlines that is a token is not merged
	gemma        bool // BOS whatever the file says
	prefix       bool // a space before lines that begin without one
}

var (
	llama3 = words{contraction: true, letters: letter, digits: 3, notPunct: letter | number, tail: "\r\n", spaces: newlineSpaces}
	qwen2  = words{contraction: true, letters: letter, digits: 1, notPunct: letter | number, tail: "\r\n", spaces: newlineSpaces}
)

// with returns a copy of w changed by change.
func (w words) with(change func(*words)) words {
	change(&w)
	return w
}

func one(r ...rule) []rule { return r }

var (
	preDefault = pre{rules: one(classRun(punct, "$+<=>^~|", ""), gpt2, numbers(0), digitTriples)}
	preGPT2    = pre{rules: one(gpt2)}
	preDigits  = pre{rules: one(numbers(1), gpt2)}
	preLlama3  = pre{rules: one(llama3.rule())}
	preQwen2   = pre{rules: one(qwen2.rule())}
	preTekken  = words{caps: true, letters: letter, digits: 1, notPunct: letter | number, tail: "\r\n/", spaces: newlineSpaces}
	preGPT4o   = preTekken.with(func(w *words) { w.digits, w.suffix = 3, true })
	preAya     = words{letters: letter | mark, suffix: true, digits: 3, notPunct: letter | number, tail: "\r\n/", spaces: newlineSpaces}

	cjk     = ranges{{0x800, 0x9FA5}, {0xAC00, 0xD7FF}}
	cjkKana = ranges{{0x3040, 0x30FF}, {0x4E00, 0x9FA5}}
	closers = ranges{{'!', '!'}, {'(', ')'}, {',', ','}, {'.', '.'}, {'?', '?'}, {'|', '|'}, {0x60C, 0x60C}, {0x6D4, 0x6D4}, {0x964, 0x964},
		{0x2026, 0x2026}, {0x3001, 0x3002}, {0xFF0C, 0xFF0C}}
	preDSV3  = pre{rules: one(numbers(3), cjkKana.run(false), symbolWords(false))}
	preGemma = pre{rules: one(newlineRuns), rawBytes: true, escapeSpaces: true, newlineWords: true, gemma: true}
)

// flagged returns p with flags changed.
func (p pre) flagged(change func(*pre)) pre {
	change(&p)
	return p
}

func ignoreMerges(p *pre)       { p.ignoreMerges = true }
func ignoreMergesAddBOS(p *pre) { p.ignoreMerges, p.addBOS = true, true }
func addSEP(p *pre)             { p.addSEP = true }
func noBOS(p *pre)              { p.noBOS = true }

// preTokenizers returns every name that llama.cpp 0.7.0 knows.
var preTokenizers = sync.OnceValue(func() map[string]pre {
	m := map[string]pre{}
	add := func(p pre, names ...string) {
		for _, n := range names {
			m[n] = p
		}
	}
	add(preDefault, "default")
	add(preGPT2, "gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es", "jina-v2-de", "a.x-4.0", "mellum",
		"modern-bert", "mpt", "olmo", "jais", "exaone4", "trillion", "granite-docling")
	add(preGPT2.flagged(addSEP), "jina-v1-en", "jina-v2-code", "roberta-bpe")
	add(preDigits, "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "mellum2")
	add(preLlama3, "dbrx", "smaug-bpe")
	add(preLlama3.flagged(ignoreMergesAddBOS), "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral",
		"midm-2.0", "lfm2", "jina-v5-nano")
	add(preLlama3.flagged(noBOS), "chatglm-bpe")
	add(preLlama3.flagged(noBOS).flagged(ignoreMerges), "glm4", "glm5")
	add(preQwen2, "stablelm2", "qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "hunyuan", "solar-open",
		"grok-2", "bailingmoe", "bailingmoe2", "llada-moe")
	add(pre{rules: one(qwen2.with(func(w *words) { w.contraction = false }).rule())}, "ufakzeka")
	add(pre{rules: one(qwen2.with(func(w *words) { w.letters, w.notPunct = letter|mark, letter|mark|number }).rule())}, "qwen35")
	add(pre{rules: one(llama3.with(func(w *words) { w.letters, w.joiners = letter|mark, true }).rule())}, "k2-horizon")
	add(pre{rules: one(llama3.with(func(w *words) { w.spaces = halvingSpaces }).rule())}, "jais-2")
	add(pre{rules: one(qwen2.with(func(w *words) { w.tail = "" }).rule())}, "seed-coder")
	add(pre{rules: one(spacedWords(qwen2.with(func(w *words) { w.tail, w.tailMax = "\r\n/", 1 }).rule()))}, "exaone-moe")
	add(pre{rules: one(newlineRuns, qwen2.rule())}, "laguna")
	add(pre{rules: one(numbers(3), llama3.with(func(w *words) { w.digits = 0 }).rule()), ignoreMerges: true}, "minicpm5")
	add(pre{rules: one(preTekken.rule()), ignoreMerges: true, addBOS: true}, "tekken")
	add(pre{rules: one(preGPT4o.rule())}, "gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2")
	add(pre{rules: one(preGPT4o.with(func(w *words) { w.letters = letter | mark }).rule()), ignoreMerges: true}, "granite-embed-multi-97m")
	add(pre{rules: one(thousands, preAya.rule())}, "tiny_aya", "cohere2moe")
	add(pre{rules: one(
		firstOf(ranges{{0x3131, 0x318E}, {0xAC00, 0xD7A3}}.run(false),
			ranges{{0x2014, 0x2014}, {0x2018, 0x2019}, {0x201C, 0x201D}, {0x2026, 0x2026}, {0x3001, 0x303F}, {0xFE30, 0xFE4F},
				{0xFF01, 0xFF01}, {0xFF0C, 0xFF0C}, {0xFF1A, 0xFF1B}}.run(false),
			ranges{{0x3105, 0x312F}}.run(false), cjkKana.run(false)),
		preAya.with(func(w *words) { w.digits = 1 }).rule()), ignoreMerges: true}, "youtu")
	add(preDSV3, "deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4")
	add(pre{rules: one(numbers(3), cjkKana.run(false), symbolWords(true), numbers(1))}, "spark2_5")
	add(pre{rules: one(thousands, ranges{{0xE40, 0xEFF}, {0x1000, 0x109F}, {0x1100, 0x11FF}, {0x1780, 0x17FF}, {0x2F00, 0x2FDF},
		{0x3040, 0x30FF}, {0x3400, 0x4DBF}, {0x4E00, 0xFAFF}, {0xFF65, 0xFF9F}}.run(false), symbolWords(false))}, "afmoe")
	add(pre{rules: one(lineBreaks, cased.run(true),
		ranges{{'!', '/'}, {':', '~'}, {0x2018, 0x201F}, {0x3000, 0x3002}, {0xFF01, 0xFF0F}, {0xFF1A, 0xFF5E}}.run(true),
		trailingSpaces, cjk.run(false), numbers(0))}, "deepseek-llm")
	add(pre{rules: one(lineBreaks, classRun(letter, "", "s"), classRun(punct, "", "s"), cjk.run(false), numbers(1))}, "deepseek-coder")
	add(pre{rules: one(classRun(punct, "$+<=>^~|`", ""), gpt2, digitTriples)}, "falcon")
	add(pre{rules: one(notRanges(closers))}, "poro-chat", "bloom", "gpt3-finnish")
	add(pre{rules: one(notRanges(closers), numbers(1))}, "viking")
	add(pre{rules: one(sentinel, imageCode, spacePairs, numbers(1), onePunct, gpt2), addBOS: true}, "chameleon")
	add(pre{rules: one(kimi(llama3.with(func(w *words) { w.contraction, w.letters = false, 0 }).rule()))}, "kimi-k2")
	add(pre{rules: one(numbers(0), beforeTriples)}, "superbpe")
	add(pre{rules: one(notSpaces), rawBytes: true}, "whitespace")
	add(preGemma, "gemma4", "granite-embed-multi-311m")
	add(preGemma.flagged(func(p *pre) { p.gemma, p.prefix, p.rules = false, true, one(newlineRuns, markedWords) }), "mmbert")
	add(pre{rules: one(newlineRuns), rawBytes: true, escapeSpaces: true}, "sarvam-moe")
	return m
})

// cased is the letters of scripts with case, as the expression of DeepSeek LLM lists them.
var cased = ranges{
	{0x41, 0x5A}, {0x61, 0x7A}, {0xB5, 0xB5}, {0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x1BA}, {0x1BC, 0x1BF}, {0x1C4, 0x293},
	{0x295, 0x2AF}, {0x370, 0x373}, {0x376, 0x377}, {0x37B, 0x37D}, {0x37F, 0x37F}, {0x386, 0x386}, {0x388, 0x38A},
	{0x38C, 0x38C}, {0x38E, 0x3A1}, {0x3A3, 0x3F5}, {0x3F7, 0x481}, {0x48A, 0x52F}, {0x531, 0x556}, {0x10A0, 0x10C5},
	{0x13A0, 0x13F5}, {0x13F8, 0x13FD}, {0x1C90, 0x1CBA}, {0x1CBD, 0x1CBF}, {0x1D00, 0x1D2B}, {0x1D6B, 0x1D77},
	{0x1D79, 0x1D9A}, {0x1E00, 0x1F15}, {0x1F18, 0x1F1D}, {0x1F20, 0x1F45}, {0x1F48, 0x1F4D}, {0x1F50, 0x1F57},
	{0x1F59, 0x1F59}, {0x1F5B, 0x1F5B}, {0x1F5D, 0x1F5D}, {0x1F5F, 0x1F7D}, {0x1F80, 0x1FB4}, {0x1FB6, 0x1FBC},
	{0x1FBE, 0x1FBE}, {0x1FC2, 0x1FC4}, {0x1FC6, 0x1FCC}, {0x1FD0, 0x1FD3}, {0x1FD6, 0x1FDB}, {0x1FE0, 0x1FEC},
	{0x1FF2, 0x1FF4}, {0x1FF6, 0x1FFC}, {0x2102, 0x2102}, {0x2107, 0x2107}, {0x210A, 0x2113}, {0x2115, 0x2115},
	{0x2119, 0x211D}, {0x2124, 0x2124}, {0x2126, 0x2126}, {0x2128, 0x2128}, {0x212A, 0x212D}, {0x212F, 0x2134},
	{0x2139, 0x2139}, {0x213C, 0x213F}, {0x2145, 0x2149}, {0x214E, 0x214E}, {0x2183, 0x2184}, {0x2C00, 0x2C7B},
	{0x2C7E, 0x2CE4}, {0x2CEB, 0x2CEE}, {0x2CF2, 0x2CF3}, {0xA640, 0xA66D}, {0xA680, 0xA69B}, {0xA722, 0xA76F},
	{0xA771, 0xA787}, {0xA78B, 0xA78E}, {0xAB70, 0xABBF}, {0xFB00, 0xFB06}, {0xFB13, 0xFB17}, {0xFF21, 0xFF3A},
	{0xFF41, 0xFF5A}, {0x10400, 0x1044F}, {0x104B0, 0x104D3}, {0x104D8, 0x104FB}, {0x10C80, 0x10CB2}, {0x10CC0, 0x10CF2},
	{0x118A0, 0x118DF}, {0x1E900, 0x1E943},
}
