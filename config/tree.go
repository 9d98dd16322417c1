package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds the configuration file: ten thousand services fit well.
const maxFile = 64 << 20

// parseTree reads the only document of a YAML text as a tree without aliases.
// It returns nil for a text without content. line is 0 when the error has none.
func parseTree(text []byte) (root *yaml.Node, line int, err error) {
	if len(text) > maxFile {
		return nil, 0, fmt.Errorf("the file is larger than %d MiB; move services to catalog files", maxFile>>20)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, 0, nil
	} else if err != nil {
		line, err := syntaxError(err)
		return nil, line, err
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, second.Line, errors.New("a second YAML document begins here, which would not be read; keep one document")
	case !errors.Is(err, io.EOF):
		line, err := syntaxError(err)
		return nil, line, err
	}
	if len(document.Content) != 1 {
		return nil, 0, nil
	}
	budget := 1000 + 10*count(document.Content[0])
	root, err = expand(document.Content[0], &budget, nil)
	var bomb *aliasError
	if errors.As(err, &bomb) {
		return nil, bomb.line, err
	}
	return root, 0, err
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntaxError takes the line out of an error of the parser. Its messages name
// what was expected and quote at most the name of an anchor.
func syntaxError(err error) (int, error) {
	text := err.Error()
	match := yamlLine.FindStringSubmatch(text)
	if match == nil {
		return 0, errors.New("this is not YAML; check indentation and quotes")
	}
	line, _ := strconv.Atoi(match[1])
	return line, fmt.Errorf("this is not YAML: %s; check indentation and quotes here and in the line above", text[len(match[0]):])
}

func count(n *yaml.Node) int {
	sum := 1
	for _, child := range n.Content {
		sum += count(child)
	}
	return sum
}

type aliasError struct {
	line int
	text string
}

func (e *aliasError) Error() string { return e.text }

// expand copies a tree with every alias and merge key replaced by what it
// stands for. budget is how many nodes aliases may still make: nested aliases
// grow exponentially.
func expand(n *yaml.Node, budget *int, open []*yaml.Node) (*yaml.Node, error) {
	if n.Kind == yaml.AliasNode {
		for _, outer := range open {
			if outer == n.Alias {
				return nil, &aliasError{n.Line, "the alias stands for something that holds it; write the value out"}
			}
		}
		if *budget -= count(n.Alias); *budget < 0 {
			return nil, &aliasError{n.Line, "aliases make the file more than ten times larger; write the values out"}
		}
		return expand(n.Alias, budget, open)
	}
	copied := *n
	copied.Anchor, copied.Content = "", make([]*yaml.Node, 0, len(n.Content))
	if n.Anchor != "" {
		open = append(open[:len(open):len(open)], n)
	}
	if n.Kind != yaml.MappingNode {
		for _, child := range n.Content {
			c, err := expand(child, budget, open)
			if err != nil {
				return nil, err
			}
			copied.Content = append(copied.Content, c)
		}
		return &copied, nil
	}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		value, err := expand(n.Content[i+1], budget, open)
		if err != nil {
			return nil, err
		}
		if n.Content[i].ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		key, err := expand(n.Content[i], budget, open)
		if err != nil {
			return nil, err
		}
		copied.Content = append(copied.Content, key, value)
	}
	for _, m := range merged {
		if err := mergeInto(&copied, m); err != nil {
			return nil, err
		}
	}
	return &copied, nil
}

// mergeInto adds the keys of a merge key that the mapping does not have.
func mergeInto(mapping, from *yaml.Node) error {
	switch from.Kind {
	case yaml.SequenceNode:
		for _, m := range from.Content {
			if m.Kind != yaml.MappingNode {
				return &aliasError{from.Line, "<< wants mappings; write the values out"}
			}
			if err := mergeInto(mapping, m); err != nil {
				return err
			}
		}
	case yaml.MappingNode:
		have := map[string]bool{}
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			have[mapping.Content[i].Value] = true
		}
		for i := 0; i+1 < len(from.Content); i += 2 {
			if !have[from.Content[i].Value] {
				mapping.Content = append(mapping.Content, from.Content[i], from.Content[i+1])
			}
		}
	default:
		return &aliasError{from.Line, "<< wants a mapping; write the values out"}
	}
	return nil
}
