package correlation

import (
	"encoding/json"
	"fmt"
	"time"
)

// Result is all that is estimated from two years of incidents: whether reviews change
// them, and what goes together with readiness. It is made once a month and stored, since
// who looks at a verdict every day will one day see an effect that is none.
type Result struct {
	// At is the time of the figures.
	At time.Time
	// IncidentsSince is since when all incidents are known. If they are not, NoIncidents
	// says why, and there are no figures.
	IncidentsSince time.Time
	NoIncidents    string
	// Effects are those of reviews, and Gold that of reaching the badge on the resolution
	// time of all services.
	Effects  Effects
	Gold     Effect
	Compared CrossSection
}

// resultFormat is the version of what Encode writes.
const resultFormat = 1

// encodedResult is a result as it is stored.
type encodedResult struct {
	Format int
	Result
}

// Encode makes the result JSON.
func (r *Result) Encode() ([]byte, error) {
	text, err := json.Marshal(encodedResult{resultFormat, *r})
	if err != nil {
		return nil, fmt.Errorf("encoding the effects of reviews: %w", err)
	}
	return text, nil
}

// DecodeResult reads what Encode has made. It fails for what a later version has written
// in another format.
func DecodeResult(text []byte) (*Result, error) {
	var e encodedResult
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, fmt.Errorf("decoding the effects of reviews: %w", err)
	}
	if e.Format != resultFormat {
		return nil, fmt.Errorf("the effects of reviews are stored in the format %d, and this version reads the format %d: they "+
			"are estimated anew in the next month", e.Format, resultFormat)
	}
	return &e.Result, nil
}
