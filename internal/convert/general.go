package convert

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"happyphonellm/internal/gguf"
)

// general is what is known about a model beside its numbers: the general.* keys. Each
// comes from the first of these that says it: the model card (the front matter of
// README.md), the name in config.json, the folder's name.
type general struct {
	text      map[string]string // by key, without "general."
	lists     map[string][]string
	bases     []map[string]string // of general.base_model.N
	datasets  []map[string]string
	sampling  map[string]float64 // by key, without "general.sampling."
	sequence  string
	parameter parameters
}

// parameters counts a model's numbers.
type parameters struct {
	total   int64
	shared  int64 // beside those of experts
	expert  int64 // of one expert in each layer
	experts int64
}

// generalKeys are the keys of texts, in the order in which they are written.
var generalKeys = []string{"name", "author", "version", "organization", "finetune", "basename", "description", "quantized_by", "size_label",
	"license", "license.name", "license.link", "url", "doi", "uuid", "repo_url", "source.url", "source.doi", "source.uuid", "source.repo_url"}

// cardFields are the fields of a model card for a key; the first that is there counts.
var cardFields = []struct {
	key    string
	fields []string
}{
	{"name", []string{"name", "model_name"}},
	{"author", []string{"author", "model_author", "model_creator"}},
	{"version", []string{"version", "model_version"}},
	{"organization", []string{"organization", "model_organization"}},
	{"description", []string{"description", "model_description"}},
	{"finetune", []string{"finetune", "model_finetune"}},
	{"basename", []string{"basename", "model_basename", "model_type"}},
	{"size_label", []string{"size_label", "model_size_label"}},
	{"source.url", []string{"url", "model_url"}},
	{"source.doi", []string{"doi", "model_doi"}},
	{"source.uuid", []string{"uuid", "model_uuid"}},
	{"source.repo_url", []string{"repo_url", "model_repo_url"}},
	{"license", []string{"license"}},
	{"license.name", []string{"license_name"}},
	{"license.link", []string{"license_link"}},
}

// parentKeys are what is known of a base model or a data set.
var parentKeys = []string{"name", "author", "version", "organization", "description", "url", "doi", "uuid", "repo_url"}

// general sets the general.* keys of the checkpoint.
func (m *maker) general() error {
	g := &general{text: map[string]string{}, lists: map[string][]string{}, sampling: map[string]float64{}, parameter: m.parameters()}
	card := m.card()
	g.fromCard(card)
	if id, ok := m.config.Text("_name_or_path"); ok && id != "" && strings.Count(id, "/") <= 1 {
		g.fromID(id)
	}
	g.fromID(folderID(m.folder.Dir()))
	if g.text["size_label"] == "" && g.parameter.total > 0 {
		g.text["size_label"] = g.parameter.label()
	}
	generation, err := m.fields("generation_config.json")
	if err == nil { // some are no JSON
		g.fromGeneration(generation)
	}
	g.write(m.w)
	return nil
}

// folderID is the model's name by its folder: its last part, or ORG/NAME in the cache of
// Hugging Face's libraries.
func folderID(dir string) string {
	full, err := filepath.Abs(dir)
	if err != nil {
		return filepath.Base(dir)
	}
	model := filepath.Base(filepath.Dir(filepath.Dir(full)))
	if name, ok := strings.CutPrefix(model, "models--"); ok && filepath.Base(filepath.Dir(full)) == "snapshots" {
		return strings.Replace(name, "--", "/", 1)
	}
	return filepath.Base(full)
}

// parameters counts the outputs.
func (m *maker) parameters() parameters {
	var p parameters
	var sum, count int64
	for _, o := range m.outputs {
		size := int64(1)
		for _, d := range o.view.shape {
			size *= int64(d)
		}
		p.total += size
		dims := len(o.view.shape)
		if !strings.Contains(o.name, "_exps.") || dims < 3 {
			p.shared += size
			continue
		}
		at := dims - 3
		if strings.Contains(o.name, ".bias") {
			at = dims - 2
		}
		experts := int64(max(o.view.shape[at], 1))
		p.expert += size / experts
		sum += experts
		count++
	}
	if count > 0 {
		p.experts = sum / count
	}
	return p
}

// label is the size for people: 7B, 8x7B.
func (p parameters) label() string {
	if p.experts > 0 {
		return fmt.Sprintf("%dx%s", p.experts, rounded(p.shared+p.expert))
	}
	return rounded(p.total)
}

// rounded writes a count with at least two digits and a letter for its thousands.
func rounded(count int64) string {
	x, letter := float64(count)*1e-3, "K"
	switch {
	case count > 1e12:
		x, letter = float64(count)*1e-12, "T"
	case count > 1e9:
		x, letter = float64(count)*1e-9, "B"
	case count > 1e6:
		x, letter = float64(count)*1e-6, "M"
	}
	digits := len(strings.TrimLeft(strconv.FormatFloat(math.RoundToEven(x), 'f', 0, 64), "0"))
	return strconv.FormatFloat(x, 'f', max(2-digits, 0), 64) + letter
}

// maxCard bounds a model card's front matter.
const maxCard = 1 << 20

// card is the front matter of README.md; nil where there is none. What cannot be read
// counts as none: the card is for people.
func (m *maker) card() map[string]yaml.Node {
	data, err := m.folder.ReadFile("README.md")
	if err != nil {
		return nil
	}
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	rest, ok := strings.CutPrefix(text, "---\n")
	if !ok {
		return nil
	}
	var lines []string
	for line := range strings.SplitSeq(rest, "\n") {
		if line == "---" {
			break
		}
		lines = append(lines, line)
	}
	text = strings.ReplaceAll(strings.Join(lines, "\n")+"\n", "\t", "  ")
	var card map[string]yaml.Node
	if len(text) > maxCard || yaml.Unmarshal([]byte(text), &card) != nil {
		return nil
	}
	return card
}

// scalars are the texts of a node: a text, or a list of them.
func scalars(n yaml.Node) []string {
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag != "!!null":
		return []string{n.Value}
	case n.Kind == yaml.SequenceNode:
		var out []string
		for _, x := range n.Content {
			if x.Kind == yaml.ScalarNode && x.Tag != "!!null" {
				out = append(out, x.Value)
			}
		}
		return out
	}
	return nil
}

// fromCard takes up what the model card says.
func (g *general) fromCard(card map[string]yaml.Node) {
	for _, c := range cardFields {
		for _, field := range c.fields {
			n := card[field]
			if n.Kind != yaml.ScalarNode && c.key != "license" {
				continue
			}
			if texts := scalars(n); len(texts) > 0 && g.text[c.key] == "" {
				g.text[c.key] = strings.Join(texts, ",")
			}
		}
	}
	for key, fields := range map[string][]string{"tags": {"tags", "pipeline_tag"}, "languages": {"languages", "language"}} {
		for _, field := range fields {
			g.lists[key] = append(g.lists[key], scalars(card[field])...)
		}
	}
	g.bases = g.parents(card, "base_model", "base_models", "base_model_sources")
	g.datasets = g.parents(card, "datasets", "dataset", "dataset_sources")
}

var hubModel = regexp.MustCompile(`^https?://huggingface\.co/([^/]+/[^/]+)$`)

// parents are the models or data sets that the first of the fields lists; nil: none does.
func (g *general) parents(card map[string]yaml.Node, fields ...string) []map[string]string {
	at := slices.IndexFunc(fields, func(f string) bool { _, ok := card[f]; return ok })
	if at < 0 {
		return nil
	}
	list := card[fields[at]]
	nodes := []*yaml.Node{&list}
	if list.Kind == yaml.SequenceNode {
		nodes = list.Content
	}
	parents := []map[string]string{}
	for _, n := range nodes {
		p := map[string]string{}
		switch n.Kind {
		case yaml.ScalarNode:
			if n.Tag == "!!null" {
				continue
			}
			id, onHub := n.Value, true
			if strings.Contains(id, "://") {
				p["repo_url"] = id
				onHub = false
				if match := hubModel.FindStringSubmatch(id); match != nil {
					id = match[1]
				} else {
					break
				}
			}
			name := splitID(id, g.parameter.total)
			set := func(key, value string) {
				if value != "" {
					p[key] = value
				}
			}
			set("name", title(name.full))
			set("organization", title(name.org))
			set("version", name.version)
			if onHub && name.org != "" {
				p["repo_url"] = "https://huggingface.co/" + name.org + "/" + name.full
			}
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				if texts := scalars(*n.Content[i+1]); len(texts) == 1 && slices.Contains(parentKeys, n.Content[i].Value) {
					p[n.Content[i].Value] = texts[0]
				}
			}
		}
		parents = append(parents, p)
	}
	return parents
}

// fromID takes up what a model's name, ORG/NAME or NAME, says and nothing has said yet.
func (g *general) fromID(id string) {
	n := splitID(id, g.parameter.total)
	for key, value := range map[string]string{
		"name": title(n.full), "organization": title(n.org), "basename": n.base, "finetune": n.finetune, "version": n.version, "size_label": n.size,
	} {
		g.text[key] = cmp.Or(g.text[key], value)
	}
}

// fromGeneration takes up the numbers for sampling.
func (g *general) fromGeneration(fields map[string]any) {
	for _, s := range samplingKeys {
		for _, field := range s.fields {
			if n, ok := fields[field].(json.Number); ok {
				if x, err := n.Float64(); err == nil {
					g.sampling[s.key] = x
					break
				}
			}
		}
	}
	g.sequence, _ = fields["sequence"].(string)
}

// samplingKeys are the keys general.sampling.*, and the fields of generation_config.json
// for them.
var samplingKeys = []struct {
	key    string
	whole  bool
	fields []string
}{
	{"top_k", true, []string{"top_k"}},
	{"top_p", false, []string{"top_p"}},
	{"min_p", false, []string{"min_p"}},
	{"xtc_probability", false, []string{"xtc_probability"}},
	{"xtc_threshold", false, []string{"xtc_threshold"}},
	{"temp", false, []string{"temperature"}},
	{"penalty_last_n", true, []string{"penalty_last_n"}},
	{"penalty_repeat", false, []string{"penalty_repeat", "repetition_penalty"}},
	{"mirostat", true, []string{"mirostat"}},
	{"mirostat_tau", false, []string{"mirostat_tau"}},
	{"mirostat_eta", false, []string{"mirostat_eta"}},
}

// write sets the keys.
func (g *general) write(w *gguf.Writer) {
	const prefix = "general."
	if g.sequence != "" {
		w.SetText(prefix+"sampling.sequence", g.sequence)
	}
	for _, s := range samplingKeys {
		x, ok := g.sampling[s.key]
		switch {
		case !ok:
		case !s.whole:
			w.SetFloat32(prefix+"sampling."+s.key, float32(x))
		case x == math.Trunc(x) && math.Abs(x) <= math.MaxInt32:
			w.SetInt32(prefix+"sampling."+s.key, int32(x))
		}
	}
	for _, key := range generalKeys {
		if text := g.text[key]; text != "" {
			w.SetText(prefix+key, text)
		}
	}
	for name, parents := range map[string][]map[string]string{"base_model": g.bases, "dataset": g.datasets} {
		if parents == nil {
			continue
		}
		w.SetUint32(prefix+name+".count", uint32(len(parents)))
		for i, p := range parents {
			for _, key := range parentKeys {
				if text, ok := p[key]; ok {
					w.SetText(fmt.Sprintf("%s%s.%d.%s", prefix, name, i, key), text)
				}
			}
		}
	}
	for _, key := range []string{"tags", "languages"} {
		if len(g.lists[key]) > 0 {
			w.SetTexts(prefix+key, g.lists[key])
		}
	}
}
