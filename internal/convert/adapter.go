package convert

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Adapter turns the checkpoints of one family into tensors and metadata of GGUF.
// It is found by the class that config.json names.
type Adapter struct {
	Arch    string   // general.architecture
	Classes []string // of config.json's "architectures"
	convert func(m *maker)
}

// adapters are all adapters, by class.
var adapters = map[string]*Adapter{}

// register adds an adapter; each family's file does so for its classes.
func register(arch string, convert func(m *maker), classes ...string) {
	a := &Adapter{Arch: arch, Classes: classes, convert: convert}
	for _, class := range classes {
		if adapters[class] != nil {
			panic("convert: two adapters for " + class)
		}
		adapters[class] = a
	}
}

// Adapters lists all adapters by architecture.
func Adapters() []*Adapter {
	var list []*Adapter
	for _, class := range slices.Sorted(maps.Keys(adapters)) {
		if a := adapters[class]; !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	slices.SortStableFunc(list, func(a, b *Adapter) int { return strings.Compare(a.Arch, b.Arch) })
	return list
}

// adapterOf finds the adapter of the first class that has one.
func adapterOf(file string, classes []string) (*Adapter, error) {
	for _, class := range classes {
		if a := adapters[class]; a != nil {
			return a, nil
		}
	}
	if len(classes) == 0 {
		return nil, fmt.Errorf(`%s: "architectures" is missing: it names the model's class`, file)
	}
	return nil, fmt.Errorf("%s: architecture %s is not known; `hpllm-cli convert --list` shows those that are", file, strings.Join(classes, ", "))
}
