package evaluation

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

// PinOf is the pin that is in force for a service at a time, nil without one.
func (c *Config) PinOf(service *catalog.Service, at time.Time) *scoring.Pin {
	subject := scoring.NewSubject(service, c.Facts, nil)
	return scoring.PinOf(c.Pins, &subject, at)
}

// frameworks are the framework and those of another meaning that pins name.
func (c *Config) frameworks() []*framework.Framework {
	all := []*framework.Framework{c.Framework}
	for i := range c.Pins {
		f := c.Pins[i].Framework
		if !slices.ContainsFunc(all, func(o *framework.Framework) bool { return o.Hash == f.Hash }) {
			all = append(all, f)
		}
	}
	return all
}

// inUse is the framework with a hash among those of the configuration; nil without one.
func (c *Config) inUse(hash string) *framework.Framework {
	for _, f := range c.frameworks() {
		if f.Is(hash) {
			return f
		}
	}
	return nil
}

// criteria are what the services of a loaded state were judged by last, by the hash that
// is stored.
func (j *judge) criteria(ctx context.Context, c *Config, loaded store.State) (map[string]framework.Meaning, error) {
	known := map[string]framework.Meaning{}
	add := func(hash string) error {
		if _, done := known[hash]; done || hash == "" {
			return nil
		}
		if meaning, kept := j.state.Criteria[hash]; kept {
			known[hash] = meaning
			return nil
		}
		stored := loaded.Framework
		if hash != stored.Hash {
			var err error
			if stored, _, err = j.store.PastFramework(ctx, hash); err != nil {
				return err
			}
		}
		if stored.Hash != "" {
			_, known[hash] = restore(stored, c, j.log)
		}
		return nil
	}
	err := add(loaded.Framework.Hash)
	for _, badge := range loaded.Badges {
		if err == nil {
			err = add(badge.FrameworkHash)
		}
	}
	return known, err
}

// restore compiles criteria that were judged by before, and returns their earlier
// Meaning. If they do not compile, because a fact they read is gone, later badge
// changes get a less exact cause, and nothing else is lost.
func restore(stored store.Framework, c *Config, log *slog.Logger) (*framework.Framework, framework.Meaning) {
	if f := c.inUse(stored.Hash); f != nil {
		return f, f.Meaning
	}
	var meaning framework.Meaning
	document, err := framework.Restore(stored.Text)
	if err == nil {
		meaning = document.Meaning()
		var compiled *framework.Framework
		if compiled, err = framework.Compile(document, c.Facts); err == nil {
			return compiled, compiled.Meaning
		}
	}
	log.Warn("earlier criteria cannot be compiled any more; causes of the next badge changes are coarser",
		"framework", stored.Name, "version", stored.Version, "err", err)
	return nil, meaning
}

// toStore is a framework as it is stored.
func toStore(f *framework.Framework, activated time.Time) store.Framework {
	return store.Framework{Name: f.Name, Version: f.Version, Hash: f.Hash, Text: f.Text, ActivatedAt: activated}
}

// unstored are the criteria of pins that this judge has not stored.
func (j *judge) unstored(c *Config) []store.Framework {
	var out []store.Framework
	for _, f := range c.frameworks()[1:] {
		if !j.stored[f.Hash] {
			out = append(out, toStore(f, time.Time{}))
		}
	}
	return out
}

// areStored notes that criteria of pins are stored.
func (j *judge) areStored(frameworks []store.Framework) {
	for _, f := range frameworks {
		j.stored[f.Hash] = true
	}
}

// subjectsOf are the services that were judged, with the criteria that they are pinned to.
func subjectsOf(c *Config, cards []scoring.Scorecard) []store.JudgedSubject {
	subjects := make([]store.JudgedSubject, len(cards))
	for i := range cards {
		subjects[i].Subject = cards[i].Basis.Subject
		if f := cards[i].Framework(); f.Hash != c.Framework.Hash {
			subjects[i].PinnedTo = f.Hash
		}
	}
	return subjects
}
