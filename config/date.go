package config

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"
)

// Date is a day of the calendar: the midnight, in UTC, at its beginning.
type Date struct{ time.Time }

// UnmarshalYAML reads a day such as 2027-03-31.
func (d *Date) UnmarshalYAML(node *yaml.Node) error {
	day, err := time.ParseInLocation(time.DateOnly, node.Value, time.UTC)
	if err != nil {
		return fmt.Errorf("%q is not a day; write it like 2027-03-31", node.Value)
	}
	d.Time = day
	return nil
}

// MarshalYAML writes the day.
func (d Date) MarshalYAML() (any, error) { return d.Format(time.DateOnly), nil }
