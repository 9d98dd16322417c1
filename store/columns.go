package store

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
)

// columns are names with pointers to the fields that are written and read.
type columns []column

type column struct {
	name  string
	field any
}

func (c columns) names() []string {
	names := make([]string, len(c))
	for i := range c {
		names[i] = c[i].name
	}
	return names
}

// transactionNumber is a column with the number of the transaction that wrote
// the row. It is filled when the row is written.
type transactionNumber int64

// nameColumn is a column with the id of a name.
type nameColumn struct {
	table nameTable
	name  *string
}

func serviceID(name *string) nameColumn { return nameColumn{serviceNames, name} }
func factID(name *string) nameColumn    { return nameColumn{factNames, name} }
func sourceID(name *string) nameColumn  { return nameColumn{sourceNames, name} }
func checkID(name *string) nameColumn   { return nameColumn{checkNames, name} }

// scanner converts the stored id to its name, which the view knows.
func (n nameColumn) scanner(v *view) converted {
	return converted{scan: func(from any) (err error) {
		id, ok := from.(int64)
		if !ok {
			return fmt.Errorf("an id is stored as %T", from)
		}
		*n.name, err = v.name(n.table, id)
		return err
	}}
}

// serviceList is a list of services, each in a row of another table that refers
// to the number of this one.
type serviceList struct {
	table, parent string
	row           *numbered
	services      *[]string
}

// numbered has the row number and the stored services of a row, which its Go value
// does not have.
type numbered struct {
	// num is 0 until the row is stored.
	num int64
	// services are those that are stored.
	services []string
}

func (n *numbered) list(table, parent string, services *[]string) *serviceList {
	return &serviceList{table, parent, n, services}
}

// column selects the ids, separated by commas; NULL without any.
func (l *serviceList) column(of string, v *view) column {
	sql := fmt.Sprintf(`(SELECT string_agg(CAST(service_id AS TEXT), ',') FROM %s WHERE %s = %s.num)`,
		l.table, l.parent, of)
	return column{sql, converted{scan: func(from any) error {
		*l.services, l.row.services = nil, nil
		ids, ok := from.(string)
		if !ok {
			return nil
		}
		for id := range strings.SplitSeq(ids, ",") {
			n, err := strconv.ParseInt(id, 10, 64)
			if err != nil {
				return fmt.Errorf("the services of a row: %w", err)
			}
			name, err := v.name(serviceNames, n)
			if err != nil {
				return err
			}
			*l.services = append(*l.services, name)
		}
		slices.Sort(*l.services)
		l.row.services = slices.Clone(*l.services)
		return nil
	}}}
}

// converted is a field that is stored in another form.
type converted struct {
	scan  func(from any) error
	value func() (driver.Value, error)
}

// Scan implements sql.Scanner.
func (c converted) Scan(from any) error { return c.scan(from) }

// Value implements driver.Valuer.
func (c converted) Value() (driver.Value, error) { return c.value() }

// timeOf is a time that is never NULL: microseconds since the Unix epoch.
func timeOf(t *time.Time) converted {
	return converted{
		scan: func(from any) error {
			us, ok := from.(int64)
			if !ok {
				return fmt.Errorf("a time is stored as %T", from)
			}
			*t = instant(us)
			return nil
		},
		value: func() (driver.Value, error) { return micros(*t), nil },
	}
}

// timeOrNull is a time that is NULL when it is zero.
func timeOrNull(t *time.Time) converted {
	required := timeOf(t)
	return converted{
		scan: func(from any) error {
			if from == nil {
				*t = time.Time{}
				return nil
			}
			return required.scan(from)
		},
		value: func() (driver.Value, error) {
			if t.IsZero() {
				return nil, nil //nolint:nilnil // NULL
			}
			return required.value()
		},
	}
}

// asJSON is a text with the JSON of what field points to.
func asJSON(field any) converted {
	return converted{
		scan: func(from any) error {
			body, ok := from.(string)
			if !ok {
				return fmt.Errorf("JSON is stored as %T", from)
			}
			return json.Unmarshal([]byte(body), field)
		},
		value: func() (driver.Value, error) {
			body, err := json.Marshal(field)
			return string(body), err
		},
	}
}

// listOf is asJSON for a list that is nil when it is empty, however it was stored.
func listOf(list *[]string) converted {
	column := asJSON(list)
	scan := column.scan
	column.scan = func(from any) error {
		err := scan(from)
		if len(*list) == 0 {
			*list = nil
		}
		return err
	}
	return column
}

// valueOf are the three columns of a value. kind and instant must be scanned before
// num, which makes the value of all three.
func valueOf(v *evidence.Value) columns {
	var kind int64
	var instant bool
	mistyped := func(from any) error { return fmt.Errorf("a part of a value is stored as %T", from) }
	return columns{
		{"kind", converted{
			scan: func(from any) (err error) {
				var ok bool
				if kind, ok = from.(int64); !ok {
					return mistyped(from)
				}
				return nil
			},
			value: func() (driver.Value, error) { return int64(v.Kind()), nil },
		}},
		{"instant", converted{
			scan: func(from any) error {
				// SQLite has no booleans.
				value, err := driver.Bool.ConvertValue(from)
				instant = value == true
				return err
			},
			value: func() (driver.Value, error) { return v.IsInstant(), nil },
		}},
		{"num", converted{
			scan: func(from any) (err error) {
				num, ok := from.(float64)
				if !ok {
					return mistyped(from)
				}
				*v = evidence.Value{}
				if evidence.Kind(kind) != evidence.KindInvalid {
					*v, err = evidence.Stored(evidence.Kind(kind), instant, num)
				}
				return err
			},
			value: func() (driver.Value, error) { return v.Number(), nil },
		}},
	}
}
