// Package doctest holds README and docs to what holdfast really does. It has no
// code, only tests: they parse every policy file that is shown, run every command
// that is shown against the simulated AWS and compare what it prints, follow
// every relative link, and see to it that commands and flags are all described
// and that none is described which does not exist.
//
// A page is one session: one working folder, one environment and at most one
// simulated AWS, from the first block to the last. A block of the language
// "console" holds commands, each on a line that begins with "$ ", and what they
// print, both streams together. Times, hashes and ages are not compared, and a
// line "…" stands for any number of lines. These commands can be run:
//
//	$ holdfast …            also as go run ./cmd/holdfast …
//	$ holdfast sandbox … &  serves it until the page ends
//	$ export NAME=value …
//	$ curl …                with -X and -d, to the simulated AWS only
//
// With --wait, simulated time is made to fly, so that nobody has to wait.
//
// HTML comments on the lines before a block say what else is to be known of it:
//
//	<!-- run: sandbox=small exit=0,4 -->  start with a simulated AWS of this seed
//	                                      (or seed file); what the commands exit
//	                                      with, 0 where nothing is said
//	<!-- run: copy=FILE -->               put that file of the module into the working
//	                                      folder first
//	<!-- norun: why -->                   it is not run
//	<!-- file: holdfast.yaml -->          write it into the working folder
//	<!-- wrong -->                        a policy file that is refused
//	<!-- policy -->                       some lines of one policy
//	<!-- other -->                        YAML of another program
//
// Blocks of the language "yaml" without a mark are policy files, or seeds of the
// simulated AWS where they begin with accounts:.
//
//	go test ./internal/doctest -update
//
// writes what the commands print today into the pages, where it differs.
package doctest
