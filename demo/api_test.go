package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// theAPIAnswersAsItSays holds answers about the whole company, and errors, to the
// description of the API that the collector serves.
func theAPIAnswersAsItSays(t *testing.T, d *demo) {
	root := "http://" + d.collector.Addr()
	document, err := openapi3.NewLoader().LoadFromData([]byte(page(t, root+"/api/openapi.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	document.Servers = openapi3.Servers{{URL: root}}
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{
		"/api/v1/services", "/api/v1/services?limit=5&sort=-score", "/api/v1/services?below_target=true&tier=1",
		"/api/v1/services?teem=x", "/api/v1/services/nothing-like-it", "/api/v1/services/nothing-like-it/history",
		"/api/v1/incidents", "/api/v1/incidents?class=noisy&window=90d", "/api/v1/incidents?tier=1", "/api/v1/teams",
		"/api/v1/checks", "/api/v1/framework", "/api/v1/effect",
	}
	for _, s := range d.collector.Snapshot().Services {
		at := "/api/v1/services/" + url.PathEscape(s.Entry.Name)
		paths = append(paths, at, at+"/history?since=30d", at+"/gate?badge=gold&module=cicd&module=inc",
			"/api/v1/incidents?service="+url.QueryEscape(s.Entry.Name))
	}
	asked := map[string]bool{}
	for _, path := range paths {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, root+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		route, parameters, err := router.FindRoute(request)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		asked[route.Path] = true
		in := &openapi3filter.RequestValidationInput{Request: request, PathParams: parameters, Route: route}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode < http.StatusBadRequest {
			if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
		out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: response.StatusCode,
			Header: response.Header, Body: response.Body,
			Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true}}
		if err := openapi3filter.ValidateResponse(t.Context(), out); err != nil {
			t.Errorf("%s: %.800s", path, err)
		}
		_ = response.Body.Close()
	}
	for path := range document.Paths.Map() {
		if !asked[path] {
			t.Errorf("%s is not asked for", path)
		}
		if !strings.HasPrefix(path, "/api/v1/") {
			t.Errorf("%s is not below /api/v1/", path)
		}
	}
}
