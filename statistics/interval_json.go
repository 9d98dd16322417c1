package statistics

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// MarshalJSON writes an interval as its value, its lower and its upper bound. JSON has no
// number for a bound that is infinite: it is written as text.
func (i Interval) MarshalJSON() ([]byte, error) {
	var out [3]any
	for n, v := range [...]float64{i.Value, i.Lower, i.Upper} {
		if out[n] = v; math.IsInf(v, 0) || math.IsNaN(v) {
			out[n] = strconv.FormatFloat(v, 'g', -1, 64)
		}
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("writing an interval: %w", err)
	}
	return text, nil
}

// UnmarshalJSON reads what MarshalJSON has written.
func (i *Interval) UnmarshalJSON(text []byte) error {
	var in []any
	if err := json.Unmarshal(text, &in); err != nil {
		return fmt.Errorf("reading an interval: %w", err)
	}
	if len(in) != 3 {
		return fmt.Errorf("reading an interval: %d numbers instead of a value and two bounds", len(in))
	}
	for n, to := range [...]*float64{&i.Value, &i.Lower, &i.Upper} {
		switch v := in[n].(type) {
		case float64:
			*to = v
		case string:
			number, err := strconv.ParseFloat(v, 64)
			if err != nil {
				return fmt.Errorf("reading an interval: %w", err)
			}
			*to = number
		default:
			return fmt.Errorf("reading an interval: %v is no number", v)
		}
	}
	return nil
}
