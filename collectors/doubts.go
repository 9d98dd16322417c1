package collectors

import (
	"fmt"
	"maps"
	"slices"

	"github.com/prodready/collector/evidence"
)

// IncidentDoubts remembers what a source last emitted of whose incidents are not all
// known, so that a round emits it only when it has changed. Its zero value has emitted
// nothing.
type IncidentDoubts struct{ emitted string }

// Send emits the doubts if they are others than before.
func (d *IncidentDoubts) Send(out *Batches, found evidence.Doubts) error {
	doubts := slices.AppendSeq([]evidence.IncidentDoubt{}, maps.Values(found))
	slices.SortFunc(doubts, evidence.IncidentDoubt.Compare)
	text := fmt.Sprint(doubts)
	if text == d.emitted {
		return nil
	}
	if err := out.Send(evidence.Batch{IncidentDoubts: doubts}); err != nil {
		return err
	}
	d.emitted = text
	return nil
}
