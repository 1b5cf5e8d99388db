package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/rdb"
	"github.com/holdfast-dr/holdfast/internal/rdb/census"
)

// share says which part of a whole something is.
func share(n, of int64) string {
	if of <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(n)/float64(of))
}

func (i *inspected) printTypes(w io.Writer) {
	fmt.Fprintln(w, "\nTypes")
	rows := [][]string{{"DATABASE", "TYPE", "KEYS", "ELEMENTS", "BYTES", "SHARE"}}
	for _, db := range i.Dbs {
		for _, k := range db.Kinds {
			rows = append(rows, []string{
				fmt.Sprint(db.DB), k.Kind.String(), thousands(k.Keys), i.elements(k.Elements), sizeOf(k.Bytes), share(k.Bytes, i.Bytes),
			})
		}
	}
	printOr(w, rows, "There are no keys.")
	if len(i.Encodings) == 0 {
		return
	}
	fmt.Fprintln(w, "\nEncodings")
	rows = [][]string{{"ENCODING", "KEYS", "BYTES", "UNPACKED"}}
	largest := slices.SortedFunc(slices.Values(i.Encodings), func(a, b rdb.Share) int { return int(b.Bytes - a.Bytes) })
	for _, e := range largest {
		rows = append(rows, []string{e.Name, thousands(e.Keys), sizeOf(e.Bytes), sizeOf(e.Unpacked)})
	}
	table(w, rows)
}

func (i *inspected) printPrefixes(w io.Writer) {
	fmt.Fprintln(w, "\nPrefixes")
	head := []string{"PREFIX", "KEYS", "BYTES", "SHARE"}
	if !i.Exact {
		head = append(head, "MISSED AT MOST")
	}
	rows := [][]string{head}
	add := func(name string, p census.Prefix) {
		if p.Keys == 0 {
			return
		}
		row := []string{name, thousands(p.Keys), sizeOf(p.Bytes), share(p.Bytes, i.Bytes)}
		if p.Missed > 0 {
			row = append(row, sizeOf(p.Missed))
		}
		rows = append(rows, row)
	}
	for _, p := range i.Prefixes {
		add(p.Name, p)
	}
	add("(all others)", i.Others)
	add("(no separator)", i.Without)
	printOr(w, rows, "There are no keys.")
	if !i.Exact {
		fmt.Fprintln(w, "  There are more prefixes than are counted at the same time. What is counted is sure; a prefix may")
		fmt.Fprintln(w, "  have more, from before it was counted: at most what stands beside it, which (all others) then holds.")
	}
}

func (i *inspected) printKeys(w io.Writer, title string, keys []census.Big) {
	if len(keys) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	rows := [][]string{{"DATABASE", "KEY", "TYPE", "ENCODING", "ELEMENTS", "BYTES", "EXPIRES"}}
	for _, k := range keys {
		expires := "never"
		if k.Expires != 0 {
			expires = stamp(time.UnixMilli(k.Expires))
		}
		elements := i.elements(k.Elements)
		if k.Elements > 0 {
			elements = thousands(k.Elements)
		}
		rows = append(rows, []string{fmt.Sprint(k.DB), k.Name, k.Kind.String(), k.Encoding, elements, sizeOf(k.Bytes), expires})
	}
	table(w, rows)
}

func (i *inspected) printExpiries(w io.Writer) {
	fmt.Fprintln(w, "\nExpiries, from now on")
	rows := [][]string{{"EXPIRE", "KEYS", "BYTES"}}
	for _, e := range i.Expiries {
		if e.Keys > 0 {
			rows = append(rows, []string{e.When, thousands(e.Keys), sizeOf(e.Bytes)})
		}
	}
	printOr(w, rows, "There are no keys.")
	if i.Fields > 0 {
		fmt.Fprintf(w, "  Of hashes, %s fields expire by themselves.\n", thousands(i.Fields))
	}
}

// printRest shows what is no key.
func (i *inspected) printRest(w io.Writer) {
	rows := [][]string{}
	for _, a := range i.Aux {
		rows = append(rows, []string{strings.Trim(strconv.QuoteToASCII(a.Name), `"`), auxText(a)})
	}
	for _, l := range i.Libraries {
		rows = append(rows, []string{"function library", fmt.Sprintf("%q, %s", l.Name, sizeOf(l.Bytes))})
	}
	for _, m := range i.Modules {
		rows = append(rows, []string{"module", fmt.Sprintf("%s version %d, %s uses", m.Name, m.Version, thousands(m.Uses))})
	}
	if i.Scripts > 0 {
		rows = append(rows, []string{"Lua scripts", fmt.Sprint(i.Scripts)})
	}
	if s := i.Slots; s.Used > 0 {
		rows = append(rows, []string{
			"cluster slots", fmt.Sprintf("%s of 16,384 would have keys; the largest is %d, with %s in %s",
				thousands(uint64(s.Used)), s.Largest.Slot, keysOf(s.Largest.Keys), sizeOf(s.Largest.Bytes)),
		})
	}
	if len(rows) > 0 {
		fmt.Fprintln(w, "\nFile")
		table(w, rows)
	}
}

// auxText writes what a file says of itself; ctime is when it was made.
func auxText(a rdb.Aux) string {
	if seconds, err := strconv.ParseInt(a.Value, 10, 64); err == nil && a.Name == "ctime" {
		return stamp(time.Unix(seconds, 0))
	}
	return strconv.QuoteToASCII(a.Value)
}

// printOr writes a table, or a sentence where it would have no rows.
func printOr(w io.Writer, rows [][]string, or string) {
	if len(rows) > 1 {
		table(w, rows)
		return
	}
	fmt.Fprintln(w, "  "+or)
}
