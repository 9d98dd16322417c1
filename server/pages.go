package server

import (
	"context"
	"net/http"
	"time"

	"github.com/prodready/collector/pages"
)

// storeTimeout bounds how long the store may take for a page or an answer of the API.
const storeTimeout = 10 * time.Second

// pageRoutes registers the pages.
func (s *Server) pageRoutes(route func(method, pattern string, handler http.HandlerFunc)) {
	site := s.o.Pages
	if site == nil {
		return
	}
	named := func(pattern string, page func(ctx context.Context, name string) pages.Answer) {
		route(http.MethodGet, pattern, servePage(func(ctx context.Context, r *http.Request) pages.Answer {
			return page(ctx, r.PathValue("name"))
		}))
	}
	route(http.MethodGet, "/{$}", servePage(func(ctx context.Context, r *http.Request) pages.Answer {
		return site.Fleet(ctx, r.URL.Query())
	}))
	named("/services/{name}", site.Service)
	named("/teams/{name}", site.Team)
	named("/orgs/{name}", site.Org)
	named("/checks/{name}", func(_ context.Context, name string) pages.Answer { return site.Check(name) })
	named("/framework/{name...}", func(_ context.Context, name string) pages.Answer { return site.FrameworkPage(name) })
	route(http.MethodGet, "/favicon.svg", s.serveIcon)
}

// servePage answers with a page, which a browser may keep and asks for again.
func servePage(page func(context.Context, *http.Request) pages.Answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), storeTimeout)
		defer cancel()
		answer := page(ctx, r)
		h := w.Header()
		h.Set("Content-Security-Policy", pages.Policy())
		switch {
		case answer.Redirect != "":
			h.Set("Location", answer.Redirect)
			w.WriteHeader(answer.Status)
		case answer.Status == http.StatusOK:
			writeTagged(w, r, "private, no-cache", htmlType, answer.Body)
		default:
			writeBody(w, answer.Status, htmlType, answer.Body)
		}
	}
}

const htmlType = "text/html; charset=utf-8"

func (s *Server) serveIcon(w http.ResponseWriter, r *http.Request) {
	icon, err := pages.Icon()
	if err != nil {
		s.o.Logger.Error("the icon cannot be read", "err", err)
		plain(w, http.StatusInternalServerError, "the icon cannot be read, see the log")
		return
	}
	writeTagged(w, r, "no-cache", "image/svg+xml", icon)
}
