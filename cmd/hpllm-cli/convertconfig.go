package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// maxConfig bounds the file of options.
const maxConfig = 1 << 20

// readConfig sets the flags that --config names and the command line does not.
// Settings of metadata come before those of the command line, so that those win.
func (c *convertFlags) readConfig(flags *pflag.FlagSet) error {
	file, err := os.Open(c.config)
	if err != nil {
		return err
	}
	defer file.Close()
	data, err := readAll(c.config, file, maxConfig)
	if err != nil {
		return err
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(data), &document); err != nil {
		return fmt.Errorf("%s: %s", c.config, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if document.Kind == 0 {
		return nil // an empty file
	}
	top := document.Content[0]
	wrong := func(n *yaml.Node, format string, a ...any) error {
		return fmt.Errorf("%s:%d: %s", c.config, n.Line, fmt.Sprintf(format, a...))
	}
	if top.Kind != yaml.MappingNode {
		return wrong(top, "want options as KEY: VALUE")
	}
	given := make(map[string]bool)
	flags.Visit(func(f *pflag.Flag) { given[f.Name] = true })
	seen := make(map[string]bool)
	for at := 0; at+1 < len(top.Content); at += 2 {
		key, value := top.Content[at], top.Content[at+1]
		name := key.Value
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		if seen[name] {
			return wrong(key, "%q is there twice", name)
		}
		seen[name] = true
		switch {
		case key.Kind != yaml.ScalarNode || name != "dir" && !slices.Contains(configKeys, name):
			return wrong(key, "unknown option %q: want one of dir, %s", name, strings.Join(configKeys, ", "))
		case name == "metadata":
			list, err := settings(value)
			if err != nil {
				return wrong(value, "metadata: %v", err)
			}
			c.metadata = append(list, c.metadata...)
		case value.Kind != yaml.ScalarNode:
			return wrong(value, "%s: want one value", name)
		case name == "dir":
			if c.dir == "" {
				c.dir = value.Value
			}
		case !given[name]:
			if err := flags.Set(name, value.Value); err != nil {
				return wrong(value, "%s: %q is no value for it", name, value.Value)
			}
		}
	}
	return nil
}

// configKeys are the flags that a file of options may set.
var configKeys = []string{"output", "outtype", "verify", "dry-run", "name", "pre-tokenizer", "metadata", "lora", "base", "list", "threads"}

// settings reads metadata: KEY: VALUE pairs. A number or a bool says what it is,
// as the flag's int:, float: and bool: do.
func settings(n *yaml.Node) ([]string, error) {
	if n.Kind != yaml.MappingNode {
		return nil, errors.New("want KEY: VALUE pairs")
	}
	var list []string
	for at := 0; at+1 < len(n.Content); at += 2 {
		key, value := n.Content[at], n.Content[at+1]
		if key.Kind != yaml.ScalarNode || value.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("line %d: want one value for each key", key.Line)
		}
		kind := map[string]string{"!!int": "int:", "!!float": "float:", "!!bool": "bool:", "!!str": "str:"}[value.ShortTag()]
		if kind == "" {
			return nil, fmt.Errorf("line %d: %q is no text, number or bool", value.Line, value.Value)
		}
		list = append(list, key.Value+"="+kind+value.Value)
	}
	return list, nil
}
