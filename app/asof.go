package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prodready/collector/evaluation"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// AsOf judges the stored evidence of a service again, as of a time: by the criteria that
// were in force then. notes say what the answer rests on. It collects nothing and writes
// nothing, so it may run beside a daemon. The error of an unknown service is an
// *UnknownNameError.
func AsOf(ctx context.Context, o Options, service string, at time.Time) (*snapshot.Snapshot, []string, error) {
	r, err := openForReading(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	defer r.close()
	entry, err := r.Catalog.Lookup(service)
	if err != nil {
		return nil, nil, &UnknownNameError{err.Error()}
	}
	if now := r.options.Now(); at.After(now) {
		return nil, nil, &InvalidError{fmt.Errorf("--as-of %s is yet to come: it is %s", at.UTC().Format(time.RFC3339),
			now.UTC().Format(time.RFC3339))}
	}
	criteria, notes, err := r.criteriaAt(ctx, entry.Name, at)
	if err != nil {
		return nil, nil, err
	}
	found, err := evaluation.AsOf(ctx, r.store, criteria, entry, at)
	if errors.Is(err, evaluation.ErrOutOfReach) {
		return nil, nil, fmt.Errorf("judging %s as of %s: %w", entry.Name, at.UTC().Format(time.RFC3339), err)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("judging %s again: %w", entry.Name, err)
	}
	notes = append(notes, basisNotes(at, found.CoverageSince, found.SubjectsSince)...)
	return &snapshot.Snapshot{
		At: found.Card.At, Framework: criteria.Framework, Pins: criteria.Pins, NotMeasurable: criteria.NotMeasurable,
		Targets: criteria.Targets, ObserveFor: criteria.ObserveFor,
		Services: []snapshot.Service{{
			Entry: entry, Card: found.Card, Badge: found.Badge, Evidence: found.Row, FlippedAt: found.FlippedAt,
		}},
	}, notes, nil
}

// criteriaAt is the configuration with the criteria that were in force for a service at a
// time. If these cannot be had any more, they are the present ones of the fleet, and a note
// says so.
func (r *reading) criteriaAt(ctx context.Context, service string, at time.Time) (*evaluation.Config, []string, error) {
	changes, err := r.store.CriteriaOf(ctx, service, time.Time{})
	if err != nil {
		return nil, nil, err
	}
	var then *store.FrameworkChange
	for i := range changes {
		if !changes[i].At.After(at) {
			then = &changes[i]
		}
	}
	if then == nil {
		return &r.Config, nil, nil
	}
	other := *r.runtimeConfig
	other.Pins = nil
	if r.Framework.Is(then.Hash) {
		return &other.Config, nil, nil
	}
	title := then.Name + " " + then.Version
	lost := []string{fmt.Sprintf("%s was in force then and cannot be used any more: it is judged by %s.", title,
		r.Framework.Title())}
	stored, known, err := r.store.PastFramework(ctx, then.Hash)
	if err != nil || !known {
		return &other.Config, lost, err
	}
	if !other.restore(stored.Text) {
		return &other.Config, lost, nil
	}
	return &other.Config, []string{fmt.Sprintf("Judged by %s, which was in force then.", title)}, nil
}

// restore makes stored criteria those of the configuration, unless they cannot be compiled
// any more.
func (rc *runtimeConfig) restore(text []byte) bool {
	document, err := framework.Restore(text)
	if err != nil {
		return false
	}
	criteria, err := framework.Compile(document, rc.Facts)
	if err != nil {
		return false
	}
	rc.Document, rc.Framework = document, criteria
	rc.findNotMeasurable()
	return true
}
