// Package check asks restored stores whether their data is there: with a query, by
// counting keys, or only by knocking at a port. It changes nothing in them.
package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// Clock lets time pass.
type Clock interface {
	// Sleep waits, or returns the context's error when that ends first.
	Sleep(ctx context.Context, d time.Duration) error
}

// Secrets reads what a site keeps secret.
type Secrets interface {
	// Secret gives the text of a secret of Secrets Manager, by its name or ARN.
	Secret(ctx context.Context, site dr.Site, id string) (string, error)
	// Parameter gives the value of a parameter of Parameter Store, decrypted.
	Parameter(ctx context.Context, site dr.Site, name string) (string, error)
}

// Runner makes checks.
type Runner struct {
	// Proxies are the URLs of the SOCKS5 proxies to databases, by the name of their site.
	Proxies map[string]string
	Secrets Secrets
	Clock   Clock
	// Getenv looks up what is in the environment.
	Getenv func(string) (string, bool)
	// Pause is how long to wait before a store is asked again; 0 means 5 s.
	Pause time.Duration
}

// Target is a store that is to be checked.
type Target struct {
	Site     dr.Site
	Endpoint store.Endpoint
	// Settings are those that were captured with the snapshot.
	Settings map[string]string
	// Renamed says that its name was another store's just now. Its address can still
	// lead to that one for a while, so a wrong answer is not the last word.
	Renamed bool
}

func (t Target) engine() string {
	if t.Endpoint.Engine != "" {
		return t.Endpoint.Engine
	}
	return t.Settings["engine"]
}

const (
	defaultPause = 5 * time.Second
	// knock is how long one attempt to connect may take.
	knock = 20 * time.Second
)

// finalError is what asking again does not change.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

func final(err error) error { return finalError{err} }

// wrongError is an answer that is not the one wanted.
type wrongError struct{ found, wanted string }

func (e *wrongError) Error() string { return "found " + e.found + ", wanted " + e.wanted }

// Run checks a store. It waits until the store answers and lets us in, as long as the
// check allows. An answer that is not what is wanted is the end of it.
func (r *Runner) Run(ctx context.Context, c policy.Check, t Target) error {
	if err := fits(c, t); err != nil {
		return fmt.Errorf("%q: %w", subject(c), err)
	}
	who, err := r.login(ctx, c, t)
	if err != nil {
		return fmt.Errorf("%q: %w", subject(c), err)
	}
	limit, cancel := context.WithTimeout(ctx, c.Within)
	defer cancel()
	var why error
	for {
		err := r.ask(limit, c, t, who)
		if why == nil || !late(err) { // That the time is over says less than what was wrong until then.
			why = err
		}
		var wrong *wrongError
		var last finalError
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &wrong) && !t.Renamed, errors.As(err, &last):
			return named(c, t, who, err)
		}
		if r.Clock.Sleep(limit, r.pause()) != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return named(c, t, who, fmt.Errorf("not passed within %s: %w", policy.FormatDuration(c.Within), why))
		}
	}
}

// late reports whether all that an error says is that there was no more time.
func late(err error) bool {
	var timed net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timed) && timed.Timeout()
}

// Ready makes sure that a check can be made of such a store: that it fits, and that
// what it needs to log in can be read.
func (r *Runner) Ready(ctx context.Context, c policy.Check, t Target) error {
	err := fits(c, t)
	if err == nil {
		_, err = r.login(ctx, c, t)
	}
	if err != nil {
		return fmt.Errorf("%q: %w", subject(c), err)
	}
	return nil
}

// subject names a check in an error, without what it wants.
func subject(c policy.Check) string {
	s, _ := strings.CutSuffix(c.String(), ": "+c.Wanted())
	return s
}

func named(c policy.Check, t Target, who login, err error) error {
	as := ""
	if who.user != "" {
		as = " as " + who.user
	}
	return fmt.Errorf("%q at %s%s: %w", subject(c), address(c, t), as, err)
}

func address(c policy.Check, t Target) string {
	port := t.Endpoint.Port
	if c.Port != 0 {
		port = c.Port
	}
	return net.JoinHostPort(t.Endpoint.Host, strconv.Itoa(port))
}

func (r *Runner) pause() time.Duration {
	if r.Pause > 0 {
		return r.Pause
	}
	return defaultPause
}

// fits refuses what cannot be asked of such a store.
func fits(c policy.Check, t Target) error {
	engine := t.engine()
	switch {
	case engine == "" || c.Kind == policy.CheckTCP:
		return nil
	case c.Kind == policy.CheckSQL && languageOf(engine) == none:
		return fmt.Errorf("a store with engine %s takes no query of holdfast's: give it a policy of its own, with another check", engine)
	case c.Kind == policy.CheckKeys && languageOf(engine) != none:
		return fmt.Errorf("a database with engine %s has no keys to count: give it a policy of its own, with sql", engine)
	}
	return nil
}

// ask makes one attempt.
func (r *Runner) ask(ctx context.Context, c policy.Check, t Target, who login) error {
	d, err := r.dialer(c, t)
	if err != nil {
		return final(err)
	}
	switch c.Kind {
	case policy.CheckSQL:
		answer, err := r.query(ctx, c, t, who, d)
		if err == nil && !c.Gives(answer) {
			err = &wrongError{quote(answer), c.Wanted()}
		}
		return err
	case policy.CheckKeys:
		keys, err := countKeys(ctx, c, t, who, d)
		if err == nil && keys < c.Keys {
			err = &wrongError{strconv.FormatInt(keys, 10), c.Wanted()}
		}
		return err
	default:
		conn, err := d.dial(ctx, "tcp", address(c, t))
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

func (r *Runner) query(ctx context.Context, c policy.Check, t Target, who login, d dialer) (string, error) {
	switch languageOf(t.engine()) {
	case postgres:
		return askPostgres(ctx, c, t, who, d)
	case mysql:
		return askMySQL(ctx, c, t, who, d)
	default:
		return "", final(errors.New("nobody says which engine it has"))
	}
}

// quote shows an answer, which may be long.
func quote(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		s = string(r[:most-1]) + "…"
	}
	return strconv.Quote(s)
}

// language is the protocol and dialect that an engine speaks.
type language int

const (
	none language = iota
	postgres
	mysql
)

// languageOf knows engines by the names that AWS gives them.
func languageOf(engine string) language {
	switch {
	case slices.Contains(strings.Fields("postgres aurora-postgresql redshift"), engine):
		return postgres
	case slices.Contains(strings.Fields("mysql mariadb aurora-mysql aurora"), engine):
		return mysql
	default:
		return none
	}
}

// What a query gave instead of one value.
var (
	errNoRow   = errors.New("the query gave no row, wanted one row of one column")
	errRows    = errors.New("the query gave more than one row, wanted one row of one column")
	errNoValue = errors.New("the query gave NULL")
)

func columns(n int) error {
	if n == 1 {
		return nil
	}
	return fmt.Errorf("the query gives %d columns, wanted one row of one column", n)
}
