// Command count reads the output of `go test -json` and reports it for people:
// a line per package, the output of what failed, every test skipped because
// something is missing. It appends one line "passed failed skipped" to a file.
//
// usage: go test -json ... | count SUITE TOTALS
//
// A package that fails without a failed test (it did not build, it crashed)
// counts as one failed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is a line of `go test -json` (see `go doc test2json`).
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

// counter adds up one suite.
type counter struct {
	out                     io.Writer
	passed, failed, skipped int
	output                  map[string][]string // of one test, or of a package ("p "), until it ends
	packageFailed           map[string]bool     // a test of this package failed
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go test -json ... | count SUITE TOTALS")
		os.Exit(2)
	}
	c := count(os.Stdin, os.Stdout)
	fmt.Printf("   %s: %d passed, %d failed, %d skipped\n", os.Args[1], c.passed, c.failed, c.skipped)
	totals, err := os.OpenFile(os.Args[2], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		fmt.Fprintln(totals, c.passed, c.failed, c.skipped)
		err = totals.Close()
	}
	if err != nil {
		fmt.Println("count:", err)
		os.Exit(1)
	}
}

// count reads all of in and reports to out. A run without any test counts as one
// failed.
func count(in io.Reader, out io.Writer) *counter {
	c := &counter{out: out, output: map[string][]string{}, packageFailed: map[string]bool{}}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(out, lines.Text()) // what the go command itself says
			continue
		}
		c.add(e)
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(out, "count: reading the test output:", err)
		c.failed++
	}
	if c.passed+c.failed+c.skipped == 0 {
		fmt.Fprintln(out, "count: no test ran")
		c.failed++
	}
	return c
}

func (c *counter) add(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		c.output[key] = append(c.output[key], e.Output)
	case "build-output":
		fmt.Fprint(c.out, "      ", e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			c.endPackage(e)
		} else {
			c.endTest(e)
		}
		delete(c.output, key)
	}
}

func (c *counter) endTest(e event) {
	output := c.output[e.Package+" "+e.Test]
	switch e.Action {
	case "pass":
		c.passed++
	case "skip":
		c.skipped++
		for _, line := range output {
			if strings.Contains(line, "MISSING") {
				fmt.Fprintf(c.out, "   skip %s %s: %s\n", e.Package, e.Test, strings.TrimSpace(line))
			}
		}
	case "fail":
		c.failed++
		c.packageFailed[e.Package] = true
		fmt.Fprintf(c.out, "   FAIL %s %s\n", e.Package, e.Test)
		for _, line := range output {
			fmt.Fprint(c.out, "      ", line)
		}
	}
}

func (c *counter) endPackage(e event) {
	switch {
	case e.Action == "fail" && !c.packageFailed[e.Package]:
		c.failed++
		fmt.Fprintf(c.out, "   FAIL %s\n", e.Package)
		for _, line := range c.output[e.Package+" "] {
			fmt.Fprint(c.out, "      ", line)
		}
		// A crash leaves the running tests without an end.
		for key, output := range c.output {
			if strings.HasPrefix(key, e.Package+" ") && key != e.Package+" " {
				for _, line := range output {
					fmt.Fprint(c.out, "      ", line)
				}
			}
		}
	case e.Action == "fail":
		fmt.Fprintf(c.out, "   FAIL %s  %.1fs\n", e.Package, e.Elapsed)
	case e.Action == "pass":
		fmt.Fprintf(c.out, "   ok   %s  %.1fs\n", e.Package, e.Elapsed)
	}
}
