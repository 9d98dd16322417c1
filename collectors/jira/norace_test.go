//go:build !race

package jira_test

const raceDetector = false
