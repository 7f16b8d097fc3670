package convert

import (
	"fmt"
	"strings"

	"happyphonellm/internal/quant"
)

// Mix is what a whole file is quantized to: a type for most of its matrices,
// and a size (S, M, L) that says how many get a better one.
type Mix struct {
	Name     string
	FileType uint32     // general.file_type, llama.cpp's number
	Type     quant.Type // of most matrices
	size     byte       // 's', 'm', 'l', or 0
}

// mixes are those that can be written. Names and numbers are llama.cpp's.
var mixes = []Mix{
	{"F32", 0, quant.F32, 0},
	{"F16", 1, quant.F16, 0},
	{"BF16", 32, quant.BF16, 0},
	{"Q8_0", 7, quant.Q8_0, 0},
	{"Q6_K", 18, quant.Q6_K, 0},
	{"Q5_K_M", 17, quant.Q5_K, 'm'},
	{"Q5_K_S", 16, quant.Q5_K, 's'},
	{"Q5_1", 9, quant.Q5_1, 0},
	{"Q5_0", 8, quant.Q5_0, 0},
	{"Q4_K_M", 15, quant.Q4_K, 'm'},
	{"Q4_K_S", 14, quant.Q4_K, 's'},
	{"IQ4_NL", 25, quant.IQ4_NL, 0},
	{"IQ4_XS", 30, quant.IQ4_XS, 0},
	{"Q4_1", 3, quant.Q4_1, 0},
	{"Q4_0", 2, quant.Q4_0, 0},
	{"MXFP4", 38, quant.MXFP4, 0},
	{"MXFP4_MOE", 38, quant.MXFP4, 'm'},
	{"Q3_K_L", 13, quant.Q3_K, 'l'},
	{"Q3_K_M", 12, quant.Q3_K, 'm'},
	{"Q3_K_S", 11, quant.Q3_K, 's'},
	{"Q2_K", 10, quant.Q2_K, 'm'},
	{"Q2_K_S", 21, quant.Q2_K, 's'},
}

// aliases are the short names of mixes.
var aliases = map[string]string{"Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M"}

// Mixes lists the names of all mixes, the most exact first.
func Mixes() []string {
	var names []string
	for _, m := range mixes {
		names = append(names, m.Name)
	}
	return names
}

// ParseMix finds a mix by its name, ignoring case.
func ParseMix(name string) (Mix, error) {
	upper := strings.ToUpper(name)
	if full, ok := aliases[upper]; ok {
		upper = full
	}
	for _, m := range mixes {
		if m.Name == upper {
			return m, nil
		}
	}
	return Mix{}, fmt.Errorf("unknown type %q: want one of %s", name, strings.Join(Mixes(), ", "))
}

// is reports whether the mix is of type t and one of the sizes.
func (m Mix) is(t quant.Type, sizes string) bool {
	return m.Type == t && (sizes == "" || m.size != 0 && strings.IndexByte(sizes, m.size) >= 0)
}
