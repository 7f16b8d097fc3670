// Command perfdoc turns what `hpllm-cli bench -o json --vs ...` measured into the
// table and the picture of docs/performance.md.
//
//	go run ./build/perfdoc docs/performance.md SECTION RESULT.json...
//
// The table stands between the lines <!-- SECTION --> and <!-- /SECTION -->; the
// picture, of the section measured, is written beside the page, as performance.svg.
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// row is one test of one file, as bench prints it.
type row struct {
	File    string    `json:"model_filename"`
	CPU     string    `json:"cpu_info"`
	Bytes   int64     `json:"model_size"`
	Threads int       `json:"n_threads"`
	Prompt  int       `json:"n_prompt"`
	Gen     int       `json:"n_gen"`
	Samples []float64 `json:"samples_ts"`
	Peer    []float64 `json:"vs_samples_ts"`
	Ratio   float64   `json:"vs_ratio"`
	LoadMS  float64   `json:"load_ms"`
	AnonMiB float64   `json:"rss_anon_mib"`
}

// model is a file's two tests.
type model struct {
	name            string
	prefill, decode *row
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: perfdoc docs/performance.md SECTION RESULT.json...")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "perfdoc:", err)
		os.Exit(1)
	}
}

func run(page, section string, results []string) error {
	models, err := read(results)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	begin, end := "<!-- "+section+" -->\n", "<!-- /"+section+" -->\n"
	before, rest, ok1 := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		return fmt.Errorf("%s: no lines %q and %q", page, begin, end)
	}
	if err := os.WriteFile(page, []byte(before+begin+table(models)+end+after), 0o644); err != nil || section != "measured" {
		return err
	}
	return os.WriteFile(filepath.Join(filepath.Dir(page), "performance.svg"), []byte(picture(models)), 0o644)
}

func read(paths []string) ([]model, error) {
	var models []model
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var rows []row
		if err := json.Unmarshal(text, &rows); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		m := model{name: strings.TrimSuffix(filepath.Base(path), ".json")}
		for i := range rows {
			if !(rows[i].Ratio > 0) {
				return nil, fmt.Errorf("%s: measured without --vs", path)
			}
			if rows[i].Gen == 0 {
				m.prefill = &rows[i]
			} else {
				m.decode = &rows[i]
			}
		}
		if m.prefill == nil || m.decode == nil {
			return nil, fmt.Errorf("%s: want a row of prompt and one of generation", path)
		}
		models = append(models, m)
	}
	return models, nil
}

func table(models []model) string {
	var b strings.Builder
	first := models[0]
	fmt.Fprintf(&b, "%s, %d threads, %d repetitions of each in turn, medians.\n\n", first.prefill.CPU, first.prefill.Threads, len(first.prefill.Samples))
	fmt.Fprintf(&b, "| file | MB | prefill %d tok/s | llama.cpp | ratio | decode %d tok/s | llama.cpp | ratio | GB/s | load ms | anonymous MiB |\n",
		first.prefill.Prompt, first.decode.Gen)
	b.WriteString("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	prefill, decode := 0.0, 0.0
	for _, m := range models {
		p, d := m.prefill, m.decode
		speed := median(d.Samples)
		fmt.Fprintf(&b, "| %s | %d | %.0f | %.0f | **%.2f** | %.1f | %.1f | **%.2f** | %.1f | %.0f | %.0f |\n",
			m.name, p.Bytes/1e6, median(p.Samples), median(p.Peer), p.Ratio,
			speed, median(d.Peer), d.Ratio, speed*float64(p.Bytes)/1e9, p.LoadMS, d.AnonMiB)
		prefill += math.Log(p.Ratio)
		decode += math.Log(d.Ratio)
	}
	n := float64(len(models))
	fmt.Fprintf(&b, "| geometric mean | | | | **%.2f** | | | **%.2f** | | | |\n", math.Exp(prefill/n), math.Exp(decode/n))
	return b.String()
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

// picture draws two bars per file, on a scale where 1 is llama.cpp.
func picture(models []model) string {
	const left, right, line, gap = 190, 60, 11, 10
	most := 1.0
	for _, m := range models {
		most = max(most, m.prefill.Ratio, m.decode.Ratio)
	}
	const width = 720
	height := 40 + len(models)*(2*line+gap)
	scale := (width - left - right) / most
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text x="%d" y="16">speed relative to llama.cpp (the line): <tspan fill="#1f6fb2">prefill</tspan>, <tspan fill="#d9822b">decode</tspan></text>`+"\n", 8)
	y := 30
	bar := func(r *row, color string) {
		w := r.Ratio * scale
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/><text x="%.1f" y="%d">%.2f</text>`+"\n",
			left, y, w, line-1, color, float64(left)+w+4, y+line-2, r.Ratio)
		y += line
	}
	for _, m := range models {
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", left-6, y+line+3, m.name)
		bar(m.prefill, "#1f6fb2")
		bar(m.decode, "#d9822b")
		y += gap
	}
	one := left + scale
	fmt.Fprintf(&b, `<line x1="%.1f" y1="24" x2="%.1f" y2="%d" stroke="#333333" stroke-dasharray="3 3"/>`+"\n</svg>\n", one, one, height-6)
	return b.String()
}
