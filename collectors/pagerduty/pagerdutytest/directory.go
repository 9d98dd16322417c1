package pagerdutytest

import (
	"net/http"
	"slices"
	"strings"
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

// bearers are references to what bears a tag.
func (x *index) bearers(tag, list string) ([]object, *refusal) {
	i := slices.IndexFunc(x.Tags, func(t Tag) bool { return t.ID == tag })
	if i < 0 {
		return nil, &refusal{status: http.StatusNotFound, code: 2100, message: "Not Found"}
	}
	all := []object{}
	if list == "teams" {
		for _, id := range x.Tags[i].Teams {
			all = append(all, reference(id, "team", ""))
		}
		return all, nil
	}
	for _, id := range x.Tags[i].EscalationPolicies {
		all = append(all, reference(id, "escalation_policy", x.policies[id].Name))
	}
	return all, nil
}
