// Package examples holds programs of hosts of libhappyphonellm, one folder for
// each language, and the tests that build and run them. It has no Go program.
package examples
