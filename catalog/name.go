package catalog

// NameOf makes a name of the catalog of a name for people: lower case, with
// dashes for what names cannot hold. It is empty when nothing is left.
func NameOf(text string) string { return slug(text) }
