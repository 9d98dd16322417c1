package jiratest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxProjects is how many projects a page of Cloud has at most.
const maxProjects = 50

// expandable are the parts of a project that are only rendered when they are asked for.
var expandable = []string{"description", "url"}

// projectList renders the projects in order of their keys, with the parts that expand
// names.
func (x *index) projectList(expand []string) []object {
	list := []object{}
	for n, key := range slices.Sorted(maps.Keys(x.projects)) {
		p := object{"id": strconv.Itoa(10000 + n), "key": key, "name": "Project " + key, "projectTypeKey": "software"}
		if category := x.category[key]; category != "" {
			p["projectCategory"] = object{"id": "10", "name": category, "description": ""}
		}
		for part, texts := range map[string]map[string]string{"description": x.descriptions, "url": x.addresses} {
			if text := texts[key]; text != "" && slices.Contains(expand, part) {
				p[part] = text
			}
		}
		list = append(list, p)
	}
	return list
}

// projectsAtOnce are all projects, as Data Center answers them.
func (s *Server) projectsAtOnce(values url.Values, x *index) (any, *refusal) {
	for name, list := range values {
		if name != "expand" || !areExpandable(list[0]) {
			s.options.Fail("project: " + name + "=" + list[0] + " is not known")
			return nil, invalid(name + " is not valid")
		}
	}
	return x.projectList(strings.Split(values.Get("expand"), ",")), nil
}

func areExpandable(expand string) bool {
	return !slices.ContainsFunc(strings.Split(expand, ","), func(part string) bool {
		return !slices.Contains(expandable, part)
	})
}

// projectPage is a page of projects as Cloud answers it.
func (s *Server) projectPage(values url.Values, x *index) (object, *refusal) {
	start, limit := 0, maxProjects
	for name, list := range values {
		n, err := strconv.Atoi(list[0])
		switch {
		case name == "orderBy" && list[0] == "key":
		case name == "expand" && areExpandable(list[0]):
		case name == "startAt" && err == nil && n >= 0:
			start = n
		case name == "maxResults" && err == nil && n > 0:
			limit = min(limit, n)
		default:
			s.options.Fail("project/search: " + name + "=" + list[0] + " is not known")
			return nil, invalid(name + " is not valid")
		}
	}
	all := x.projectList(strings.Split(values.Get("expand"), ","))
	start = min(start, len(all))
	end := min(start+limit, len(all))
	return object{
		"startAt": start, "maxResults": limit, "total": len(all), "isLast": end == len(all), "values": all[start:end],
	}, nil
}

// componentList renders the components of a project.
func (x *index) componentList(key string) (any, *refusal) {
	if !x.projects[key] {
		return nil, &refusal{status: http.StatusNotFound,
			messages: []string{"No project could be found with key '" + key + "'."}}
	}
	list := []object{}
	for n, name := range slices.Sorted(maps.Keys(x.components[key])) {
		list = append(list, object{"id": strconv.Itoa(10200 + n), "name": name, "project": key})
	}
	return list, nil
}

// fieldList renders the fields of the site.
func (x *index) fieldList() []object {
	list := []object{}
	for _, id := range slices.Sorted(maps.Keys(fieldRenderers)) {
		list = append(list, object{"id": id, "name": id, "custom": false})
	}
	for _, id := range slices.Sorted(maps.Keys(x.fields)) {
		list = append(list, object{"id": id, "name": x.fields[id], "custom": true})
	}
	return list
}

// resolutionList renders the resolutions of the site.
func (x *index) resolutionList() []object {
	list := []object{}
	for n, name := range x.resolutions {
		list = append(list, object{"id": strconv.Itoa(10100 + n), "name": name, "description": "Work is over."})
	}
	return list
}

// linkTypeList renders the types of links of the site.
func (x *index) linkTypeList() object {
	list := []object{}
	for n, t := range x.linkTypes {
		list = append(list, object{"id": strconv.Itoa(10000 + n), "name": t[0], "inward": t[1], "outward": t[2]})
	}
	return object{"issueLinkTypes": list}
}

// types renders the types of the issues.
func (x *index) types() []object {
	names := map[string]bool{"Task": true, "Sub-task": true}
	for _, i := range x.issues {
		names[issueType(i)] = true
	}
	list := []object{}
	for n, name := range slices.Sorted(maps.Keys(names)) {
		list = append(list, object{"id": strconv.Itoa(10100 + n), "name": name, "subtask": name == "Sub-task"})
	}
	return list
}
