package check

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/holdfast-dr/holdfast/internal/policy"
)

// askPostgres puts a query to PostgreSQL or what speaks as it does. The query is sent
// alone, in a transaction that may only read, so that nothing can be smuggled in
// behind it; Redshift knows such transactions too (Amazon Redshift Database Developer
// Guide, "BEGIN").
func askPostgres(ctx context.Context, c policy.Check, t Target, who login, d dialer) (string, error) {
	conn, err := openPostgres(ctx, c, t, who, d)
	if err != nil {
		return "", postgresError(err)
	}
	defer closePostgres(context.WithoutCancel(ctx), conn)
	for _, prepare := range []string{fmt.Sprintf("SET statement_timeout = %d", left(ctx).Milliseconds()), "BEGIN READ ONLY"} {
		if _, err := conn.Exec(ctx, prepare).ReadAll(); err != nil {
			return "", postgresError(err)
		}
	}
	answer, err := onlyPostgresValue(conn.ExecParams(ctx, c.SQL, nil, nil, nil, nil))
	return answer, postgresError(err)
}

func openPostgres(ctx context.Context, c policy.Check, t Target, who login, d dialer) (*pgconn.PgConn, error) {
	if who.user == "" {
		return nil, final(errNoUser)
	}
	cfg, err := pgconn.ParseConfig("host=none sslmode=disable passfile=/dev/null") // The environment says nothing here.
	if err != nil {
		return nil, final(err)
	}
	cfg.Host, cfg.Port = t.Endpoint.Host, uint16(t.Endpoint.Port)
	cfg.User, cfg.Password, cfg.Database = who.user, who.password, postgresDatabase(c, t)
	cfg.TLSConfig, cfg.Fallbacks, cfg.ValidateConnect, cfg.AfterConnect = d.tls, nil, nil, nil
	cfg.RuntimeParams = map[string]string{"application_name": "holdfast"}
	cfg.ConnectTimeout = 3 * knock
	cfg.DialFunc = d.dial
	cfg.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil } // Whoever dials looks it up.
	return pgconn.ConnectConfig(ctx, cfg)
}

// postgresDatabase gives the database to ask: where none was captured, the one that is
// always there.
func postgresDatabase(c policy.Check, t Target) string {
	switch {
	case c.Database != "":
		return c.Database
	case t.Settings["db"] != "":
		return t.Settings["db"]
	default:
		return "postgres"
	}
}

func closePostgres(ctx context.Context, conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = conn.Close(ctx) // What it was to give it has given.
}

// onlyPostgresValue reads no more than it has to: a query may give millions of rows.
func onlyPostgresValue(rows *pgconn.ResultReader) (string, error) {
	if err := columns(len(rows.FieldDescriptions())); err != nil {
		if _, failed := rows.Close(); failed != nil {
			return "", failed
		}
		return "", final(err)
	}
	if !rows.NextRow() {
		if _, err := rows.Close(); err != nil {
			return "", err
		}
		return "", final(errNoRow)
	}
	value := rows.Values()[0]
	answer, null := string(value), value == nil
	if rows.NextRow() {
		return "", final(errRows)
	}
	if _, err := rows.Close(); err != nil {
		return "", err
	}
	if null {
		return "", final(errNoValue)
	}
	return answer, nil
}

// healing are the classes of PostgreSQL's errors that time may heal: connections,
// logging in, too many at once, conflicts, starting and stopping (PostgreSQL
// documentation, appendix A).
const healing = "08 28 40 53 55 57 58"

// timedOut is the code of a statement that took too long, or was cancelled.
const timedOut = "57014"

func postgresError(err error) error {
	var said *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &said):
		brief := fmt.Errorf("%s (SQLSTATE %s)", said.Message, said.Code)
		if said.Code != timedOut && len(said.Code) == 5 && strings.Contains(healing, said.Code[:2]) {
			return brief
		}
		return final(brief)
	case strings.Contains(err.Error(), "server refused TLS connection"):
		return final(errors.New("the server has no TLS: write tls: off if that is meant"))
	}
	return err
}

// left gives how long a statement may take.
func left(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return max(time.Until(end), time.Second)
	}
	return policy.DefaultWithin
}
