package file

// Failed is for tests.
var Failed = failed
