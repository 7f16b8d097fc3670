package convert

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"happyphonellm/internal/tokenizer"
)

// probes are texts that tell pre-tokenizers apart, by what they try. Every
// character of them has been in Unicode for long, and none has a shorter or a
// longer canonical form.
var probes = map[string][]string{
	"words": {
		"Hello world", " hello", "a b  c", "foo.bar", "foo_bar-baz", "(x)", "x.y.z", "#include <stdio.h>", "<|x|> [INST]", "a,b;c:d",
		"HelloWORLDhello fooBar XMLHttp", "e.g. ...and", "user@example.com", "don`t", "a+b=c", "\"quoted\" text", "~/.config", "!!! ???", "x!y?z",
		"abc - def", " (a) [b] {c}", "<div class=\"x\">", "$x = &y; %z ^w |v", "--help", "a/b\\c", "x//y /z/", "@a #b", "hi!  there?  ",
	},
	"contractions": {
		"it's I'm you're we've they'll he'd don't", "IT'S I'M YOU'RE WE'VE THEY'LL HE'D", "'tis 'RE 'sx 'Sx", "a'b 'c' x's' 'll'", "'s 't 're", "rock'n'roll",
		"We'Ve a'lL 'Re",
	},
	"numbers": {
		"1", "12", "123", "1234", "12345", "123456", "1234567", "a1b22c333d4444", "12 345 6789", "3.14 1,000,000", "x 1", " 12", "0x1F", "10km", "v2.0.1",
		"!1", "! 1", "\n1", "1 \n", "a1", "1a", "1's",
	},
	"indents": {"x   12", "  1", " \n 1", "1  2"}, // before numbers
	"spaces": {
		"a   b", "   ", " ", "a ", "a  ", "  a", "\ta", "a\t\tb", "x     y", strings.Repeat(" ", 9) + "x", "\t", "a \tb", "a\u00a0b", strings.Repeat(" ", 20),
		"b  <|x|>  c", "a  (b)   [c]", "x   !", "a  _b", "a  \"b\"",
	},
	"lines": {
		"a\nb", "a\n\nb", "a\n\n\n  b", "\n", " \n", "\n ", " \n \n ", "a\r\nb", "x;\n", "x;\n\n  y", "!\n", "!!\r\n\r\na", "a \n b", "\n\na", "if x:\n    y\n\n\tz\n", "/\n", "a.\n/b", "\t\n\t",
	},
	"letters": {
		"ĉu vi", "naïve café", "übergröße", "Привет мир", "ΑΒΓ αβγ", "שלום עולם", "مرحبا", "a中b", "ñandú's", "straße's", "Ærøskøbing",
	},
	"scripts": {
		"你好世界", "中文 abc", "我想在apple工作1314天", "こんにちは世界", "カタカナ", "한국어 텍스트", "漢字かな交じり文", "あ1い2", "你好。世界，", "《书》「语」", "한국。", "\u3000x",
	},
	"case": {"ÉCOLE École éCOLE", "ПРИВЕТ Привет приВЕТ", "ΑΒγ", "aÉb AéB", "ÀA oA éA Aé aAÉÀ"},
	"marks": {
		"हिन्दी में", "ภาษาไทย", "বাংলা", "x\u20ddy", "\u20dd", "a\u0332b", "\u0332\u0332 \u0332", "1\u20e3", "தமிழ்",
	},
	"joiners": {"می\u200cخواهم", "a\u200db", "\u200c", "क्\u200dष"},
	"digits":  {"²³", "x²", "١٢٣٤", "½ cup", "Ⅷ", "①②③④", "1²2", "१२३४५"},
	"symbols": {"€5 £6", "→ ←", "«a» “b” ‘c’", "a—b–c…", "♥ 🚀 😀😀", "x🚀y", "©®", "…!", "¡hola!", "½×÷", "（a）！", "~～", "``` $$ ++ <=> ^^ ||", "_a__b___", "¿qué?"},
}

// corePre are the groups that words must agree on wherever they can.
var corePre = []string{"words", "contractions", "numbers", "indents", "spaces", "lines"}

// approximate are the groups of probes on which a known pre-tokenizer does differ
// from the published files that it stands for: llama.cpp's rules are not exact there.
var approximate = func() map[string][]string {
	of := map[string][]string{"superbpe": {"digits"}, "granite-embed-multi-97m": {"case"}}
	for _, name := range []string{"gpt-4o", "kanana2", "kimi-k2", "llama4", "minimax-m2", "talkie", "tekken", "youtu"} {
		of[name] = []string{"case", "marks", "joiners"} // letters outside ASCII have no case there, and marks are no letters
	}
	for _, name := range []string{"cohere2moe", "tiny_aya"} {
		of[name] = []string{"case", "digits", "scripts", "indents"} // nor here, and what is before digits is cut with them
	}
	return of
}()

// preChoices are the names to take where several mean the same, the plain ones.
var preChoices = []string{"llama-bpe", "qwen2", "gpt-2", "starcoder", "dbrx", "gpt-4o", "deepseek-v3", "tiny_aya", "bloom"}

// preOfArch are the names that llama.cpp's own script gives to the files of an architecture.
var preOfArch = map[string][]string{
	"bailingmoe": {"bailingmoe"}, "bailingmoe2": {"bailingmoe2"}, "chatglm": {"chatglm-bpe", "glm4"}, "codeshell": {"codeshell"},
	"cohere2": {"command-r"}, "cohere2moe": {"cohere2moe"}, "command-r": {"command-r"}, "exaone": {"exaone"}, "exaone4": {"exaone4"},
	"falcon": {"falcon"}, "falcon-h1": {"falcon-h1"}, "kimi-linear": {"kimi-k2"}, "glm-dsa": {"glm4", "chatglm-bpe"}, "glm4": {"glm4", "chatglm-bpe"}, "glm4moe": {"glm4", "chatglm-bpe"},
	"gptneox": {"mpt"}, "granite": {"refact"}, "granitehybrid": {"refact"}, "granitemoe": {"refact"}, "grok": {"grok-2"},
	"hunyuan-dense": {"hunyuan-dense"}, "hunyuan-moe": {"hunyuan"}, "hy_v4": {"hy_v4"}, "jais": {"jais"}, "lfm2": {"lfm2"}, "lfm2moe": {"lfm2"},
	"llada-moe": {"llada-moe"}, "llama": {"llama-bpe", "smollm"}, "llama4": {"llama4"}, "mellum": {"mellum2"}, "minicpm": {"minicpm5"}, "minimax-m2": {"minimax-m2"},
	"mpt": {"mpt"}, "olmo": {"mpt"}, "olmoe": {"mpt"}, "phi2": {"phi-2"}, "refact": {"refact"}, "solar-open": {"solar-open"},
	"stablelm": {"stablelm2"}, "starcoder": {"starcoder"}, "starcoder2": {"starcoder"},
}

// preFit is how well a known pre-tokenizer agrees with a file.
type preFit struct {
	tokenizer.PreTokenizer
	words, core, ids int    // probes with other words, those of corePre, and those with other ids
	example          string // of other ids
}

// findPre is the name of the pre-tokenizer that makes the same ids as the file, by
// m's tokens and merges. Texts are cut by both: best is who cuts all alike; else who
// cuts plain text alike, and makes the same ids of the rest; else who makes the same
// ids. (A cut that no merge crosses does not matter, and tokens were learned from text
// that was cut.) Where several fit, arch and whether merges are ignored decide. An
// error describes what the file does.
func findPre(t *tokenizerJSON, m *wordMerger, arch string) (string, error) {
	fits, err := comparePre(t, m)
	if err != nil {
		return "", unknownPre(t, err.Error())
	}
	for _, good := range []func(f preFit) bool{
		func(f preFit) bool { return f.words == 0 && f.IgnoreMerges == t.Model.IgnoreMerges },
		func(f preFit) bool { return f.words == 0 && f.ids == 0 },
		func(f preFit) bool { return f.core == 0 && f.ids == 0 },
	} {
		if some := filter(fits, good); len(some) > 0 {
			return choosePre(some, arch, t.Model.IgnoreMerges), nil
		}
	}
	same := filter(fits, func(f preFit) bool { return f.ids == 0 })
	nearest := fits
	if len(same) > 0 {
		nearest = same
	}
	least := slices.MinFunc(nearest, func(a, b preFit) int { return cmp.Compare(a.words, b.words) })
	if len(same) == 0 {
		return "", unknownPre(t, fmt.Sprintf("the nearest is %q; %s", least.Name, least.example))
	}
	return choosePre(filter(same, func(f preFit) bool { return f.words == least.words }), arch, t.Model.IgnoreMerges), nil
}

func filter(list []preFit, good func(preFit) bool) []preFit {
	return slices.DeleteFunc(slices.Clone(list), func(f preFit) bool { return !good(f) })
}

// comparePre compares each known pre-tokenizer with the file's on all probes.
func comparePre(t *tokenizerJSON, m *wordMerger) ([]preFit, error) {
	p, err := newWordPipeline(t)
	if err != nil {
		return nil, err
	}
	var fits []preFit
	for _, known := range tokenizer.PreTokenizers() {
		if known.Name != "default" { // what llama.cpp takes for want of a name
			fits = append(fits, preFit{PreTokenizer: known})
		}
	}
	for _, group := range slices.Sorted(maps.Keys(probes)) {
		for _, text := range probes[group] {
			words, err := p.words(text)
			if err != nil {
				return nil, err
			}
			ids := m.encode(words, t.Model.IgnoreMerges)
			for i := range fits {
				f := &fits[i]
				got := f.Words(text)
				if slices.Equal(got, words) {
					continue
				}
				f.words++
				if slices.Contains(corePre, group) {
					f.core++
				}
				if slices.Contains(approximate[f.Name], group) || slices.Equal(m.encode(got, f.IgnoreMerges), ids) {
					continue
				}
				if f.ids++; f.ids == 1 {
					f.example = fmt.Sprintf("the file cuts %q into %q, that one into %q", text, words, got)
				}
			}
		}
	}
	return fits, nil
}

// choosePre is the name to write, of those that fit.
func choosePre(fits []preFit, arch string, ignoreMerges bool) string {
	named := func(names []string, list []preFit) string {
		for _, name := range names {
			if slices.ContainsFunc(list, func(f preFit) bool { return f.Name == name }) {
				return name
			}
		}
		return ""
	}
	same := filter(fits, func(f preFit) bool { return f.IgnoreMerges == ignoreMerges })
	for _, list := range [][]preFit{same, fits} {
		if name := named(preOfArch[arch], list); name != "" {
			return name
		}
		if name := named(preChoices, list); name != "" {
			return name
		}
		if list = filter(list, func(f preFit) bool { return !f.NoBOS }); len(list) > 0 {
			return list[0].Name
		}
	}
	return fits[0].Name
}

func unknownPre(t *tokenizerJSON, why string) error {
	return fmt.Errorf("%s: its pre-tokenizer is none that llama.cpp and this engine know (%s): %s; if a known one fits, its name can be given with --pre-tokenizer",
		t.file, describe(t), why)
}

// describe tells what cuts texts in a file.
func describe(t *tokenizerJSON) string {
	var all []string
	for _, s := range append(t.Normalizer.steps(), t.PreTokenizer.steps()...) {
		text := s.Type
		switch {
		case s.Pattern != nil && s.Pattern.Regex != nil:
			text += fmt.Sprintf(" %q", *s.Pattern.Regex)
		case s.Pattern != nil && s.Pattern.String != nil:
			text += fmt.Sprintf(" %q", *s.Pattern.String)
		case s.Type == "ByteLevel" && orTrue(s.UseRegex):
			text += " with GPT-2's words"
		}
		if s.Type == "ByteLevel" && orTrue(s.AddPrefixSpace) {
			text += " and a space in front"
		}
		if s.Behavior != "" && s.Behavior != "Isolated" {
			text += " " + s.Behavior
		}
		all = append(all, text)
	}
	if len(all) == 0 {
		return "it has no steps"
	}
	return strings.Join(all, ", ")
}
