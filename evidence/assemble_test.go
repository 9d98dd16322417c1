package evidence

import (
	"slices"
	"testing"
	"time"
	"unsafe"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func facts(t *testing.T, definitions ...Definition) *Facts {
	t.Helper()
	for i := range definitions {
		definitions[i].Help = "a fact of the test"
	}
	f, err := NewFacts(definitions)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func double(t *testing.T, v float64) Value {
	t.Helper()
	value, ok := Double(v)
	if !ok {
		t.Fatalf("%v is not a value", v)
	}
	return value
}

func providers(fact string, ids ...string) []Provider {
	var out []Provider
	for _, id := range ids {
		out = append(out, Provider{ID: id, Facts: []string{fact}, FreshFor: 15 * time.Minute})
	}
	return out
}

func TestARecordAgesFromTheRunThatLastCoveredIt(t *testing.T) {
	f := facts(t, Definition{Name: "x.count", Kind: KindInt})
	l := NewLedger()
	l.Put(Record{Service: "api", Fact: "x.count", Source: "s/1", Value: Int(3), Since: noon.Add(-100 * time.Hour)},
		time.Time{})
	l.Cover("s/1", Coverage{Group: "g", Facts: []string{"x.count"}, At: noon})

	o := l.Assemble(f, providers("x.count", "s/1"), noon).Row("api").At(0)
	for _, step := range []struct {
		after time.Duration
		want  State
	}{{0, StateFresh}, {15 * time.Minute, StateFresh}, {16 * time.Minute, StateStale},
		{7*24*time.Hour + time.Minute, StateMissing}} {
		if got := o.State(noon.Add(step.after)); got != step.want {
			t.Errorf("%s after the run the record is %s, want %s", step.after, got, step.want)
		}
	}
	if why := o.Why(noon.Add(8 * 24 * time.Hour)); why != MissingExpired {
		t.Errorf("reason %q, want expired", why)
	}
}

func TestADatedRecordAgesFromItsOwnTime(t *testing.T) {
	f := facts(t, Definition{Name: "x.count", Kind: KindInt, FreshFor: 2 * time.Hour, ValidFor: 6 * time.Hour})
	l := NewLedger()
	l.Put(Record{Service: "api", Fact: "x.count", Source: "s/1", Value: Int(3), ObservedAt: noon.Add(-3 * time.Hour)},
		time.Time{})
	l.Cover("s/1", Coverage{Group: "g", Facts: []string{"x.count"}, At: noon, Dated: true})
	o := l.Assemble(f, providers("x.count", "s/1"), noon).Row("api").At(0)
	if o.State(noon) != StateStale || !o.ObservedAt.Equal(noon.Add(-3*time.Hour)) {
		t.Errorf("the record is %s, observed %s; want stale since its own time", o.State(noon), o.ObservedAt)
	}
	if o.State(noon.Add(4*time.Hour)) != StateMissing {
		t.Error("a run that read the record again has made it younger")
	}
	if o.SourceDown(noon) {
		t.Error("the source answered and counts as down")
	}
}

func TestAnExceptedServiceKeepsItsLastObservation(t *testing.T) {
	f := facts(t, Definition{Name: "x.count", Kind: KindInt})
	l := NewLedger()
	last := noon.Add(-time.Hour)
	l.Put(Record{Service: "api", Fact: "x.count", Source: "s/1", Value: Int(3), Since: last}, last)
	l.Cover("s/1", Coverage{Group: "g", Facts: []string{"x.count"}, At: noon,
		Except: map[string]Missing{"api": MissingNaN, "web": MissingNaN}})

	set := l.Assemble(f, providers("x.count", "s/1"), noon)
	api := set.Row("api").At(0)
	if api.State(noon) != StateStale || !api.ObservedAt.Equal(last) {
		t.Errorf("excepted record is %s, observed %s; want stale since %s", api.State(noon), api.ObservedAt, last)
	}
	if api.SourceDown(noon) {
		t.Error("the source answered and counts as down")
	}
	if !api.SourceDown(noon.Add(time.Hour)) {
		t.Error("a source that has not answered for an hour counts as healthy")
	}
	web := set.Row("web").At(0)
	if why := web.Why(noon); why != MissingNaN {
		t.Errorf("reason %q, want nan", why)
	}
}

func TestMissingEvidenceSaysWhy(t *testing.T) {
	f := facts(t, Definition{Name: "x.count", Kind: KindInt}, Definition{Name: "y.count", Kind: KindInt},
		Definition{Name: "z.count", Kind: KindInt})
	l := NewLedger()
	ps := providers("x.count", "s/1")
	ps = append(ps, Provider{ID: "s/2", Facts: []string{"z.count"}, Answers: func(string, string) bool { return false }})
	row := l.Assemble(f, ps, noon).Row("api")
	for i, want := range []Missing{MissingNotCollected, MissingNoSource, MissingNoReference} {
		o := row.At(i)
		if got := o.Why(noon); got != want {
			t.Errorf("%s is missing for %q, want %q", f.At(i).Name, got, want)
		}
	}
}

func TestAWithdrawnRecordDoesNotCountAnyMore(t *testing.T) {
	f := facts(t, Definition{Name: "x.count", Kind: KindInt})
	l := NewLedger()
	l.Put(Record{Service: "api", Fact: "x.count", Source: "s/1", Value: Int(3)}, time.Time{})
	l.Cover("s/1", Coverage{Group: "g", Facts: []string{"x.count"}, At: noon})
	l.Withdraw("api", "x.count", "s/1", MissingNotFound)
	o := l.Assemble(f, providers("x.count", "s/1"), noon).Row("api").At(0)
	if o.State(noon) != StateMissing || o.Why(noon) != MissingNotFound {
		t.Errorf("the record is %s for %q", o.State(noon), o.Why(noon))
	}
}

func TestMergeOverSources(t *testing.T) {
	age := func(hours int) Value { return Instant(noon.Add(-time.Duration(hours) * time.Hour)) }
	for name, c := range map[string]struct {
		definition Definition
		parts      []Value // KindInvalid: that source has not answered
		want       string
		missing    Missing
	}{
		"counts add up":                       {Definition{Kind: KindInt}, []Value{Int(2), Int(3)}, "5", ""},
		"a missing part leaves a sum unknown": {Definition{Kind: KindInt}, []Value{Int(2), {}}, "none", MissingPartial},
		"doubles take the minimum": {Definition{Kind: KindDouble}, []Value{double(t, 0.9), double(t, 0.4)},
			"0.4", ""},
		"one true decides any": {Definition{Kind: KindBool}, []Value{Bool(true), {}}, "true", ""},
		"one false does not decide any": {Definition{Kind: KindBool}, []Value{Bool(false), {}}, "none",
			MissingPartial},
		"one false decides all": {Definition{Kind: KindBool, Merge: MergeAll}, []Value{{}, Bool(false)},
			"false", ""},
		"all true needs everybody": {Definition{Kind: KindBool, Merge: MergeAll},
			[]Value{Bool(true), Bool(true)}, "true", ""},
		"the larger age is the earlier time": {Definition{Kind: KindDouble, Clock: Elapsed, Unit: "hours"},
			[]Value{age(3), age(30)}, "30", ""},
		"never is the largest age": {Definition{Kind: KindDouble, Clock: Elapsed, Unit: "hours"},
			[]Value{age(3), Never()}, "never", ""},
		"min of ages is the latest time": {Definition{Kind: KindDouble, Clock: Elapsed, Unit: "hours",
			Merge: MergeMin}, []Value{age(3), age(30)}, "3", ""},
		"time left: the earliest deadline": {Definition{Kind: KindDouble, Clock: Remaining, Unit: "hours"},
			[]Value{age(-5), age(-9)}, "5", ""},
		"time left: before no deadline": {Definition{Kind: KindDouble, Clock: Remaining, Unit: "hours"},
			[]Value{Never(), age(-5)}, "5", ""},
		"time left: after a deadline that came": {Definition{Kind: KindDouble, Clock: Remaining, Unit: "hours"},
			[]Value{age(-5), double(t, 0)}, "0", ""},
		"time left: none to no deadline": {Definition{Kind: KindDouble, Clock: Remaining, Unit: "hours"},
			[]Value{Never(), double(t, 0), Never()}, "0", ""},
		"never decides which is the oldest": {Definition{Kind: KindDouble, Clock: Elapsed, Unit: "hours"},
			[]Value{{}, Never()}, "never", ""},
		"and not which is the newest": {Definition{Kind: KindDouble, Clock: Elapsed, Unit: "hours",
			Merge: MergeMin}, []Value{{}, Never()}, "none", MissingPartial},
		"no finite number decides": {Definition{Kind: KindDouble, Merge: MergeMax}, []Value{double(t, 1e9), {}},
			"none", MissingPartial},
		"nor does an age": {Definition{Kind: KindDouble, Clock: Elapsed, Unit: "hours"},
			[]Value{age(3000), {}}, "none", MissingPartial},
		"nobody answered: the reason stays so": {Definition{Kind: KindInt}, []Value{{}, {}}, "none", MissingNotCollected},
	} {
		t.Run(name, func(t *testing.T) {
			c.definition.Name = "x.y"
			f := facts(t, c.definition)
			l := NewLedger()
			ids := []string{"s/1", "s/2", "s/3"}[:len(c.parts)]
			for i, v := range c.parts {
				if v.Kind() == KindInvalid {
					continue
				}
				l.Put(Record{Service: "api", Fact: "x.y", Source: ids[i], Value: v}, time.Time{})
				l.Cover(ids[i], Coverage{Group: "g", Facts: []string{"x.y"}, At: noon})
			}
			o := l.Assemble(f, providers("x.y", ids...), noon).Row("api").At(0)
			if got := f.At(0).Read(o.Value, noon).String(); got != c.want {
				t.Errorf("merged to %s, want %s", got, c.want)
			}
			if o.Why(noon) != c.missing {
				t.Errorf("missing for %q, want %q", o.Why(noon), c.missing)
			}
		})
	}
}

// TestReplicasAreOne: they watch the same, and one of them was down for an hour.
func TestReplicasAreOne(t *testing.T) {
	age := func(hours int) Value { return Instant(noon.Add(-time.Duration(hours) * time.Hour)) }
	ages := Definition{Kind: KindDouble, Clock: Elapsed, Unit: "hours"}
	type part struct {
		source string
		value  Value // KindInvalid: covered without a value
		ago    time.Duration
	}
	for name, c := range map[string]struct {
		definition Definition
		parts      []part // a source without one has never answered
		want       string
		missing    Missing
	}{
		"a count is no sum":            {Definition{Kind: KindInt}, []part{{"s/a", Int(3), 0}, {"s/b", Int(3), 0}}, "3", ""},
		"one has seen more":            {Definition{Kind: KindInt}, []part{{"s/a", Int(3), 0}, {"s/b", Int(5), 0}}, "5", ""},
		"one has never answered":       {Definition{Kind: KindInt}, []part{{"s/b", Int(5), 0}}, "5", ""},
		"one answered without a value": {Definition{Kind: KindInt}, []part{{"s/a", Value{}, 0}, {"s/b", Int(5), 0}}, "5", ""},
		"one has been down for an hour": {Definition{Kind: KindInt},
			[]part{{"s/a", Int(7), time.Hour}, {"s/b", Int(5), 0}}, "5", ""},
		"both have been down: the last value": {Definition{Kind: KindInt},
			[]part{{"s/a", Int(7), time.Hour}, {"s/b", Int(5), time.Hour}}, "7", ""},
		"a false is known from one": {Definition{Kind: KindBool}, []part{{"s/a", Bool(false), 0}}, "false", ""},
		"what one saw exists": {Definition{Kind: KindBool},
			[]part{{"s/a", Bool(false), 0}, {"s/b", Bool(true), 0}}, "true", ""},
		"all holds for one":        {Definition{Kind: KindBool, Merge: MergeAll}, []part{{"s/b", Bool(true), 0}}, "true", ""},
		"the newest of two events": {ages, []part{{"s/a", age(3), 0}, {"s/b", age(30), 0}}, "3", ""},
		"one has seen no event":    {ages, []part{{"s/a", Never(), 0}, {"s/b", age(30), 0}}, "30", ""},
		"the worst ratio": {Definition{Kind: KindDouble},
			[]part{{"s/a", double(t, 0.9), 0}, {"s/b", double(t, 0.4), 0}}, "0.4", ""},
		"no one has answered": {Definition{Kind: KindInt}, nil, "none", MissingNotCollected},
		"the reason of the one that answered": {Definition{Kind: KindInt}, []part{{"s/b", Value{}, 0}}, "none",
			MissingNoData},
		"and another server": {Definition{Kind: KindInt},
			[]part{{"s/a", Int(3), 0}, {"s/b", Int(3), 0}, {"s/c", Int(4), 0}}, "7", ""},
		"another server lacks": {Definition{Kind: KindInt, Merge: MergeMax},
			[]part{{"s/a", Int(3), 0}, {"s/c", Value{}, 0}}, "none", MissingPartial},
	} {
		t.Run(name, func(t *testing.T) {
			c.definition.Name = "x.y"
			f := facts(t, c.definition)
			l := NewLedger()
			ps := providers("x.y", "s/a", "s/b")
			ps[0].ReplicaOf, ps[1].ReplicaOf = "s/pair", "s/pair"
			for _, p := range c.parts {
				if p.value.Kind() != KindInvalid {
					l.Put(Record{Service: "api", Fact: "x.y", Source: p.source, Value: p.value}, time.Time{})
				}
				l.Cover(p.source, Coverage{Group: "g", Facts: []string{"x.y"}, At: noon.Add(-p.ago)})
				if p.source == "s/c" {
					ps = append(ps, providers("x.y", "s/c")...)
				}
			}
			o := l.Assemble(f, ps, noon).Row("api").At(0)
			if got := f.At(0).Read(o.Value, noon).String(); got != c.want || o.Why(noon) != c.missing {
				t.Errorf("%s (missing for %q), want %s (%q)", got, o.Why(noon), c.want, c.missing)
			}
		})
	}
}

// TestAGroupOfReplicasIsDownWhenAllAre says when a hold clock stops.
func TestAGroupOfReplicasIsDownWhenAllAre(t *testing.T) {
	f := facts(t, Definition{Name: "x.count", Kind: KindInt})
	l := NewLedger()
	ps := providers("x.count", "s/a", "s/b")
	ps[0].ReplicaOf, ps[1].ReplicaOf = "s/pair", "s/pair"
	for i, ago := range []time.Duration{2 * time.Hour, 0} {
		l.Put(Record{Service: "api", Fact: "x.count", Source: ps[i].ID, Value: Int(3)}, time.Time{})
		l.Cover(ps[i].ID, Coverage{Group: "g", Facts: []string{"x.count"}, At: noon.Add(-ago)})
	}
	o := l.Assemble(f, ps, noon).Row("api").At(0)
	if o.SourceDown(noon) || o.State(noon) != StateFresh || o.Source != "s/b" {
		t.Errorf("one replica answers: %+v", o)
	}
	if !o.SourceDown(noon.Add(time.Hour)) {
		t.Error("no replica has answered for an hour, and the group counts as healthy")
	}
}

func TestAnAgeGrowsWithoutANewRecord(t *testing.T) {
	d := Definition{Name: "x.age_days", Kind: KindDouble, Clock: Elapsed, Unit: "days", Help: "an age"}
	v, ok := d.Observe(2.5, noon)
	if !ok || !v.IsInstant() {
		t.Fatalf("an age was observed as %v", v)
	}
	again, _ := d.Observe(2.5+600.0/86400, noon.Add(10*time.Minute))
	if v != again {
		t.Errorf("the same event is another value ten minutes later: %v, %v", v, again)
	}
	if got := d.Read(v, noon.Add(24*time.Hour)).String(); got != "3.5" {
		t.Errorf("a day later the age is %s, want 3.5", got)
	}
}

func TestNaNIsNotAValue(t *testing.T) {
	d := Definition{Name: "x.ratio", Kind: KindDouble, Help: "a ratio"}
	nan := 0.0
	nan /= nan
	if _, ok := d.Observe(nan, noon); ok {
		t.Error("NaN was taken for a value")
	}
}

func TestAgeing(t *testing.T) {
	const hour = time.Hour
	for name, c := range map[string]struct {
		definition   Definition
		usual        time.Duration
		fresh, valid time.Duration
	}{
		"nothing is said":    {Definition{}, 0, DefaultFreshFor, DefaultValidFor},
		"the schedule":       {Definition{}, 15 * time.Minute, 15 * time.Minute, DefaultValidFor},
		"a monthly schedule": {Definition{}, 90 * 24 * hour, 90 * 24 * hour, 270 * 24 * hour},
		"the definition":     {Definition{FreshFor: hour, ValidFor: 5 * hour}, 6 * hour, hour, 5 * hour},
		"a slow listing of a quick schedule": {Definition{FreshAtLeast: 3 * hour}, 15 * time.Minute, 3 * hour,
			DefaultValidFor},
		"a slow listing of a slower schedule": {Definition{FreshAtLeast: 3 * hour}, 6 * hour, 6 * hour, DefaultValidFor},
		"a slow listing without a schedule":   {Definition{FreshAtLeast: hour / 4}, 0, DefaultFreshFor, DefaultValidFor},
		"never fresher than it is valid": {Definition{FreshAtLeast: 3 * hour, ValidFor: 24 * hour}, 36 * hour,
			24 * hour, 24 * hour},
		"valid for longer than three times fresh": {Definition{FreshAtLeast: 3 * hour, ValidFor: 24 * hour}, 6 * hour,
			6 * hour, 24 * hour},
	} {
		if fresh, valid := c.definition.Ageing(c.usual); fresh != c.fresh || valid != c.valid {
			t.Errorf("%s: fresh for %s and valid for %s, want %s and %s", name, fresh, valid, c.fresh, c.valid)
		}
	}
	d := Definition{Name: "x.y", Kind: KindInt, Help: "a count", FreshAtLeast: 3 * hour}
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
	for _, bad := range []Definition{{FreshAtLeast: 3 * hour, ValidFor: 8 * hour},
		{FreshAtLeast: 3 * hour, FreshFor: hour}} {
		bad.Name, bad.Kind, bad.Help = d.Name, d.Kind, d.Help
		if bad.Validate() == nil {
			t.Errorf("%+v is taken for sound", bad)
		}
	}
}

func TestASlowListingOfASlowScheduleStaysFresh(t *testing.T) {
	f := facts(t, Definition{Name: "x.count", Kind: KindInt, FreshAtLeast: 3 * time.Hour})
	l := NewLedger()
	l.Put(Record{Service: "api", Fact: "x.count", Source: "s/1", Value: Int(3)}, time.Time{})
	l.Cover("s/1", Coverage{Group: "g", Facts: []string{"x.count"}, At: noon})
	for gap, want := range map[time.Duration]time.Duration{5 * time.Minute: 3 * time.Hour, 2 * time.Hour: 6 * time.Hour} {
		ps := providers("x.count", "s/1")
		ps[0].FreshFor = 3 * gap
		o := l.Assemble(f, ps, noon).Row("api").At(0)
		if o.State(noon.Add(want)) != StateFresh || o.State(noon.Add(want+time.Minute)) != StateStale ||
			o.SourceDown(noon.Add(want)) {
			t.Errorf("rounds every %s: fresh until %s, want %s", gap, o.FreshUntil.Sub(noon), want)
		}
	}
}

func TestAMissingReferenceNamesTheCatalogKeys(t *testing.T) {
	facts, err := NewFacts([]Definition{{Name: "a.flag", Kind: KindBool, Help: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	provider := func(id, key string) Provider {
		return Provider{
			ID: id, Facts: []string{"a.flag"}, Answers: func(string, string) bool { return false },
			Lacks: func(string, string) string { return key },
		}
	}
	providers := []Provider{provider("s/1", "kubernetes.workload"), provider("s/2", "jira.project"),
		provider("s/3", "jira.project"), provider("s/4", "")}
	set := NewLedger().Assemble(facts, providers, time.Now())
	got := set.Row("one").At(0)
	if got.Missing != MissingNoReference ||
		!slices.Equal(got.CatalogKeys, []string{"kubernetes.workload", "jira.project"}) {
		t.Errorf("%+v", got)
	}
}

// TestARowIsSmall: a fleet of 10,000 services has more than a million cells.
func TestARowIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(cell{}); size > 64 {
		t.Errorf("a record takes %d bytes in a row, want at most 64", size)
	}
}

// TestASetDoesNotChange: what was known stays so in a set, whatever is recorded later.
func TestASetDoesNotChange(t *testing.T) {
	f := facts(t, Definition{Name: "x.count", Kind: KindInt}, Definition{Name: "y.count", Kind: KindInt})
	l := NewLedger()
	put := func(fact string, n int64) {
		l.Put(Record{Service: "api", Fact: fact, Source: "s/1", Value: Int(n), ObservedAt: noon}, time.Time{})
	}
	put("x.count", 3)
	ps := append(providers("x.count", "s/1"), providers("y.count", "s/1")...)
	before := l.Assemble(f, ps, noon)
	put("y.count", 4)
	put("x.count", 5)
	l.Cover("s/1", Coverage{Group: "g", Facts: []string{"x.count"}, At: noon.Add(time.Hour)})
	after := l.Assemble(f, ps, noon.Add(time.Hour))
	x, y := before.Row("api").At(0), before.Row("api").At(1)
	if x.Value != Int(3) || y.Missing != MissingNotCollected || !x.ObservedAt.Equal(noon) {
		t.Errorf("the set before has %+v and %+v", x, y)
	}
	x, y = after.Row("api").At(0), after.Row("api").At(1)
	if x.Value != Int(5) || y.Value != Int(4) || !x.ObservedAt.Equal(noon.Add(time.Hour)) {
		t.Errorf("the set after has %+v and %+v", x, y)
	}
}
