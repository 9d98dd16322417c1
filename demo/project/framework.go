package project

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/framework"
)

// Framework is the framework that the demo judges by, as one file: the default
// one. Checks with an enforce_from count from a year after the company's now on:
// the company does not practise them, see company.Checks, and its badges must
// not fall on the day on which such a check begins to count.
func Framework(c *company.Company) (framework.File, error) {
	files, err := framework.Default()
	if err != nil {
		return framework.File{}, fmt.Errorf("reading the default framework for the demo: %w", err)
	}
	return merged(files, c.Now.AddDate(1, 0, 0)), nil
}

// merged makes one file of a framework's files: the modules become a list at the
// end of the first. Every enforce_from becomes the given day.
func merged(files []framework.File, enforceFrom time.Time) framework.File {
	var text strings.Builder
	text.Write(files[0].Data)
	text.WriteString("\nmodules:\n")
	for _, module := range files[1:] {
		lines := bytes.ReplaceAll(bytes.TrimSpace(module.Data), []byte("\n"), []byte("\n    "))
		fmt.Fprintf(&text, "  - %s\n", lines)
	}
	date := fmt.Sprintf("${1}%q", enforceFrom.Format(time.DateOnly))
	return framework.File{
		Name: "framework.yaml",
		Data: regexp.MustCompile(`(?m)^( +enforce_from: ).*$`).ReplaceAll([]byte(text.String()), []byte(date)),
	}
}
