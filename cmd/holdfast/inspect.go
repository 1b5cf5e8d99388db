package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dr/holdfast/internal/rdb"
	"github.com/holdfast-dr/holdfast/internal/rdb/census"
)

// inspectFlags say what to tell of a file.
type inspectFlags struct {
	level, separator, site string
	prefixes, depth, top   int
}

func newInspect(g *globals) *cobra.Command {
	var f inspectFlags
	cmd := &cobra.Command{
		Use:   "inspect SNAPSHOT|FILE",
		Short: "Show what is in a snapshot of Redis or Valkey",
		Long: `inspect reads an RDB file, of Redis or Valkey, and shows what is in it: keys, elements and
bytes by database and type, the beginnings of names that take the most, the largest keys,
and when keys expire. FILE may be - for standard input; a SNAPSHOT is one in a vault of the
policy file. It takes little memory, however large the file is.

Bytes are those that a key takes in the file, with its name. In the memory of a server it
takes more, as a rule two to four times as much.

The file is proven on the way, as by "holdfast verify". Where it is damaged, what was counted
up to there is shown.

Exit codes: 0 the file was read to its end; 1 it is damaged, or could not be read; 2 wrong
usage.`,
		Example: `  holdfast inspect dump.rdb
  holdfast inspect --prefixes 50 --depth 2 dump.rdb
  holdfast inspect --top 100 --json dump.rdb`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.inspect(cmd.Context(), args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&f.prefixes, "prefixes", 20, "how many prefixes of names to show")
	flags.IntVar(&f.depth, "depth", 1, "how many separators a prefix goes up to")
	flags.StringVar(&f.separator, "separator", ":", "the character that ends a prefix")
	flags.IntVar(&f.top, "top", 10, "how many of the largest keys to show")
	flags.StringVar(&f.site, "site", "", "the site of the snapshot, where several have one of that name")
	flags.StringVar(&f.level, "level", rdb.Deep.String(), "deep, or shallow: about twice as fast, and does not know how many elements small collections have")
	return cmd
}

// mostShown bounds what is kept of a file to be shown.
const mostShown = 1000

func (f inspectFlags) check() (rdb.Level, error) {
	switch {
	case f.prefixes < 0 || f.prefixes > mostShown:
		return 0, usagef("--prefixes %d: want 0 to %d", f.prefixes, mostShown)
	case f.top < 0 || f.top > mostShown:
		return 0, usagef("--top %d: want 0 to %d", f.top, mostShown)
	case f.depth < 1 || f.depth > 16:
		return 0, usagef("--depth %d: want 1 to 16", f.depth)
	case len(f.separator) != 1:
		return 0, usagef("--separator %q: want one character, of one byte", f.separator)
	}
	return levelOf(f.level, rdb.Shallow)
}

func (g *globals) inspect(ctx context.Context, arg string, f inspectFlags) error {
	level, err := f.check()
	if err != nil {
		return err
	}
	sources, err := g.rdbSources(ctx, arg, f.site)
	if err != nil {
		return err
	}
	var found []*inspected
	var failed error
	for _, src := range sources {
		c := census.New(census.Options{
			Now: time.Now(), Separator: f.separator[0], Depth: f.depth, Prefixes: f.prefixes, Top: f.top,
		})
		p := g.read(ctx, src, rdb.Options{Level: level, Largest: -1, OnKey: c.Add})
		if p.err != nil && failed == nil {
			failed = fmt.Errorf("inspect %s: %w", src.name, p.err)
		}
		i := inspectedOf(p, c.Result())
		found = append(found, i)
		if !g.json && (p.err == nil || i.Keys > 0) {
			i.print(g.out)
		}
	}
	if g.json {
		if err := writeJSON(g.out, map[string]any{"files": found}); err != nil {
			return err
		}
	}
	return failed
}

// inspected is what is told of one file.
type inspected struct {
	File string `json:"file"`
	// Whole says that the file was read to its end and is sound.
	Whole     bool            `json:"whole"`
	Error     string          `json:"error,omitempty"`
	Header    rdb.Header      `json:"header"`
	Level     rdb.Level       `json:"level"`
	Bytes     int64           `json:"bytes"`
	Unpacked  int64           `json:"unpacked"`
	Keys      uint64          `json:"keys"`
	Dbs       []rdb.Database  `json:"databases"`
	Encodings []rdb.Share     `json:"encodings"`
	Fields    uint64          `json:"fieldExpiries,omitempty"`
	Slots     slotsUsed       `json:"slots"`
	Aux       []rdb.Aux       `json:"aux"`
	Libraries []rdb.Library   `json:"libraries"`
	Modules   []rdb.ModuleUse `json:"modules"`
	Scripts   int             `json:"scripts,omitempty"`
	census.Result

	by string
}

// slotsUsed is how the keys of database 0 lie, or would lie, in the slots of a cluster.
type slotsUsed struct {
	Used    int      `json:"used"`
	Largest rdb.Slot `json:"largest,omitzero"`
}

func inspectedOf(p *proven, c census.Result) *inspected {
	r := p.report
	i := &inspected{
		File: p.source.name, Whole: p.err == nil, Header: r.Header, Level: r.Level,
		Bytes: r.Bytes, Unpacked: r.Unpacked, Keys: r.Keys,
		Dbs: orEmpty(r.Databases), Encodings: orEmpty(r.Types), Fields: r.FieldExpiries,
		Slots: slotsOf(r.Slots), Aux: orEmpty(r.Aux), Libraries: orEmpty(r.Libraries),
		Modules: orEmpty(r.Modules), Scripts: r.Scripts, Result: c, by: writtenBy(r),
	}
	if p.err != nil {
		i.Error = p.err.Error()
	}
	return i
}

func slotsOf(all []rdb.Slot) slotsUsed {
	u := slotsUsed{Used: len(all)}
	for _, s := range all {
		if s.Bytes > u.Largest.Bytes {
			u.Largest = s
		}
	}
	return u
}

func (i *inspected) print(w io.Writer) {
	upTo := ""
	if !i.Whole {
		upTo = ", up to where it was read"
	}
	fmt.Fprintf(w, "%s holds %s in %s%s. %s.\n", i.File, keysOf(i.Keys), sizeOf(i.Bytes), upTo, i.by)
	fmt.Fprintf(w, "Bytes are those in the file (%s without compression), not those in a server's memory.\n", sizeOf(i.Unpacked))
	i.printTypes(w)
	i.printPrefixes(w)
	i.printKeys(w, "Largest keys by bytes", i.ByBytes)
	i.printKeys(w, "Largest keys by elements", i.ByElements)
	i.printExpiries(w)
	i.printRest(w)
}

// elements writes a number of them; Shallow does not know those of small collections.
func (i *inspected) elements(n uint64) string {
	if i.Level < rdb.Deep {
		return "-"
	}
	return thousands(n)
}
