package correlation

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prodready/collector/evidence"
)

// TestPackedRecordsAreWhole: what linking, figures and lists need of a record is as it was.
func TestPackedRecordsAreWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SampledFrom([]string{"", "a", "checkout", "P-1", "ü/ö", "\x00"})
		links := rapid.SampledFrom([]string{"", "P-1", "https://x.example/P-1", "https://x.example/a/", "a/b/checkout"})
		lists := func(of *rapid.Generator[string], name string) []string {
			list := rapid.SliceOfN(of, 0, 3).Draw(t, name)
			if len(list) == 0 {
				return nil
			}
			return list
		}
		moment := rapid.Map(rapid.Int64Range(-1<<33, 1<<36), func(s int64) time.Time { return time.Unix(s, s%2*7).UTC() })
		may := rapid.OneOf(moment, rapid.Just(time.Time{}))
		answer := rapid.SampledFrom([]evidence.Answer{evidence.Unknown, evidence.No, evidence.Yes})
		count, is := rapid.IntRange(0, 1<<40), rapid.Bool()
		in := evidence.Incident{
			Source: words.Draw(t, "source"), ID: words.Draw(t, "id"), Key: words.Draw(t, "key"),
			FormerKeys: lists(words, "former keys"), Services: lists(words, "services"), Links: lists(links, "links"),
			StartedAt: moment.Draw(t, "started"), DetectedAt: may.Draw(t, "detected"),
			AcknowledgedAt: may.Draw(t, "acknowledged"), MachineAcknowledgedAt: may.Draw(t, "machine"),
			ResolvedAt: may.Draw(t, "resolved"), UpdatedAt: may.Draw(t, "updated"),
			AcksKnown: is.Draw(t, "acks"), EndUnknown: is.Draw(t, "end"), Urgent: is.Draw(t, "urgent"),
			MachineDetected: is.Draw(t, "detected by"), Maintenance: is.Draw(t, "maintenance"),
			Resolver: rapid.SampledFrom([]evidence.Resolver{"", evidence.ResolverPerson, "other"}).Draw(t, "resolver"),
			Severity: rapid.IntRange(-1, 9).Draw(t, "severity"), Escalations: count.Draw(t, "escalations"),
			Reassignments: count.Draw(t, "reassignments"), Notes: count.Draw(t, "notes"),
			HasTicket: answer.Draw(t, "ticket"), FalseAlarm: answer.Draw(t, "false alarm"),
			Interruptions: evidence.Interruptions{
				Known: is.Draw(t, "interruptions"), Business: count.Draw(t, "business"),
				Off: count.Draw(t, "off"), Sleep: count.Draw(t, "sleep"),
			},
			Template: words.Draw(t, "template"), MergedInto: words.Draw(t, "merged"),
		}
		p := newPacking()
		p.pack(&evidence.Incident{Source: "other", StartedAt: time.Unix(1, 0), Services: []string{"x"}})
		if got := p.unpack(p.pack(&in)); !reflect.DeepEqual(*got, in) {
			t.Fatalf("unpacked it is\n%+v, want\n%+v", *got, in)
		}
	})
}

// TestNamesThatAreTheSame: records of one name are all found, each once, until they are
// dropped.
func TestNamesThatAreTheSame(t *testing.T) {
	x := newNameIndex()
	records := []place{1, 2, 3}
	for range 2 {
		for _, p := range records {
			x.add("a", p)
		}
	}
	x.add("b", records[0])
	for left := len(records); left > 0; left-- {
		found := map[place]int{}
		x.each("a", func(p place) { found[p]++ })
		for _, p := range records[len(records)-left:] {
			if found[p] != 1 || len(found) != left {
				t.Fatalf("%d records are left, and found are %v", left, found)
			}
		}
		x.drop("a", records[len(records)-left])
		x.drop("a", records[len(records)-left])
	}
	if len(x.one) != 1 || len(x.more) != 0 {
		t.Errorf("records are left, want that of the other name: %s", fmt.Sprint(x))
	}
}

// TestObservationsAreSorted: durations are in order, each with its incident, and where others
// ended those that were censored then come after them.
func TestObservationsAreSorted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Few are compared, many sorted by their digits.
		n := rapid.SampledFrom([]int{0, 1, fewDurations, fewDurations + 1, 3 * fewDurations}).Draw(t, "number")
		unit := rapid.SampledFrom([]time.Duration{1, time.Millisecond, time.Second, time.Hour, 1 << 40}).Draw(t, "unit")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		want, list := make([]Observation, n), make([]observed, n)
		for i := range want {
			want[i] = Observation{unit * time.Duration(random.IntN(1<<20)), random.IntN(2) == 0}
			list[i] = observed{observationOf(want[i]), uint32(i)}
		}
		var got []Observation
		sorted, _ := inOrder(list, make([]observed, len(list)))
		for _, o := range sorted {
			if of := want[o.target]; of.Duration != o.duration() || of.Censored != o.censored() {
				t.Fatalf("that of %d is %s, want %v", o.target, o.duration(), of)
			}
			got = append(got, Observation{o.duration(), o.censored()})
		}
		slices.SortFunc(want, func(a, b Observation) int {
			switch {
			case a.Duration != b.Duration || a.Censored == b.Censored:
				return cmp.Compare(a.Duration, b.Duration)
			case b.Censored:
				return -1
			}
			return 1
		})
		if !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}
