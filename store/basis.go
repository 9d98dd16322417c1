package store

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strconv"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// storedBasis is a scoring.Basis without its framework, which has a row of its
// own. Its time is a column.
type storedBasis struct {
	Subject   scoring.Subject               `json:"subject"`
	Exempt    map[string]*scoring.Exemption `json:"exempt,omitempty"`
	Scheduled []string                      `json:"scheduled,omitempty"`
	Facts     map[string]storedFact         `json:"facts,omitempty"`
	Voids     map[string]time.Time          `json:"voids,omitempty"`
	At        time.Time                     `json:"at"`
}

// storedFact is a scoring.BasisFact. The number is text, since JSON has no
// infinity.
type storedFact struct {
	Kind    evidence.Kind `json:"k"`
	Instant bool          `json:"i,omitempty"`
	Number  string        `json:"n"`
	Fresh   bool          `json:"f,omitempty"`
	Since   time.Time     `json:"s,omitzero"`
}

func encodeBasis(b *scoring.Basis) (hash string, body []byte, err error) {
	mirror := storedBasis{Subject: b.Subject, Exempt: b.Exempt, Voids: b.Voids, At: b.At, Facts: make(map[string]storedFact, len(b.Facts))}
	known := b.Known()
	for id, scheduled := range b.Scheduled {
		if scheduled {
			mirror.Scheduled = append(mirror.Scheduled, id)
		}
	}
	for name, f := range known {
		mirror.Facts[name] = storedFact{Kind: f.Value.Kind(), Instant: f.Value.IsInstant(),
			Number: strconv.FormatFloat(f.Value.Number(), 'g', -1, 64), Fresh: f.Fresh, Since: f.Since}
	}
	if b.Framework != nil {
		hash = b.Framework.Hash
	}
	body, err = json.Marshal(mirror)
	return hash, body, err
}

func decodeBasis(body []byte, f *framework.Framework) (*scoring.Basis, error) {
	var mirror storedBasis
	if err := json.Unmarshal(body, &mirror); err != nil {
		return nil, err
	}
	b := &scoring.Basis{Framework: f, Subject: mirror.Subject, Exempt: mirror.Exempt, Voids: mirror.Voids, At: mirror.At,
		Scheduled: make(map[string]bool, len(mirror.Scheduled)), Facts: make(map[string]scoring.BasisFact, len(mirror.Facts))}
	for _, id := range mirror.Scheduled {
		b.Scheduled[id] = true
	}
	for name, m := range mirror.Facts {
		number, err := strconv.ParseFloat(m.Number, 64)
		if err != nil {
			return nil, fmt.Errorf("fact %s: %w", name, err)
		}
		value, err := evidence.Stored(m.Kind, m.Instant, number)
		if err != nil {
			return nil, fmt.Errorf("fact %s: %w", name, err)
		}
		b.Facts[name] = scoring.BasisFact{Value: value, Fresh: m.Fresh, Since: m.Since}
	}
	return b, nil
}

// sameState reports whether a state differs from the saved one in nothing but
// the time of the judgement that both were part of.
func (w *judging) sameState(now, saved scoring.BadgeState) bool {
	if !w.sameTime(now.At, saved.At) {
		return false
	}
	now.At, saved.At = time.Time{}, time.Time{}
	now.Support, saved.Support = nil, nil
	now.Before, saved.Before = nil, nil
	return reflect.DeepEqual(now, saved)
}

// sameTime reports whether a time needs no writing: both are those of their
// judgements, or it has not moved.
func (w *judging) sameTime(now, saved time.Time) bool {
	current, before := micros(now) == micros(w.at), micros(saved) == w.lastAt
	return current && before || !current && !before && micros(now) == micros(saved)
}

func (w *judging) sameSupport(now, saved *scoring.Basis) bool {
	// A caller that keeps the basis it has saved before says that it will do.
	if now == saved {
		return true
	}
	if now == nil || saved == nil || !w.sameTime(now.At, saved.At) {
		return false
	}
	return hashOf(now) == hashOf(saved) && now.Subject == saved.Subject && maps.Equal(now.Scheduled, saved.Scheduled) &&
		maps.EqualFunc(now.Voids, saved.Voids, time.Time.Equal) &&
		maps.EqualFunc(now.Known(), saved.Known(), func(a, b scoring.BasisFact) bool {
			return a.Value == b.Value && a.Fresh == b.Fresh && a.Since.Equal(b.Since)
		}) &&
		maps.EqualFunc(now.Exempt, saved.Exempt, func(a, b *scoring.Exemption) bool { return reflect.DeepEqual(a, b) })
}

func hashOf(b *scoring.Basis) string {
	if b.Framework == nil {
		return ""
	}
	return b.Framework.Hash
}
