package main

import (
	"os"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/holdfast-dr/holdfast/internal/rdb/rdbtest"
)

// scriptRDB writes an RDB file: a sample of package rdbtest by its name, cut off, changed,
// or with something behind it.
func scriptRDB(ts *testscript.TestScript, neg bool, args []string) {
	const usage = "usage: rdb NAME FILE [cut=N] [flip=OFFSET] [more=TEXT]"
	if neg || len(args) < 2 {
		ts.Fatalf(usage)
	}
	p := rdbtest.Samples()[args[0]]
	switch {
	case args[0] == "twice":
		p = rdbtest.New("REDIS0011").Raw(254).Len(0).Key(0, "key").Str("a").Key(0, "key").Str("b").End()
	case args[0] == "unproven":
		p = rdbtest.New("REDIS0011").Raw(254).Len(0).Key(0, "key").Str("a").EndUnproven()
	case p == nil:
		ts.Fatalf("there is no sample %q", args[0])
	}
	for _, how := range args[2:] {
		n, err := strconv.Atoi(how[min(len(how), 5):])
		switch how[:min(len(how), 4)] {
		case "cut=":
			n, err = strconv.Atoi(how[4:])
			p = p[:n]
		case "flip":
			p[n] ^= 1
		case "more":
			p, err = append(p, how[5:]...), nil
		default:
			ts.Fatalf(usage)
		}
		ts.Check(err)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), p, 0o600))
}
