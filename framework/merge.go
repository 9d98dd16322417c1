package framework

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Merge makes one file of the files of a framework: modules become a list of the header,
// and checks that have a file of their own a list of their module. Comments stay.
func Merge(files []File) (File, error) {
	if len(files) == 0 {
		return File{}, errors.New("a framework needs at least one file")
	}
	var header *yaml.Node
	modules := map[string]*yaml.Node{}
	for i, f := range files {
		var document yaml.Node
		if err := yaml.Unmarshal(f.Data, &document); err != nil || len(document.Content) != 1 ||
			document.Content[0].Kind != yaml.MappingNode {
			return File{}, fmt.Errorf("%s: a file of a framework has keys with values: %w", f.Name, err)
		}
		part := document.Content[0]
		if i == 0 {
			header = part
			if list := valueOf(header, "modules"); list != nil {
				for _, m := range list.Content {
					modules[textOf(m, "id")] = m
				}
			}
			continue
		}
		to := header
		key := "modules"
		if module := textOf(part, "module"); module != "" {
			if to, key = modules[module], "checks"; to == nil {
				return File{}, fmt.Errorf("%s: there is no module %q", f.Name, module)
			}
			removeKey(part, "module")
		} else {
			modules[textOf(part, "id")] = part
		}
		list := valueOf(to, key)
		if list == nil {
			list = &yaml.Node{Kind: yaml.SequenceNode}
			to.Content = append(to.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, list)
		}
		list.Content = append(list.Content, part)
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(header), encoder.Close()); err != nil {
		return File{}, fmt.Errorf("writing a framework as one file: %w", err)
	}
	return File{Name: files[0].Name, Data: text.Bytes()}, nil
}

// Merged is the framework as one file.
func (d *Document) Merged() (File, error) {
	var files []File
	if err := json.Unmarshal(d.Text, &files); err != nil {
		return File{}, fmt.Errorf("reading the text of a framework: %w", err)
	}
	return Merge(files)
}

// valueOf is the value of a key, nil without one.
func valueOf(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

func textOf(mapping *yaml.Node, key string) string {
	if value := valueOf(mapping, key); value != nil {
		return value.Value
	}
	return ""
}

func removeKey(mapping *yaml.Node, key string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content = append(mapping.Content[:i], mapping.Content[i+2:]...)
			return
		}
	}
}
