package server

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/prodready/collector/badges"
)

// badgePath is where the pictures of badges are: /badge/SERVICE.svg, and
// /badge/SCOPE/NAME.svg for what sums up a team, an org, a tier or the fleet.
const badgePath = "/badge/"

// badgePolicy allows the picture nothing.
const badgePolicy = "default-src 'none'; frame-ancestors 'none'"

// serveBadge answers the badge of a service, or of one of its checks.
func (s *Server) serveBadge(w http.ResponseWriter, r *http.Request) {
	name, extension := splitBadge(r.PathValue("file"))
	check := r.URL.Query().Get("check")
	badge := badges.Unknown(name)
	if current := s.o.Current(); current != nil {
		if check != "" {
			badge = badges.OfCheck(current, name, check)
		} else {
			badge = badges.OfService(current, name)
		}
	}
	s.writeBadge(w, r, badge, extension)
}

// serveGroupBadge answers the badge that sums up a group of services.
func (s *Server) serveGroupBadge(w http.ResponseWriter, r *http.Request) {
	name, extension := splitBadge(r.PathValue("file"))
	scope := badges.Scope(r.PathValue("scope"))
	badge := badges.Unknown(string(scope) + " " + name)
	if current := s.o.Current(); current != nil && slices.Contains(badges.Scopes(), scope) {
		badge = badges.OfGroup(current, scope, name)
	}
	s.writeBadge(w, r, badge, extension)
}

// splitBadge takes the name of a file apart. Names may contain dots.
func splitBadge(file string) (name, extension string) {
	extension = path.Ext(file)
	if extension != ".svg" && extension != ".json" {
		return file, ".svg"
	}
	return strings.TrimSuffix(file, extension), extension
}

// writeBadge answers with status 200 whatever is asked for: the proxies through which code
// hosts show pictures keep an error for days. They ask each time whether a badge has
// changed.
func (s *Server) writeBadge(w http.ResponseWriter, r *http.Request, badge badges.Badge, extension string) {
	body, contentType := badge.SVG(badges.Style(r.URL.Query().Get("style"))), "image/svg+xml; charset=utf-8"
	if extension == ".json" {
		var err error
		if body, err = badge.JSON(); err != nil {
			s.failedToEncode(w, err)
			return
		}
		contentType = jsonType
	}
	w.Header().Set("Content-Security-Policy", badgePolicy)
	writeTagged(w, r, "no-cache", contentType, body)
}

// writeTagged writes a whole answer that a client may keep, and has to ask for again; one
// that has it gets no second copy. With private only the browser of one person keeps it.
func writeTagged(w http.ResponseWriter, r *http.Request, cache, contentType string, body []byte) {
	sum := sha256.Sum256(body)
	tag := fmt.Sprintf(`"%x"`, sum[:8])
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", cache)
	if known := r.Header.Get("If-None-Match"); known == "*" || strings.Contains(known, tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", contentType)
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) //nolint:gosec // names are escaped where the picture is drawn
}
