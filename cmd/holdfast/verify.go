package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dr/holdfast/internal/rdb"
)

func newVerify(g *globals) *cobra.Command {
	var level, site string
	cmd := &cobra.Command{
		Use:   "verify SNAPSHOT|FILE",
		Short: "Prove that a snapshot of Redis or Valkey is sound",
		Long: `verify reads an RDB file, of Redis or Valkey, from its beginning to its end and says
whether it is what was written and whether a server would take it. FILE may be - for
standard input. No server is needed, and little memory, however large the file is.

Of a SNAPSHOT in a vault of the policy file every file is read, decrypted and unpacked, and
compared with what was written down when it was taken: SHA-256, length, keys, digest.

  --level framing   every length leads to the next one, and the checksum is right
  --level shallow   also counts keys by database
  --level deep      also decodes every value, proves its encoding, and computes a digest
                    of the data, which is the same for the same data however it is stored

Exit codes: 0 the file is sound; 1 it is damaged, or could not be read, and the error says
at which offset and in which key; 2 wrong usage.`,
		Example: `  holdfast verify dump.rdb
  holdfast verify --level framing dump.rdb
  holdfast verify holdfast-orders-gold-20261120t140000z-3f8a1c2b
  zstd -dc dump.rdb.zst | holdfast verify -`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := levelOf(level, rdb.Framing)
			if err != nil {
				return err
			}
			return g.verify(cmd.Context(), args[0], site, l)
		},
	}
	cmd.Flags().StringVar(&level, "level", rdb.Deep.String(), "how closely to look: framing, shallow or deep")
	cmd.Flags().StringVar(&site, "site", "", "the site of the snapshot, where several have one of that name")
	return cmd
}

// verify proves all files that an argument names, and goes on after one that is damaged.
func (g *globals) verify(ctx context.Context, arg, site string, level rdb.Level) error {
	sources, err := g.rdbSources(ctx, arg, site)
	if err != nil {
		return err
	}
	var verdicts []verdict
	var failed error
	for _, src := range sources {
		began := time.Now()
		p := g.read(ctx, src, rdb.Options{Level: level, Largest: -1})
		v := verdictOf(p, time.Since(began))
		verdicts = append(verdicts, v)
		if !g.json {
			v.print(g.out)
		}
		if p.err != nil {
			failed = cmp.Or(failed, fmt.Errorf("verify %s: %w", src.name, p.err))
		}
	}
	if g.json {
		if err := writeJSON(g.out, verified(verdicts)); err != nil {
			return err
		}
	}
	return failed
}

// verdict is what is told of one file.
type verdict struct {
	File string `json:"file"`
	// Sound says that the file is whole and that a server takes it.
	Sound bool `json:"sound"`
	// Error says why not, and Fault where.
	Error    string         `json:"error,omitempty"`
	Fault    *faultPlace    `json:"fault,omitempty"`
	Level    rdb.Level      `json:"level"`
	Header   rdb.Header     `json:"header"`
	Keys     uint64         `json:"keys"`
	Bytes    int64          `json:"bytes"`
	Unpacked int64          `json:"unpacked"`
	Checksum checksums      `json:"checksum"`
	Expires  rdb.Expires    `json:"expires"`
	Dbs      []rdb.Database `json:"databases,omitempty"`
	Digest   rdb.Digest     `json:"digest,omitzero"`
	Flaws    []rdb.Flaw     `json:"flaws"`
	More     int            `json:"moreFlaws,omitempty"`
	Seconds  float64        `json:"seconds"`

	damaged bool
	by      string
}

// faultPlace is where in a file a fault is.
type faultPlace struct {
	Offset int64  `json:"offset"`
	Key    string `json:"key,omitempty"`
	DB     uint64 `json:"db"`
	Type   string `json:"type,omitempty"`
}

// checksums are the one that stands in a file and the one that would have to.
type checksums struct {
	State    string `json:"state"` // good, off, wrong, unread
	Found    string `json:"found,omitempty"`
	Computed string `json:"computed,omitempty"`
}

func (c checksums) String() string {
	switch c.State {
	case "good":
		return c.Found + ", and right"
	case "wrong":
		return c.Found + ", and has to be " + c.Computed
	case "off":
		return "none was written (rdbchecksum no); it would be " + c.Computed
	}
	return "not reached"
}

func verified(all []verdict) any {
	sound := true
	for _, v := range all {
		sound = sound && v.Sound
	}
	return struct {
		Sound bool      `json:"sound"`
		Files []verdict `json:"files"`
	}{sound, orEmpty(all)}
}

func verdictOf(p *proven, took time.Duration) verdict {
	r := p.report
	if p.err == nil && r.Refused > 0 {
		p.err = fmt.Errorf("it is whole, but servers refuse it: %d of what is odd in it is the reason; such files are no server's own, so find out what made it", r.Refused)
	}
	v := verdict{
		File: p.source.name, Sound: p.err == nil, Level: r.Level, Header: r.Header,
		Keys: r.Keys, Bytes: r.Bytes, Unpacked: r.Unpacked, Checksum: checksumsOf(r, p.err),
		Expires: r.Expires, Dbs: r.Databases, Flaws: orEmpty(r.Flaws), More: r.MoreFlaws,
		Seconds: took.Seconds(), damaged: p.damaged(), by: writtenBy(r),
	}
	if p.err != nil {
		v.Error, v.Fault = p.err.Error(), placeOf(p.err)
	} else {
		v.Digest = r.Digest
	}
	return v
}

func checksumsOf(r rdb.Report, err error) checksums {
	hex := func(sum uint64) string { return fmt.Sprintf("%016x", sum) }
	wrong, isWrong := errors.AsType[*rdb.ChecksumError](err)
	switch {
	case isWrong:
		return checksums{"wrong", hex(wrong.Told), hex(wrong.Real)}
	case r.Checksum == rdb.ChecksumUnread:
		return checksums{State: "unread"}
	case r.Checksum == rdb.ChecksumOff:
		return checksums{string(r.Checksum), hex(0), hex(r.Sum)}
	}
	return checksums{string(r.Checksum), hex(r.Sum), hex(r.Sum)}
}

// placeOf gives where a fault is, if its error tells.
func placeOf(err error) *faultPlace {
	if e, ok := errors.AsType[*rdb.FormatError](err); ok {
		return &faultPlace{e.Offset, e.Key, e.DB, e.Type}
	}
	if e, ok := errors.AsType[*rdb.ChecksumError](err); ok {
		return &faultPlace{Offset: e.Offset}
	}
	if e, ok := errors.AsType[*rdb.UnknownTypeError](err); ok {
		return &faultPlace{Offset: e.Offset, Key: e.Key, DB: e.DB}
	}
	if e, ok := errors.AsType[*rdb.LimitError](err); ok {
		return &faultPlace{Offset: e.Offset}
	}
	return nil
}

func (v verdict) print(w io.Writer) {
	what := "sound: " + keysOf(v.Keys) + " in " + sizeOf(v.Bytes)
	switch {
	case v.damaged:
		what = "damaged; up to there it has " + keysOf(v.Keys) + " in " + sizeOf(v.Bytes)
	case !v.Sound:
		what = "not proven; seen of it were " + keysOf(v.Keys) + " in " + sizeOf(v.Bytes)
	}
	fmt.Fprintf(w, "%s is %s.\n\n", v.File, what)
	rows := [][]string{
		{"format", v.by},
		{"looked at", lookedAt(v.Level)},
		{"keys", expiring(v.Keys, v.Expires)},
		{"bytes", fmt.Sprintf("%s, and %s without compression", thousands(uint64(v.Bytes)), thousands(uint64(v.Unpacked)))},
		{"checksum", v.Checksum.String()},
	}
	if !v.Digest.IsZero() {
		rows = append(rows, []string{"digest", v.Digest.String()})
	}
	if v.Bytes >= worthTiming {
		rows = append(rows, []string{"time", speed(v.Bytes, v.Seconds)})
	}
	table(w, rows)
	printFlaws(w, v.Flaws, v.More)
}

func printFlaws(w io.Writer, flaws []rdb.Flaw, more int) {
	if len(flaws) == 0 {
		return
	}
	fmt.Fprintln(w, "\nOdd")
	rows := [][]string{{"BEFORE OFFSET", "WHAT"}}
	for _, f := range flaws {
		rows = append(rows, []string{fmt.Sprint(f.Offset), f.What})
	}
	if more > 0 {
		rows = append(rows, []string{"", fmt.Sprintf("and %d more", more)})
	}
	table(w, rows)
}

func lookedAt(l rdb.Level) string {
	switch l {
	case rdb.Framing:
		return "framing: every length, and the checksum; no value"
	case rdb.Shallow:
		return "shallow: every length, and the checksum, and counted; no value"
	default:
		return "deep: every length, the checksum, every value"
	}
}

// expiring says how many keys there are and how many of them expire.
func expiring(keys uint64, e rdb.Expires) string {
	if e.Keys == 0 {
		return thousands(keys) + ", none of them expiring"
	}
	return fmt.Sprintf("%s, expiring: %s, from %s to %s", thousands(keys), thousands(e.Keys),
		stamp(time.UnixMilli(e.Earliest)), stamp(time.UnixMilli(e.Latest)))
}

// worthTiming is from which size on the time that a file took says something.
const worthTiming = 1e6

// speed says how long it took, and how fast that was.
func speed(bytes int64, seconds float64) string {
	return fmt.Sprintf("%.1f s, %.0f MB/s", seconds, float64(bytes)/seconds/1e6)
}

func keysOf(n uint64) string {
	if n == 1 {
		return "1 key"
	}
	return thousands(n) + " keys"
}
