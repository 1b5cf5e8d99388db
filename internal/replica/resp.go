package replica

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"time"
)

const (
	// inputSize is that of the buffer for replies, and the length of the longest line.
	inputSize = 16 << 10
	// What an ordinary reply may come to; that of CLUSTER NODES for 1,000 nodes has 150 KB.
	replyBytes = 64 << 20
	replyItems = 1 << 20
	replyDepth = 8
)

// conn is a connection to a server, in the older of the two forms of its protocol (RESP2).
// It ends with the context that it was made under.
type conn struct {
	ctx     context.Context //nolint:containedctx // It is the connection's life, not a call's.
	raw     net.Conn        // what lies below TLS
	net     net.Conn
	in      *bufio.Reader
	address string
	patient time.Duration // how long a read may last
	heard   bool          // whether anything has come yet
	release func() bool
}

func newConn(ctx context.Context, raw, secured net.Conn, address string, patient time.Duration) *conn {
	c := &conn{ctx: ctx, raw: raw, net: secured, address: address, patient: patient}
	c.in = bufio.NewReaderSize(timed{c}, inputSize)
	// Closing is the one thing that no deadline set later takes back.
	c.release = context.AfterFunc(ctx, func() { _ = raw.Close() })
	return c
}

// Close leaves no farewell: TLS would wait for the other side to take it.
func (c *conn) Close() error {
	c.release()
	return c.raw.Close()
}

// timed reads from the connection with a deadline for each read.
type timed struct{ c *conn }

func (t timed) Read(p []byte) (int, error) {
	if err := t.c.net.SetReadDeadline(time.Now().Add(t.c.patient)); err != nil {
		return 0, err
	}
	n, err := t.c.net.Read(p)
	t.c.heard = t.c.heard || n > 0
	return n, err
}

// fail makes an error of what went wrong with the connection.
func (c *conn) fail(doing string, err error) error {
	err = broken(c.ctx, c.address, doing, err)
	if e, ok := errors.AsType[*Error](err); ok && e.Reason == CutOff && !c.heard && c.ctx.Err() == nil {
		e.Remedy = "the port may expect TLS, or maxclients be reached: the server's log says why"
		if c.net != c.raw {
			e.Remedy = "it may ask for a certificate and key (tls-auth-clients), or maxclients be reached: the server's log says why"
		}
	}
	return err
}

// reply is what a server answers.
type reply struct {
	kind byte // one of + - : $ *
	text string
	n    int64
	list []reply
	null bool
}

// do sends a command and waits for its reply. An error of the server is an error.
func (c *conn) do(args ...string) (reply, error) {
	if err := c.send(args); err != nil {
		return reply{}, err
	}
	return c.receive(args[0])
}

// send sends commands, all in one piece.
func (c *conn) send(commands ...[]string) error {
	var b []byte
	for _, args := range commands {
		b = append(strconv.AppendInt(append(b, '*'), int64(len(args)), 10), "\r\n"...)
		for _, a := range args {
			b = append(strconv.AppendInt(append(b, '$'), int64(len(a)), 10), "\r\n"...)
			b = append(append(b, a...), "\r\n"...)
		}
	}
	err := c.net.SetWriteDeadline(time.Now().Add(c.patient))
	if err == nil {
		_, err = c.net.Write(b)
	}
	if err != nil {
		// A server that turns us away says so and closes: its word explains more.
		r, said := c.read(&allowance{bytes: inputSize, items: 1}, 0)
		switch {
		case said == nil && r.kind == '-':
			return refusal(c.address, commands[0][0], r.text)
		case alerted(said):
			err = said
		}
		return c.fail(commands[0][0], err)
	}
	return nil
}

// receive reads one reply.
func (c *conn) receive(doing string) (reply, error) {
	r, err := c.read(&allowance{bytes: replyBytes, items: replyItems}, 0)
	if err != nil {
		return reply{}, c.fail(doing, err)
	}
	if r.kind == '-' {
		return r, refusal(c.address, doing, r.text)
	}
	return r, nil
}

// allowance is what is left of what a reply may come to.
type allowance struct {
	bytes int64
	items int64
}

// read reads a reply. What a length says is believed when the bytes are there.
func (c *conn) read(left *allowance, depth int) (reply, error) {
	line, err := c.line()
	if err != nil {
		return reply{}, err
	}
	r := reply{kind: line[0], text: string(line[1:])}
	switch r.kind {
	case '+', '-':
		return r, nil
	case ':', '$', '*':
		if r.n, err = strconv.ParseInt(r.text, 10, 64); err != nil {
			return reply{}, c.strange(line)
		}
	default:
		return reply{}, c.strange(line)
	}
	switch {
	case r.kind == ':':
		return r, nil
	case r.n < -1:
		return reply{}, c.strange(line)
	case r.n == -1:
		r.null = true
		return r, nil
	case r.kind == '$':
		r.text, err = c.bulk(r.n, left)
		return r, err
	}
	if left.items -= r.n; left.items < 0 || depth == replyDepth {
		return reply{}, errTooMuch
	}
	for range r.n {
		item, err := c.read(left, depth+1)
		if err != nil {
			return reply{}, err
		}
		r.list = append(r.list, item)
	}
	return r, nil
}

var errTooMuch = errors.New("the reply is larger than any that was asked for")

// bulk reads a string of n bytes and its line end.
func (c *conn) bulk(n int64, left *allowance) (string, error) {
	if left.bytes -= n; left.bytes < 0 {
		return "", errTooMuch
	}
	var b bytes.Buffer
	if _, err := io.CopyN(&b, c.in, n); err != nil {
		return "", unexpected(err)
	}
	return b.String(), c.lineEnd()
}

// lineEnd reads what follows a string.
func (c *conn) lineEnd() error {
	var end [2]byte
	if _, err := io.ReadFull(c.in, end[:]); err != nil {
		return unexpected(err)
	}
	if end != [2]byte{'\r', '\n'} {
		return c.strange(end[:])
	}
	return nil
}

// line reads one line, without its end. It is never empty, and valid until more is read.
func (c *conn) line() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	switch {
	case len(line) > 0 && line[0] == tlsAlert:
		return nil, c.strange(line)
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, c.strange(line)
	case err != nil:
		return nil, unexpected(err)
	}
	line = bytes.TrimSuffix(line[:len(line)-1], []byte{'\r'})
	if len(line) == 0 {
		return nil, c.strange(line)
	}
	return line, nil
}

// Records of TLS begin with these bytes (RFC 8446, 5.1).
const (
	tlsAlert = 21
	tlsHello = 22
)

// strange is an answer in no form that this protocol has.
func (c *conn) strange(line []byte) error {
	e := &Error{
		Reason: Strange, Address: c.address, Doing: "reading the reply",
		Said: string(line), What: "this is no reply of a Redis or Valkey server", Remedy: "check the address",
	}
	if len(line) > 0 && (line[0] == tlsAlert || line[0] == tlsHello) {
		e.Reason, e.Said, e.What, e.Remedy = Insecure, "", "the port speaks TLS", "turn on TLS for it"
	}
	return e
}

// unexpected makes of an end of the stream one in the middle of something.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
