package convert

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/testkit"
)

// TestHostileConfigs replaces the values of the config.json of checkpoints, one at a
// time: of those of testdata each by three of hostileValues; of the cache's, if they are
// there, some by one, as HPLLM_SEED says (HPLLM_HOSTILE=all: each by every one).
func TestHostileConfigs(t *testing.T) {
	seed := uint64(1)
	if s := os.Getenv("HPLLM_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("HPLLM_SEED=%q: %v", s, err)
		}
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	for _, c := range foreignConfigs(t) {
		var config map[string]any
		if err := json.Unmarshal(c.config, &config); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(c.dir, "config.json"), c.config, 0o600); err != nil {
			t.Fatal(err)
		}
		whole, err := Open(c.dir, CheckpointOptions{Auto: true})
		if err != nil {
			t.Errorf("%s, as it is: %v", c.name, err)
			continue
		}
		whole.Close()
		for _, place := range places(config) {
			values := slices.Clone(hostileValues)
			if os.Getenv("HPLLM_HOSTILE") != "all" {
				rng.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
				values = values[:3]
				if c.cached {
					values = values[:max(0, 1-rng.IntN(8))]
				}
			}
			for _, value := range values {
				place.put(json.RawMessage(value))
				data, err := json.Marshal(config)
				if err != nil {
					t.Fatal(err)
				}
				if fault := c.convert(t, data); fault != "" {
					t.Errorf("%s: %s = %s: %s", c.name, place.name, value, fault)
				}
			}
			place.restore()
		}
	}
}

var hostileValues = []string{`null`, `true`, `0`, `1`, `-1`, `3`, `0.5`, `2147483647`, `-9223372036854775808`, `18446744073709551616`,
	`1e308`, `""`, `"x"`, `[]`, `[0]`, `[[1]]`, `{}`, `{"rope_type":"yarn"}`, `["a","b"]`}

// configValue is a value somewhere in a config.
type configValue struct {
	name    string
	put     func(v any)
	restore func()
}

// places lists an object's values, and those of the objects and lists in it.
func places(config map[string]any) (list []configValue) {
	for _, key := range slices.Sorted(maps.Keys(config)) {
		old := config[key]
		list = append(list, configValue{key, func(v any) { config[key] = v }, func() { config[key] = old }})
		switch inner := old.(type) {
		case map[string]any:
			for _, p := range places(inner) {
				p.name = key + "." + p.name
				list = append(list, p)
			}
		case []any:
			if len(inner) > 0 {
				first := inner[0]
				list = append(list, configValue{key + "[0]", func(v any) { inner[0] = v }, func() { inner[0] = first }})
			}
		}
	}
	return list
}

// FuzzConfig converts checkpoints with a config.json that is not theirs.
func FuzzConfig(f *testing.F) {
	list := foreignConfigs(f)
	for i, c := range list {
		f.Add(uint16(i), c.config)
	}
	f.Fuzz(func(t *testing.T, which uint16, data []byte) {
		c := list[int(which)%len(list)]
		if fault := c.convert(t, data); fault != "" {
			t.Errorf("%s: %s", c.name, fault)
		}
	})
}

// foreignConfig is a checkpoint whose config.json may be replaced.
type foreignConfig struct {
	name, dir string
	config    []byte
	bytes     int64
	cached    bool
}

// foreignConfigs are the checkpoints of testdata and of the cache.
func foreignConfigs(t testing.TB) (list []*foreignConfig) {
	t.Helper()
	paths, _ := filepath.Glob("testdata/golden/*/config.json")
	if len(paths) < 4 {
		t.Fatalf("%d checkpoints in testdata", len(paths))
	}
	cached, _ := filepath.Glob(filepath.Join(testkit.Cache(), "checkpoints", "*", "config.json"))
	for i, path := range append(paths, cached...) {
		c := &foreignConfig{name: filepath.Base(filepath.Dir(path)), dir: t.TempDir(), cached: i >= len(paths)}
		files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*.*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if file == path {
				if c.config, err = os.ReadFile(file); err != nil {
					t.Fatal(err)
				}
				continue
			}
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			c.bytes += info.Size()
			// A link out of the folder would be refused.
			to := filepath.Join(c.dir, filepath.Base(file))
			if os.Link(file, to) == nil {
				continue
			}
			data, err := os.ReadFile(file)
			if err == nil {
				err = os.WriteFile(to, data, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		list = append(list, c)
	}
	return list
}

// convert converts the checkpoint with another config.json. Whatever that says, there is
// an error or a file that can be read, soon, and with little memory: else what is wrong.
func (c *foreignConfig) convert(t testing.TB, config []byte) (fault string) {
	if err := os.WriteFile(filepath.Join(c.dir, "config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(c.dir, "out.gguf")
	defer os.Remove(to)
	defer func() {
		if r := recover(); r != nil {
			buf := make([]byte, 4<<10)
			fault = "panic: " + strings.TrimSpace(string(buf[:runtime.Stack(buf, false)]))
		}
	}()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	started := time.Now()
	err := Convert(context.Background(), c.dir, to, CheckpointOptions{Auto: true}, nil)
	took := time.Since(started)
	runtime.ReadMemStats(&after)
	switch got := int64(after.TotalAlloc - before.TotalAlloc); {
	case took > 10*time.Second:
		return "it took " + took.String()
	case got > 64*(c.bytes+int64(len(config)))+64<<20:
		return fmt.Sprintf("it took %d bytes of memory, the files have %d", got, c.bytes)
	case err != nil:
		if _, err := os.Stat(to); err == nil {
			return "an error, and a file"
		}
		return ""
	}
	file, err := gguf.Open(to)
	if err != nil {
		return err.Error()
	}
	file.Close()
	return ""
}
