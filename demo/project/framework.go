package project

import (
	"fmt"
	"regexp"
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
	return merged(files, c.Now.AddDate(1, 0, 0))
}

// merged makes one file of a framework's files. Every enforce_from becomes the given day.
func merged(files []framework.File, enforceFrom time.Time) (framework.File, error) {
	file, err := framework.Merge(files)
	if err != nil {
		return file, fmt.Errorf("making one file of the default framework for the demo: %w", err)
	}
	date := fmt.Sprintf("${1}%q", enforceFrom.Format(time.DateOnly))
	file.Data = regexp.MustCompile(`(?m)^( +enforce_from: ).*$`).ReplaceAll(file.Data, []byte(date))
	return file, nil
}
