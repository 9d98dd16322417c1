package review

import (
	"encoding/json"
	"fmt"
	"io"
)

// writeJSON writes the review as JSON, indented.
func (r *Review) writeJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return fmt.Errorf("writing the review as JSON: %w", err)
	}
	return nil
}

// Parse reads a review that Marshal or writeJSON has written.
func Parse(data []byte) (*Review, error) {
	var r Review
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("reading a review: %w", err)
	}
	if r.Version != Version {
		return nil, fmt.Errorf("reading a review: it has version %d, this program knows %d", r.Version, Version)
	}
	return &r, nil
}

// Format is what a review is written as. The set is closed.
type Format string

// The formats: a page, Markdown for a wiki, and a post for a chat.
const (
	HTML     Format = "html"
	JSON     Format = "json"
	Markdown Format = "md"
	Short    Format = "short"
)

// Write writes the review in a format.
func (r *Review) Write(w io.Writer, format Format) error {
	switch format {
	case HTML:
		return r.writeHTML(w)
	case JSON:
		return r.writeJSON(w)
	case Markdown:
		return r.writeMarkdown(w)
	case Short:
		return r.writeShort(w)
	}
	return fmt.Errorf("a review cannot be written as %q", string(format))
}
