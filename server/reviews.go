package server

import (
	"context"
	"net/http"
	"time"
)

// Reviews are the operational reviews that were made. Its methods are safe for
// concurrent use.
type Reviews interface {
	// Enabled reports whether reviews are made at all; if not there is no /reviews/.
	Enabled() bool
	// Index is the page that lists them.
	Index(ctx context.Context) ([]byte, error)
	// File returns the review of a file name, such as 2026-W47.html, with its
	// media type; the body is nil if no review has the name.
	File(ctx context.Context, file string) (body []byte, contentType string, err error)
	// Policy is the content security policy of their pages.
	Policy() string
}

const (
	reviewsPath = "/reviews/"
	// reviewsTimeout bounds how long the store may take.
	reviewsTimeout = 10 * time.Second
)

// reviewsEnabled reports whether there is /reviews/.
func (s *Server) reviewsEnabled() bool { return s.o.Reviews != nil && s.o.Reviews.Enabled() }

// ifReviews answers as if the path did not exist while no reviews are made.
func (s *Server) ifReviews(handler http.HandlerFunc) http.Handler {
	get := allow(http.MethodGet, handler)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.reviewsEnabled() {
			get.ServeHTTP(w, r)
		} else {
			s.serveNotFound(w, r)
		}
	})
}

// serveReviews lists the operational reviews.
func (s *Server) serveReviews(w http.ResponseWriter, r *http.Request) {
	s.serveReview(w, r, func(ctx context.Context) ([]byte, string, error) {
		page, err := s.o.Reviews.Index(ctx)
		return page, "text/html; charset=utf-8", err
	})
}

// serveReviewFile shows one of them. Names are looked up among those that are stored, and
// are no places of files.
func (s *Server) serveReviewFile(w http.ResponseWriter, r *http.Request) {
	s.serveReview(w, r, func(ctx context.Context) ([]byte, string, error) {
		return s.o.Reviews.File(ctx, r.PathValue("file"))
	})
}

func (s *Server) serveReview(
	w http.ResponseWriter, r *http.Request, get func(ctx context.Context) ([]byte, string, error),
) {
	ctx, cancel := context.WithTimeout(r.Context(), reviewsTimeout)
	defer cancel()
	body, contentType, err := get(ctx)
	switch {
	case err != nil && r.Context().Err() == nil:
		s.o.Logger.Error("an operational review cannot be shown", "path", r.URL.Path, "err", err)
		plain(w, http.StatusInternalServerError, "the review cannot be shown, see the log")
	case body == nil:
		plain(w, http.StatusNotFound, "there is no such review; "+reviewsPath+" lists those that are kept")
	default:
		w.Header().Set("Content-Security-Policy", s.o.Reviews.Policy())
		writeBody(w, http.StatusOK, contentType, body)
	}
}
