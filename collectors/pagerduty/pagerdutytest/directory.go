package pagerdutytest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Team is a group of people that owns services and policies.
type Team struct{ ID, Name string }

// Tag is a label on teams and escalation policies. Services bear none.
type Tag struct {
	ID, Label string
	// Teams and EscalationPolicies are the ids of what bears it.
	Teams, EscalationPolicies []string
}

// callOf is the method and the path of a request, with {id} for the id of a
// tag, which it returns too.
func callOf(r *http.Request) (call, id string) {
	parts := strings.Split(r.URL.Path, "/")
	if len(parts) == 4 && parts[1] == "tags" {
		id, parts[2] = parts[2], "{id}"
	}
	return r.Method + " " + strings.Join(parts, "/"), id
}

func (x *index) team(id string) object {
	for _, t := range x.Teams {
		if t.ID == id {
			return object{"id": id, "type": "team", "name": t.Name, "summary": t.Name, "description": nil}
		}
	}
	return reference(id, "team", "")
}

func (x *index) teams(ids []string, expand bool) []object {
	list := []object{}
	for _, id := range ids {
		team := x.team(id)
		if name, ok := team["name"].(string); ok && !expand {
			team = reference(id, "team", name)
		}
		list = append(list, team)
	}
	return list
}

// tagsLike are the tags whose label has the text in it.
func (x *index) tagsLike(text string) []Tag {
	return slices.DeleteFunc(slices.Clone(x.Tags), func(t Tag) bool {
		return !strings.Contains(strings.ToLower(t.Label), strings.ToLower(text))
	})
}

func tag(t Tag) object {
	return object{"id": t.ID, "type": "tag", "label": t.Label, "summary": t.Label}
}

// tagged answers with references to what has the tag of the query.
func tagged(list func(*index, Tag) []object) func(*Server, query, *index, time.Time) (records, *refusal) {
	return func(_ *Server, q query, x *index, _ time.Time) (records, *refusal) {
		i := slices.IndexFunc(x.Tags, func(t Tag) bool { return t.ID == q.id })
		if i < 0 {
			return records{}, &refusal{status: http.StatusNotFound, code: 2100, message: "Not Found"}
		}
		return recordsOf(list(x, x.Tags[i]), func(o object) object { return o }), nil
	}
}

func taggedTeams(_ *index, t Tag) []object {
	var list []object
	for _, id := range t.Teams {
		list = append(list, reference(id, "team", ""))
	}
	return list
}

func taggedPolicies(x *index, t Tag) []object {
	var list []object
	for _, id := range t.EscalationPolicies {
		list = append(list, reference(id, "escalation_policy", x.policies[id].Name))
	}
	return list
}

// servicesLike are the services whose name is that of the query, or has its text
// in it.
func (x *index) servicesLike(q query) []Service {
	name, part := q.values.Get("name"), strings.ToLower(q.values.Get("query"))
	if name == "" && part == "" {
		return x.Services
	}
	return slices.DeleteFunc(slices.Clone(x.Services), func(v Service) bool {
		return name != "" && v.Name != name || !strings.Contains(strings.ToLower(v.Name), part)
	})
}
