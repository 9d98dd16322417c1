package correlation

import "github.com/prodready/collector/evidence"

// placed are the records without those that were merged into one that is not known:
// they are a part of something, and not incidents of their own.
func placed(records []*evidence.Incident) []*evidence.Incident {
	known := make(map[Reference]*evidence.Incident, len(records))
	for _, in := range records {
		known[reference(in)] = in
	}
	var left []*evidence.Incident
	for _, in := range records {
		if whole(in, known) != nil {
			left = append(left, in)
		}
	}
	return left
}

// whole is the incident that a record is a part of, at the end of a chain of merges:
// the record itself if it was not merged, and nil if a target is not known or the
// chain is a circle.
func whole(in *evidence.Incident, known map[Reference]*evidence.Incident) *evidence.Incident {
	for range len(known) + 1 {
		if in == nil || in.MergedInto == "" {
			return in
		}
		in = known[Reference{in.Source, in.MergedInto}]
	}
	return nil
}

// joinMerged joins the records, all of which are placed, to those that they were
// merged into.
func joinMerged(records []*evidence.Incident, sets unionFind) {
	at := make(map[Reference]int, len(records))
	for i, in := range records {
		at[reference(in)] = i
	}
	for i, in := range records {
		if in.MergedInto != "" {
			sets.join(i, at[Reference{in.Source, in.MergedInto}])
		}
	}
}
