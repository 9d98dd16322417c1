package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/config"
	"github.com/prodready/collector/review"
	"github.com/prodready/collector/store"
)

const (
	// reviewEvery is how often it is looked whether a review is due: what has failed is
	// tried again then.
	reviewEvery   = 10 * time.Minute
	reviewTimeout = 10 * time.Minute
)

// fileFormats are what a review is written as in the folder, and shown as.
func fileFormats() []review.Format { return []review.Format{review.HTML, review.Markdown, review.JSON} }

// scheduleOf is the schedule of a kind of review, empty for none.
func scheduleOf(c config.Reviews, kind review.Kind) string {
	switch kind {
	case review.Week:
		return c.Week
	case review.Month:
		return c.Month
	case review.Quarter:
		return c.Quarter
	case review.Range:
	}
	return ""
}

// reviewTask makes the reviews that are due.
func (r *reloader) reviewTask(ctx context.Context) {
	rc := r.config()
	if !r.clock.believed() {
		return
	}
	if err := r.makeReviews(ctx, rc); err != nil && ctx.Err() == nil {
		r.log.Error("operational reviews are not complete; it is tried again in 10 minutes", "err", err)
	}
}

// makeReviews makes the reviews that are due, stores them, and writes those that the
// folder lacks.
func (r *reloader) makeReviews(ctx context.Context, rc *runtimeConfig) error {
	stored, err := r.store.OperationalReviews(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, kind := range review.Kinds() {
		due, period, err := dueReview(rc.config.Reviews(), kind, stored, r.options.Now())
		if err == nil && due {
			err = r.makeReview(ctx, rc, period)
		}
		errs = append(errs, err)
	}
	return errors.Join(append(errs, r.writeReviews(ctx, rc.config.Reviews()))...)
}

// dueReview is the last complete period of a kind, and whether its review is due: it is
// not stored, and the first time of the schedule after it has ended is past.
func dueReview(
	c config.Reviews, kind review.Kind, stored []store.OperationalReview, now time.Time,
) (due bool, period review.Period, err error) {
	spec := scheduleOf(c, kind)
	if spec == "" {
		return false, period, nil
	}
	schedule, err := config.ParseSchedule(spec)
	if err != nil {
		return false, period, err
	}
	period = review.LastComplete(kind, now)
	there := slices.ContainsFunc(stored, func(r store.OperationalReview) bool { return r.Name == period.Name })
	at := schedule.Next(period.To.Add(-time.Second))
	return !there && !at.IsZero() && !at.After(now), period, nil
}

// makeReview makes and stores one review, unless nothing is known of its period: a
// program that has just begun has nothing to review.
func (r *reloader) makeReview(ctx context.Context, rc *runtimeConfig, period review.Period) error {
	published := r.judgement()
	if published == nil {
		return nil
	}
	in, err := reviewInput(ctx, r.store, rc, published, period)
	if err != nil {
		return fmt.Errorf("reading the store for the review %s: %w", period.Name, err)
	}
	made := review.New(in)
	if since := made.Known.BadgesSince; since.IsZero() || !since.Before(period.To) {
		r.log.Debug("nothing is known of the period; it is not reviewed", "period", period.Name)
		return nil
	}
	var body bytes.Buffer
	if err := made.Write(&body, review.JSON); err != nil {
		return err
	}
	err = r.store.SaveOperationalReview(ctx, store.OperationalReview{Name: period.Name, Kind: string(period.Kind),
		From: period.From, MadeAt: published.At, Body: body.Bytes()}, rc.config.Reviews().Keep)
	if err != nil {
		return err
	}
	r.log.Info("an operational review was made", "period", period.Name, "readiness", made.Summary.Direction)
	return nil
}

// writeReviews writes the stored reviews that the folder lacks, and deletes those from it
// that are not stored any more. Files that are no reviews stay.
func (r *reloader) writeReviews(ctx context.Context, c config.Reviews) error {
	if c.Folder == "" {
		return nil
	}
	stored, err := r.store.OperationalReviews(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Folder, 0o750); err != nil {
		return fmt.Errorf("reviews.folder: %w", err)
	}
	wanted := map[string]bool{}
	for _, s := range stored {
		for _, format := range fileFormats() {
			wanted[fileName(s.Name, format)] = true
			if err := r.writeReviewFile(ctx, c.Folder, s.Name, format); err != nil {
				return err
			}
		}
	}
	return deleteReviews(c.Folder, wanted)
}

func fileName(name string, format review.Format) string { return name + "." + string(format) }

// writeReviewFile writes one file if it is not there. A reader sees the whole file or
// none.
func (r *reloader) writeReviewFile(ctx context.Context, folder, name string, format review.Format) error {
	place := filepath.Join(folder, fileName(name, format))
	if _, err := os.Lstat(place); err == nil {
		return nil
	}
	body, err := r.reviewAs(ctx, name, format)
	if err != nil || body == nil {
		return err
	}
	temporary, err := os.CreateTemp(folder, ".review-*")
	if err != nil {
		return fmt.Errorf("reviews.folder: %w", err)
	}
	_, err = temporary.Write(body)
	err = errors.Join(err, temporary.Chmod(0o644), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), place)
	}
	if err != nil {
		return fmt.Errorf("reviews.folder: %w", errors.Join(err, os.Remove(temporary.Name())))
	}
	return nil
}

// deleteReviews deletes the files of reviews that are not wanted.
func deleteReviews(folder string, wanted map[string]bool) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("reviews.folder: %w", err)
	}
	for _, entry := range entries {
		name, format := splitFile(entry.Name())
		if name == "" || format == "" || wanted[entry.Name()] || !entry.Type().IsRegular() {
			continue
		}
		if err := os.Remove(filepath.Join(folder, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("reviews.folder: %w", err)
		}
	}
	return nil
}

// splitFile takes the name of a file apart: 2026-W47.html. Both are empty for a name that
// is not that of a review that is made on a schedule.
func splitFile(file string) (name string, format review.Format) {
	name, extension, ok := strings.Cut(file, ".")
	if !ok || !slices.Contains(fileFormats(), review.Format(extension)) || !review.IsName(name) {
		return "", ""
	}
	return name, review.Format(extension)
}

// reviewAs returns the stored review of the name in a format; nil if no review has the name.
func (r *reloader) reviewAs(ctx context.Context, name string, format review.Format) ([]byte, error) {
	stored, err := r.store.OperationalReview(ctx, name)
	if err != nil || stored == nil {
		return nil, err
	}
	parsed, err := review.Parse(stored.Body)
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	if err := parsed.Write(&body, format); err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}

// shownReviews are the reviews as the server shows them.
type shownReviews struct{ *reloader }

// Enabled reports whether reviews are made at all.
func (s shownReviews) Enabled() bool { return s.config().config.Reviews().Wanted() }

// Index is the page that lists them.
func (s shownReviews) Index(ctx context.Context) ([]byte, error) {
	stored, err := s.store.OperationalReviews(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range stored {
		names = append(names, r.Name)
	}
	var page bytes.Buffer
	if err := review.WriteIndex(&page, names); err != nil {
		return nil, err
	}
	return page.Bytes(), nil
}

// File returns the review of a file name. The body is nil if no review has the name.
func (s shownReviews) File(ctx context.Context, file string) (body []byte, contentType string, err error) {
	name, format := splitFile(file)
	if name == "" {
		return nil, "", nil
	}
	body, err = s.reviewAs(ctx, name, format)
	return body, map[review.Format]string{review.HTML: "text/html; charset=utf-8", review.JSON: "application/json",
		review.Markdown: "text/markdown; charset=utf-8"}[format], err
}

// Policy is the content security policy of their pages.
func (shownReviews) Policy() string { return review.ContentSecurityPolicy() }
