//go:build race

package sourcetest

// raceDetector says that the race detector slows everything down.
const raceDetector = true
