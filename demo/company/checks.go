package company

import (
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/framework"
)

// Check is what the company needs to know of a check of the default framework.
type Check struct {
	ID, Module string
	Level      int
	// Tiers it applies to; empty means all.
	Tiers []int
	// When is the condition on the service; empty means always.
	When string
	// Proofs are the kinds of evidence that can show it, strongest first.
	Proofs []framework.ProofKind
}

// Unconditional reports whether the check applies to every service of the tier.
func (c Check) Unconditional(tier int) bool {
	if c.When != "" {
		return false
	}
	if len(c.Tiers) == 0 {
		return true
	}
	return slices.Contains(c.Tiers, tier)
}

// Has reports whether the kind of evidence can show the check.
func (c Check) Has(kind framework.ProofKind) bool {
	return slices.Contains(c.Proofs, kind)
}

// Checks reads the checks that a company can practise from the embedded default
// framework, so that there is one list of them. Expressions are not read: they
// need the facts of the sources, and the company knows no source.
//
// Checks with an enforce_from are left out: they are new, and nothing in the
// simulation shows yet who practises them. The demo schedules them, see
// project.Framework.
func Checks() ([]Check, error) {
	files, err := framework.Default()
	if err != nil {
		return nil, fmt.Errorf("reading the checks that a company can practise: %w", err)
	}
	return ChecksOf(files)
}

// ChecksOf is Checks for the files of any framework.
func ChecksOf(files []framework.File) ([]Check, error) {
	file, err := framework.Merge(files)
	if err != nil {
		return nil, fmt.Errorf("reading the checks that a company can practise: %w", err)
	}
	var criteria struct {
		Modules []struct {
			ID     string `yaml:"id"`
			Checks []struct {
				ID          string `yaml:"id"`
				Level       int    `yaml:"level"`
				EnforceFrom string `yaml:"enforce_from"`
				Scope       struct {
					Tiers []int  `yaml:"tiers"`
					When  string `yaml:"when"`
				} `yaml:"scope"`
				Proofs []struct {
					By framework.ProofKind `yaml:"by"`
				} `yaml:"proofs"`
			} `yaml:"checks"`
		} `yaml:"modules"`
	}
	if err := yaml.Unmarshal(file.Data, &criteria); err != nil {
		return nil, fmt.Errorf("reading the checks of %s: %w", file.Name, err)
	}
	var checks []Check
	for _, module := range criteria.Modules {
		for _, c := range module.Checks {
			if c.EnforceFrom != "" {
				continue
			}
			check := Check{ID: c.ID, Module: module.ID, Level: c.Level, Tiers: c.Scope.Tiers, When: c.Scope.When}
			for _, p := range c.Proofs {
				check.Proofs = append(check.Proofs, p.By)
			}
			checks = append(checks, check)
		}
	}
	if len(checks) == 0 {
		return nil, errors.New("the embedded framework has no checks")
	}
	return checks, nil
}
