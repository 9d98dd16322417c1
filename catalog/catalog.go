package catalog

import (
	"fmt"
	"strings"

	"github.com/prodready/collector/nearest"
)

// Catalog is the checked list of services, in name order. It is immutable and
// safe for concurrent use.
type Catalog struct {
	services []*Service
	byName   map[string]*Service
	byAlias  map[string]*Service
	teams    map[string]Team
	refused  []Refusal
	leftOut  []LeftOut
	notes    []Note
}

// Services lists the services in name order. The caller must not change them.
func (c *Catalog) Services() []*Service { return c.services }

// Service finds a service by name.
func (c *Catalog) Service(name string) (*Service, bool) {
	s, ok := c.byName[name]
	return s, ok
}

// Resolve finds a service by its name or one of its aliases.
func (c *Catalog) Resolve(name string) (*Service, bool) {
	if s, ok := c.byName[name]; ok {
		return s, true
	}
	s, ok := c.byAlias[name]
	return s, ok
}

// Lookup is Resolve with an error that suggests the nearest name.
func (c *Catalog) Lookup(name string) (*Service, error) {
	if s, ok := c.Resolve(name); ok {
		return s, nil
	}
	names := make([]string, 0, len(c.byName)+len(c.byAlias))
	for _, s := range c.services {
		names = append(append(names, s.Name), s.Aliases...)
	}
	return nil, fmt.Errorf("unknown service %q%s", name, nearest.Suggest(name, names))
}

// Teams lists the teams by name. The caller must not change the map.
func (c *Catalog) Teams() map[string]Team { return c.teams }

// Shrunk reports as an error that next has lost more than a fifth of the
// services of old: that is rather a broken file or mount than a company that
// closed them overnight. A service whose name is an alias now is not lost.
func Shrunk(old, next *Catalog) error {
	var lost []string
	for _, s := range old.services {
		if _, ok := next.Resolve(s.Name); !ok {
			lost = append(lost, s.Name)
		}
	}
	if len(lost)*5 <= len(old.services) {
		return nil
	}
	some := lost[:min(len(lost), 5)]
	more := ""
	if n := len(lost) - len(some); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return fmt.Errorf(
		"the new catalog has lost %d of %d services (%s%s), which is more than a fifth; the old one stays in use; "+
			"check that all catalog files are there, or restart the program if the services are really gone", len(lost),
		len(old.services), strings.Join(some,
			", "), more)
}
