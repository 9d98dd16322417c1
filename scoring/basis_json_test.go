package scoring_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

func TestBasisJSON(t *testing.T) {
	facts := map[string]scoring.BasisFact{
		"x.never":   {Value: evidence.Never(), Fresh: true, Since: midday},
		"x.instant": {Value: evidence.Instant(midday)},
		"x.count":   {Value: evidence.Int(3), Fresh: true},
		"x.flag":    {Value: evidence.Bool(false)},
	}
	if half, ok := evidence.Double(math.Pi); ok {
		facts["x.ratio"] = scoring.BasisFact{Value: half}
	}
	in := &scoring.Basis{
		Framework: &framework.Framework{Name: "n", Version: "v", Hash: "h"},
		Subject:   scoring.Subject{Name: "checkout", Attributes: framework.Attributes{Tier: 2, DataClass: "internal"}},
		Exempt:    map[string]*scoring.Exemption{"a.one": {Check: "a.one"}}, Scheduled: map[string]bool{"a.two": true},
		Facts: facts, Invalidated: map[string]time.Time{"a.three": midday}, Outdated: map[string]string{"a.four": "h"},
		At: midday,
	}
	out := reread[scoring.Basis](t, in)
	if !reflect.DeepEqual(*in, out) {
		t.Errorf("got  %+v\nwant %+v", out, *in)
	}
	for _, bad := range []string{
		`{`, `{"facts":{"x.y":{"kind":"text"}}}`, `{"facts":{"x.y":{"kind":"int","number":"many"}}}`,
		`{"facts":{"x.y":{"kind":"int","number":"NaN"}}}`,
	} {
		var b scoring.Basis
		if err := b.UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("%s is read without an error", bad)
		}
	}
}
