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

// Names lists the names of the services in order.
func (c *Catalog) Names() []string {
	var names []string
	for _, s := range c.services {
		names = append(names, s.Name)
	}
	return names
}

// Shrunk reports as an error that next lacks more than a fifth of the services
// before: that is rather a broken file or mount than a company that closed them
// overnight. A service whose name is an alias now is not lost.
func Shrunk(before []string, next *Catalog) error {
	var lost []string
	for _, name := range before {
		if _, ok := next.Resolve(name); !ok {
			lost = append(lost, name)
		}
	}
	if len(lost)*5 <= len(before) {
		return nil
	}
	some := lost[:min(len(lost), 5)]
	more := ""
	if n := len(lost) - len(some); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return fmt.Errorf("the catalog has lost %d of %d services (%s%s), which is more than a fifth; check that all catalog "+
		"files are there; if the services are really gone, start the program again with --accept-catalog-loss",
		len(lost), len(before), strings.Join(some, ", "), more)
}
