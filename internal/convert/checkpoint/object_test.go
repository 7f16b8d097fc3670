package checkpoint

import (
	"errors"
	"io/fs"
	"math"
	"strings"
	"testing"
)

func TestObject(t *testing.T) {
	f := opened(t, map[string][]byte{"model.safetensors": one("a"), "config.json": []byte(`{
		"n": 3, "big": 9007199254740993000, "x": 0.5, "inf": Infinity, "minus": -Infinity, "nan": NaN, "tagged": {"__float__": "-Infinity"},
		"list": [0.0, Infinity], "text": "NaN and \"Infinity\"", "flag": true, "null": null, "inner": {"n": 4, "m": 5}}`)})
	o, err := f.ReadObject("config.json")
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := o.Int("n"); n != 3 || !ok {
		t.Errorf("n is %d, %t", n, ok)
	}
	for _, name := range []string{"big", "x", "inf", "nan", "text", "null", "none"} {
		if v, ok := o.Int(name); ok {
			t.Errorf("%s is the whole number %d", name, v)
		}
	}
	for name, want := range map[string]float64{"x": 0.5, "inf": math.Inf(1), "minus": math.Inf(-1), "tagged": math.Inf(-1)} {
		if v, ok := o.Float(name); v != want || !ok {
			t.Errorf("%s is %g, %t", name, v, ok)
		}
	}
	if list, ok := o.Floats("list"); !ok || len(list) != 2 || !math.IsInf(list[1], 1) {
		t.Errorf("list is %v, %t", list, ok)
	}
	if s, ok := o.Text("text"); s != `NaN and "Infinity"` || !ok {
		t.Errorf("text is %q, %t", s, ok)
	}
	if o.Has("nan") || o.Has("null") || !o.Has("flag") {
		t.Error("nothing is there, or what is there is not")
	}
	merged := o.Merged(o.Object("inner"))
	if n, _ := merged.Int("n"); n != 4 {
		t.Errorf("merged, n is %d", n)
	}
	if x, _ := merged.Float("x"); x != 0.5 {
		t.Errorf("merged, x is %g", x)
	}
}

// TestBadObject: JSON files that are none, or other than they should be.
func TestBadObject(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"empty":    {"", "empty or cut short"},
		"cut":      {`{"a": 1`, "empty or cut short"},
		"no JSON":  {"model: llama", "invalid character"},
		"a list":   {"[1]", "cannot unmarshal array"},
		"null":     {"null", "no JSON object"},
		"NaN":      {"NaN", "no JSON object"},
		"two":      {"{}{}", "something follows"},
		"deep":     {strings.Repeat(`{"a":`, 1<<20), "depth"},
		"deep too": {`{"a":` + strings.Repeat("[", 1<<20), "depth"},
	} {
		t.Run(name, func(t *testing.T) {
			f := opened(t, map[string][]byte{"model.safetensors": one("a"), "x.json": []byte(test.text)})
			if _, err := f.ReadObject("x.json"); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	f := opened(t, map[string][]byte{"model.safetensors": one("a")})
	if _, err := f.ReadObject("x.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v: want one of a file that is not there", err)
	}
}
