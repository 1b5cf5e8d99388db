package check

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	driver "github.com/go-sql-driver/mysql"

	"github.com/holdfast-dr/holdfast/internal/policy"
)

// askMySQL puts a query to MySQL or MariaDB, in a transaction that may only read.
func askMySQL(ctx context.Context, c policy.Check, t Target, who login, d dialer) (string, error) {
	if who.user == "" {
		return "", final(errNoUser)
	}
	cfg := driver.NewConfig()
	cfg.Net, cfg.Addr = "tcp", address(c, t)
	cfg.User, cfg.Passwd, cfg.DBName = who.user, who.password, c.Database
	if cfg.DBName == "" {
		cfg.DBName = t.Settings["db"]
	}
	cfg.TLS, cfg.DialFunc, cfg.Timeout = d.tls, d.dial, knock
	cfg.Logger = &driver.NopLogger{} // What goes wrong comes back as an error.
	connector, err := driver.NewConnector(cfg)
	if err != nil {
		return "", final(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return "", mysqlError(err)
	}
	defer conn.Close()
	if err := prepareMySQL(ctx, conn); err != nil {
		return "", mysqlError(err)
	}
	answer, err := onlyMySQLValue(ctx, conn, c.SQL)
	return answer, mysqlError(err)
}

// unknownVariable is MySQL's error for a variable that it does not have.
const unknownVariable = 1193

// prepareMySQL bounds how long the query may take, in MariaDB's words or in MySQL's,
// and begins the transaction.
func prepareMySQL(ctx context.Context, conn *sql.Conn) error {
	for _, set := range []string{
		fmt.Sprintf("SET SESSION max_statement_time = %d", int(left(ctx).Seconds())+1),
		fmt.Sprintf("SET SESSION max_execution_time = %d", left(ctx).Milliseconds()),
	} {
		_, err := conn.ExecContext(ctx, set)
		var said *driver.MySQLError
		if err != nil && (!errors.As(err, &said) || said.Number != unknownVariable) {
			return err
		}
	}
	_, err := conn.ExecContext(ctx, "START TRANSACTION READ ONLY")
	return err
}

func onlyMySQLValue(ctx context.Context, conn *sql.Conn, query string) (string, error) {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return "", err
	}
	if err := columns(len(names)); err != nil {
		return "", final(err)
	}
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return "", err
		}
		return "", final(errNoRow)
	}
	var answer sql.NullString
	if err := rows.Scan(&answer); err != nil {
		return "", err
	}
	switch {
	case rows.Next():
		return "", final(errRows)
	case rows.Err() != nil:
		return "", rows.Err()
	case !answer.Valid:
		return "", final(errNoValue)
	}
	return answer.String, nil
}

// passingMySQL are the errors that time may heal: too many connections, access denied,
// shutting down, hosts that are not let in (yet), limits of a user, locks (MySQL Error
// Reference, "Server Error Message Reference").
var passingMySQL = [...]uint16{1040, 1044, 1045, 1053, 1129, 1130, 1203, 1205, 1213, 1226, 1698}

func mysqlError(err error) error {
	var said *driver.MySQLError
	switch {
	case errors.Is(err, driver.ErrNoTLS):
		return final(errors.New("the server has no TLS: write tls: off if that is meant"))
	case errors.As(err, &said) && !slices.Contains(passingMySQL[:], said.Number):
		return final(said)
	}
	return err
}
