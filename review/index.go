package review

import (
	_ "embed" // the page
	"fmt"
	"html/template"
	"io"
)

//go:embed index.html
var indexHTML string

// WriteIndex writes the page that lists reviews by the names of their periods, in the
// order that is given. Its links are to NAME.html, NAME.md and NAME.json beside it.
func WriteIndex(w io.Writer, names []string) error {
	type group struct {
		Title string
		Names []string
	}
	view := struct {
		CSS    template.CSS
		Groups []group
	}{CSS: template.CSS(pageCSS)} //nolint:gosec // it is a part of the program
	for _, kind := range []struct {
		Kind
		title string
	}{{Week, "Weeks"}, {Month, "Months"}, {Quarter, "Quarters"}} {
		g := group{Title: kind.title}
		for _, name := range names {
			if p, err := namedPeriod(name); err == nil && p.Kind == kind.Kind {
				g.Names = append(g.Names, p.Name)
			}
		}
		if len(g.Names) > 0 {
			view.Groups = append(view.Groups, g)
		}
	}
	page, err := template.New("index").Parse(indexHTML)
	if err != nil {
		return fmt.Errorf("reading the list of reviews: %w", err)
	}
	if err := page.Execute(w, view); err != nil {
		return fmt.Errorf("writing the list of reviews: %w", err)
	}
	return nil
}

// IsName reports whether a text is the name of a week, month or quarter, as it is written
// in Period.Name.
func IsName(text string) bool {
	p, err := namedPeriod(text)
	return err == nil && p.Kind != Range && p.Name == text
}
