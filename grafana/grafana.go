// Package grafana holds the dashboards as Grafana imports them, and fits them to an
// installation. The module dashboards/ writes them.
package grafana

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// The constants of every dashboard that an installation sets, as variables of Grafana that
// are not shown.
const (
	// PagesVariable is the base address of the collector's pages.
	PagesVariable = "pages"
	// DocsVariable is the base address of the documentation.
	DocsVariable = "docs"
)

// The base addresses of the committed files: the pages of the demo, and the documentation of
// the project.
const (
	DefaultPages = "http://127.0.0.1:9847"
	DefaultDocs  = "https://github.com/prodready/collector/blob/main/docs"
)

// CheckHeader heads the columns that show checks, with their titles beside their ids.
const CheckHeader = "Check"

// CheckText is how a check is shown: its id with its title.
func CheckText(id, title string) string { return id + " · " + title }

//go:embed *.json
var files embed.FS

// Names lists the files of the dashboards.
func Names() ([]string, error) {
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		return nil, fmt.Errorf("listing the embedded dashboards: %w", err)
	}
	return names, nil
}

// Committed is a dashboard as it is in the repository.
func Committed(name string) ([]byte, error) {
	text, err := files.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading an embedded dashboard: %w", err)
	}
	return text, nil
}

// Values fit dashboards to an installation.
type Values struct {
	// Pages and Docs are base addresses, without a slash at their end.
	Pages, Docs string
	// Titles are those of the checks by id.
	Titles map[string]string
}

// Fitted is a dashboard with the values of an installation.
func Fitted(name string, v Values) ([]byte, error) {
	text, err := Committed(name)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var board map[string]any
	if err := decoder.Decode(&board); err != nil {
		return nil, fmt.Errorf("decoding the embedded dashboard %s: %w", name, err)
	}
	for variable, address := range map[string]string{PagesVariable: v.Pages, DocsVariable: v.Docs} {
		if !setConstant(board, variable, strings.TrimRight(address, "/")) {
			return nil, fmt.Errorf("the embedded dashboard %s has no constant %s", name, variable)
		}
	}
	setTitles(board, v.Titles)
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(board); err != nil {
		return nil, fmt.Errorf("encoding the dashboard %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// setConstant gives a constant a value, and says whether the dashboard has it.
func setConstant(board map[string]any, name, value string) bool {
	templating, _ := board["templating"].(map[string]any)
	list, _ := templating["list"].([]any)
	i := slices.IndexFunc(list, func(v any) bool {
		variable, _ := v.(map[string]any)
		return variable["name"] == name && variable["type"] == "constant"
	})
	if i < 0 {
		return false
	}
	variable, _ := list[i].(map[string]any)
	variable["query"] = value
	return true
}

// setTitles puts titles in the place of those that the columns of checks show.
func setTitles(board map[string]any, titles map[string]string) {
	options := map[string]any{}
	for id, title := range titles {
		options[id] = map[string]any{"text": CheckText(id, title)}
	}
	mapping := []any{map[string]any{"type": "value", "options": options}}
	for override := range overrides(board) {
		matcher, _ := override["matcher"].(map[string]any)
		header, _ := matcher["options"].(string)
		// A matrix with a row for each check has the header check\service_name.
		if header != CheckHeader && !strings.HasPrefix(header, `check\`) {
			continue
		}
		properties, _ := override["properties"].([]any)
		for _, p := range properties {
			if property, _ := p.(map[string]any); property["id"] == "mappings" {
				property["value"] = mapping
			}
		}
	}
}

// overrides yields the field overrides of all panels.
func overrides(board map[string]any) func(yield func(map[string]any) bool) {
	return func(yield func(map[string]any) bool) {
		panels, _ := board["panels"].([]any)
		for _, p := range panels {
			panel, _ := p.(map[string]any)
			config, _ := panel["fieldConfig"].(map[string]any)
			list, _ := config["overrides"].([]any)
			for _, o := range list {
				if override, ok := o.(map[string]any); ok && !yield(override) {
					return
				}
			}
		}
	}
}

// All are the texts of all dashboards by the names of their files.
func All(v Values) (map[string][]byte, error) {
	names, err := Names()
	if err != nil {
		return nil, err
	}
	texts := map[string][]byte{}
	for _, name := range names {
		if texts[name], err = Fitted(name, v); err != nil {
			return nil, err
		}
	}
	return texts, nil
}
