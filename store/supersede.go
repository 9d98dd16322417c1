package store

import "github.com/prodready/collector/evidence"

// Supersede is the incident that is kept when in arrives where old is stored:
// the later version, with what only the earlier one knew of its log. Commit
// does the same; it is for rounds that store nothing.
func Supersede(in, old evidence.Incident) evidence.Incident {
	if older(in, old) {
		return old
	}
	return keepAcks(in, old)
}
