//go:build unix

package redisbench

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"testing"
)

// keysPerMB is how many of the keys below make a MB in a file.
const keysPerMB = 4314

// pipeline sends commands without waiting for each answer.
type pipeline struct {
	out *bufio.Writer
	num []byte
}

// fill gives a server so many keys: strings of text, numbers, hashes, lists, sets, sorted
// sets and streams, small and large, a third of which expire. They are the same every time.
func fill(t testing.TB, address string, keys int) {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p := &pipeline{out: bufio.NewWriterSize(c, 1<<20)}
	answers := make(chan error, 1)
	const last = "END OF THE PIPELINE"
	go func() { answers <- readAnswers(bufio.NewReaderSize(c, 1<<20), last) }()
	g := &generator{p: p, rnd: rand.New(rand.NewPCG(1, 2))}
	for i := range keys {
		g.key(i)
	}
	p.do("ECHO", last)
	if err := p.out.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := <-answers; err != nil {
		t.Fatal(err)
	}
}

// readAnswers reads until the last one, and says if one was an error.
func readAnswers(r *bufio.Reader, last string) error {
	for {
		line, err := r.ReadString('\n')
		switch {
		case err != nil:
			return fmt.Errorf("reading answers: %w", err)
		case line[0] == '-':
			return fmt.Errorf("the server says %s", line)
		case strings.TrimSpace(line) == last:
			return nil
		}
	}
}

func (p *pipeline) do(args ...string) {
	p.num = strconv.AppendInt(append(p.num[:0], '*'), int64(len(args)), 10)
	p.out.Write(append(p.num, "\r\n"...))
	for _, a := range args {
		p.num = strconv.AppendInt(append(p.num[:0], '$'), int64(len(a)), 10)
		p.out.Write(append(p.num, "\r\n"...))
		p.out.WriteString(a)
		p.out.WriteString("\r\n")
	}
}

type generator struct {
	p   *pipeline
	rnd *rand.Rand
}

// word gives random letters, which do not compress.
func (g *generator) word(n int) string {
	b := make([]byte, n)
	for i := 0; i < n; {
		for r, j := g.rnd.Uint64(), 0; j < 10 && i < n; i, j, r = i+1, j+1, r>>6 {
			b[i] = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[r&63]
		}
	}
	return string(b)
}

func (g *generator) number(n int) string { return strconv.Itoa(g.rnd.IntN(n)) }

// text gives what compresses to about a half.
func (g *generator) text() string {
	return `{"id":` + g.number(1e9) + `,"name":"` + g.word(12) + `","email":"` + g.word(10) + `@example.com","state":"active","address":{"street":"` +
		g.word(16) + `","city":"` + g.word(8) + `","country":"NO"},"note":"` + g.word(40+g.rnd.IntN(120)) + `","tags":["one","two","three"]}`
}

// many gives an alternation of what two functions give.
func many(head []string, n int, each ...func(i int) string) []string {
	for i := range n {
		for _, f := range each {
			head = append(head, f(i))
		}
	}
	return head
}

func (g *generator) key(i int) {
	id := strconv.Itoa(i)
	p := g.p
	var name string
	switch kind := i % 20; {
	case i%10000 == 9999:
		name = "inventory:" + id
		p.do(many([]string{"HSET", name}, 2000, func(j int) string { return "field:" + strconv.Itoa(j) }, func(int) string { return g.word(24) })...)
	case kind < 9:
		name = "user:" + id
		p.do("SET", name, g.text())
	case kind < 11:
		name = "counter:" + id
		p.do("SET", name, g.number(1<<30))
	case kind < 14:
		name = "session:" + id
		p.do(many([]string{"HSET", name}, 8, func(j int) string { return "attribute" + strconv.Itoa(j) }, func(int) string { return g.word(g.rnd.IntN(48)) })...)
	case kind < 16:
		name = "feed:" + id
		p.do(many([]string{"RPUSH", name}, 12, func(int) string { return g.word(20) })...)
	case kind < 17:
		name = "members:" + id
		p.do(many([]string{"SADD", name}, 10, func(int) string { return "user:" + g.number(1e7) })...)
	case kind < 18:
		name = "ids:" + id
		p.do(many([]string{"SADD", name}, 24, func(int) string { return g.number(1e6) })...)
	case kind < 19:
		name = "rank:" + id
		p.do(many([]string{"ZADD", name}, 12, func(int) string { return g.number(1e5) + ".25" }, func(int) string { return "player:" + g.number(1e7) })...)
	default:
		name = "events:" + id
		for range 3 {
			p.do("XADD", name, "*", "kind", g.word(8), "value", g.number(1e6), "place", g.word(12))
		}
	}
	if i%3 == 0 {
		p.do("PEXPIREAT", name, strconv.Itoa(4000000000000+i))
	}
}
