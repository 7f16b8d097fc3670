package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"happyphonellm/internal/infer"
)

// benchRow is one measurement, with llama-bench's field names.
type benchRow struct {
	Commit    string    `json:"build_commit"`
	CPU       string    `json:"cpu_info"`
	Backends  string    `json:"backends"`
	File      string    `json:"model_filename"`
	ModelType string    `json:"model_type"`
	ModelSize int64     `json:"model_size"`
	Params    int64     `json:"model_n_params"`
	Batch     int       `json:"n_batch"`
	UBatch    int       `json:"n_ubatch"`
	Threads   int       `json:"n_threads"`
	TypeK     string    `json:"type_k"`
	TypeV     string    `json:"type_v"`
	Prompt    int       `json:"n_prompt"`
	Gen       int       `json:"n_gen"`
	Depth     int       `json:"n_depth"`
	Time      string    `json:"test_time"`
	AvgNS     int64     `json:"avg_ns"`
	StddevNS  int64     `json:"stddev_ns"`
	AvgTS     float64   `json:"avg_ts"`
	StddevTS  float64   `json:"stddev_ts"`
	SamplesNS []int64   `json:"samples_ns"`
	SamplesTS []float64 `json:"samples_ts"`
	LoadMS    float64   `json:"load_ms"`
	AnonMiB   float64   `json:"rss_anon_mib"`
	PeerTS    []float64 `json:"vs_samples_ts,omitempty"`
	Ratio     float64   `json:"vs_ratio,omitempty"` // of our median speed to the peer's
}

func newBenchRow(e *infer.Engine, m *modelFlags, prompt, gen int) *benchRow {
	d := e.Info()
	batch := m.batch
	if batch == 0 {
		batch = 512
	}
	return &benchRow{
		Commit: version(), CPU: cpuName(), Backends: "CPU",
		File: d.Path, ModelType: fmt.Sprintf("%s %s %s", d.Architecture, strings.ReplaceAll(short(d.Parameters), " ", ""), d.Quantization),
		ModelSize: d.Bytes, Params: d.Parameters,
		Batch: batch, UBatch: batch, Threads: e.Threads(), TypeK: m.kv, TypeV: m.kv,
		Prompt: prompt, Gen: gen, Time: time.Now().UTC().Format(time.RFC3339),
	}
}

// test is the row's name: pp512, tg128, or both, and the depth if there is one.
func (r *benchRow) test() string {
	if r.Depth > 0 {
		flat := *r
		flat.Depth = 0
		return fmt.Sprintf("%s @ d%d", flat.test(), r.Depth)
	}
	switch {
	case r.Gen == 0:
		return fmt.Sprintf("pp%d", r.Prompt)
	case r.Prompt == 0:
		return fmt.Sprintf("tg%d", r.Gen)
	}
	return fmt.Sprintf("pp%d+tg%d", r.Prompt, r.Gen)
}

func (r *benchRow) add(took time.Duration) {
	r.SamplesNS = append(r.SamplesNS, took.Nanoseconds())
	r.SamplesTS = append(r.SamplesTS, float64(r.Prompt+r.Gen)/took.Seconds())
}

func (r *benchRow) finish(st infer.Stats) {
	ns := make([]float64, len(r.SamplesNS))
	for i, v := range r.SamplesNS {
		ns[i] = float64(v)
	}
	mean, deviation := meanAndDeviation(ns)
	r.AvgNS, r.StddevNS = int64(mean), int64(deviation)
	r.AvgTS, r.StddevTS = meanAndDeviation(r.SamplesTS)
	if len(r.PeerTS) > 0 {
		r.Ratio = median(r.SamplesTS) / median(r.PeerTS)
	}
	r.LoadMS, r.AnonMiB = st.LoadMS, mebibytes(st.PeakAnonBytes)
}

// benchTable writes rows as they are measured.
type benchTable interface {
	row(*benchRow) error
	end() error
}

func newBenchTable(format string, out io.Writer) (benchTable, error) {
	switch format {
	case "md":
		return &mdTable{out: out}, nil
	case "json":
		return &jsonTable{out: out}, nil
	case "csv":
		return &csvTable{out: csv.NewWriter(out)}, nil
	}
	return nil, usage("-o %s: want md, json or csv", format)
}

type jsonTable struct {
	out  io.Writer
	rows int
}

func (t *jsonTable) row(r *benchRow) error {
	text, err := json.MarshalIndent(r, "  ", "  ")
	if err != nil {
		return err
	}
	before := ",\n"
	if t.rows == 0 {
		before = "[\n"
	}
	t.rows++
	_, err = fmt.Fprintf(t.out, "%s  %s", before, text)
	return err
}

func (t *jsonTable) end() error {
	_, err := fmt.Fprintln(t.out, "\n]")
	return err
}

type csvTable struct {
	out    *csv.Writer
	headed bool
}

func (t *csvTable) row(r *benchRow) error {
	if !t.headed {
		t.headed = true
		if err := t.out.Write([]string{
			"build_commit", "cpu_info", "backends", "model_filename", "model_type", "model_size", "model_n_params",
			"n_batch", "n_ubatch", "n_threads", "type_k", "type_v", "n_prompt", "n_gen", "n_depth", "test_time",
			"avg_ns", "stddev_ns", "avg_ts", "stddev_ts", "load_ms", "rss_anon_mib", "vs_ratio",
		}); err != nil {
			return err
		}
	}
	whole := func(n int64) string { return strconv.FormatInt(n, 10) }
	part := func(x float64) string { return strconv.FormatFloat(x, 'f', 6, 64) }
	if err := t.out.Write([]string{
		r.Commit, r.CPU, r.Backends, r.File, r.ModelType, whole(r.ModelSize), whole(r.Params),
		strconv.Itoa(r.Batch), strconv.Itoa(r.UBatch), strconv.Itoa(r.Threads), r.TypeK, r.TypeV,
		strconv.Itoa(r.Prompt), strconv.Itoa(r.Gen), strconv.Itoa(r.Depth), r.Time,
		whole(r.AvgNS), whole(r.StddevNS), part(r.AvgTS), part(r.StddevTS), part(r.LoadMS), part(r.AnonMiB), part(r.Ratio),
	}); err != nil {
		return err
	}
	t.out.Flush()
	return t.out.Error()
}

func (t *csvTable) end() error { return nil }

type mdTable struct {
	out    io.Writer
	headed bool
}

// mdColumns are llama-bench's, and two more; a negative width is to the right.
var mdColumns = []struct {
	name  string
	width int
}{
	{"model", 30}, {"size", -10}, {"params", -10}, {"backend", 10}, {"threads", -7},
	{"test", -15}, {"t/s", -20}, {"load ms", -8}, {"anon MiB", -8}, {"peer t/s", -10}, {"ratio", -6},
}

// peerColumns are those of mdColumns, at the end, that only --vs fills.
const peerColumns = 2

func (t *mdTable) row(r *benchRow) error {
	var b strings.Builder
	line := func(cells ...string) {
		for i, cell := range cells {
			width := mdColumns[i].width
			pad := strings.Repeat(" ", max(0, max(width, -width)-utf8.RuneCountInString(cell)))
			if width < 0 {
				cell = pad + cell
			} else {
				cell += pad
			}
			b.WriteString("| " + cell + " ")
		}
		b.WriteString("|\n")
	}
	if !t.headed {
		t.headed = true
		var names, rules []string
		columns := mdColumns
		if len(r.PeerTS) == 0 {
			columns = columns[:len(columns)-peerColumns]
		}
		for _, c := range columns {
			names = append(names, c.name)
			rule := strings.Repeat("-", max(c.width, -c.width-1))
			if c.width < 0 {
				rule += ":"
			}
			rules = append(rules, rule)
		}
		line(names...)
		line(rules...)
	}
	cells := []string{r.ModelType, fmt.Sprintf("%.2f MiB", mebibytes(r.ModelSize)), short(r.Params), r.Backends,
		strconv.Itoa(r.Threads), r.test(), fmt.Sprintf("%.2f ± %.2f", r.AvgTS, r.StddevTS),
		fmt.Sprintf("%.1f", r.LoadMS), fmt.Sprintf("%.1f", r.AnonMiB)}
	if len(r.PeerTS) > 0 {
		cells = append(cells, fmt.Sprintf("%.2f", median(r.PeerTS)), fmt.Sprintf("%.2fx", r.Ratio))
	}
	line(cells...)
	_, err := io.WriteString(t.out, b.String())
	return err
}

func (t *mdTable) end() error { return nil }

// cpuName is what Linux calls the processor, else the architecture.
func cpuName() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(text)) {
			key, value, ok := strings.Cut(line, ":")
			if ok && strings.TrimSpace(key) == "model name" {
				return strings.TrimSpace(value)
			}
		}
	}
	return runtime.GOARCH
}
