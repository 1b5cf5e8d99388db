package policy

import (
	"math/big"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxWithin is how long a check may wait: the old store may be without its name
// meanwhile.
const maxWithin = day

const checkHint = "write - sql: …, - tcp: true or - redis: {keys_at_least: …} for each"

// checks reads the checks of a policy.
func (d *decoder) checks(n *node) []Check {
	if n.shape != list {
		d.wrong(n, "checks", "a list", checkHint)
		return nil
	}
	if len(n.items) == 0 {
		d.fail(n.pos, "leave the key out, or write at least one", "checks: the list is empty")
	}
	var out []Check
	for _, item := range n.items {
		c := Check{Within: DefaultWithin, Pos: item.pos}
		before := len(d.problems)
		if d.object(item, "checks", d.checkFields(&c)) && len(d.problems) == before {
			d.judgeCheck(item, c)
		}
		out = append(out, c)
	}
	return out
}

// checkKeys are the keys that say what is asked: one of them has to be there.
// (In one text, since the last is the name of a kind of store as well.)
func checkKeys() []string { return strings.Fields("sql tcp redis") }

func (d *decoder) checkFields(c *Check) []field {
	ask := checkKeys()
	return []field{
		{ask[0], func(n *node) {
			c.Kind = CheckSQL
			c.SQL, _ = d.text(n, ask[0], "a query that gives one row of one column")
		}},
		{ask[1], func(n *node) { c.Kind = CheckTCP; c.Port = d.port(n) }},
		{ask[2], func(n *node) { c.Kind = CheckKeys; d.object(n, ask[2], d.keysFields(c)) }},
		{"expect", d.textInto("expect", "what the query is to give", &c.Expect)},
		{"at_least", func(n *node) { c.AtLeast = d.bound(n, "at_least") }},
		{"at_most", func(n *node) { c.AtMost = d.bound(n, "at_most") }},
		{"database", d.textInto("database", "the name of a database", &c.Database)},
		{"user", d.textInto("user", "the name of a user", &c.User)},
		{"password", func(n *node) { c.Password = d.password(n) }},
		{"tls", func(n *node) { c.TLS = d.tls(n) }},
		{"ca", d.textInto("ca", "a file of certificates", &c.CA)},
		{"within", func(n *node) { c.Within = d.within(n) }},
	}
}

func (d *decoder) keysFields(c *Check) []field {
	var database int
	return []field{
		{"keys_at_least", func(n *node) { c.Keys = d.keysAtLeast(n) }},
		{"database", func(n *node) {
			d.countInto("database", &database)(n)
			c.Database = strconv.Itoa(database)
		}},
	}
}

// keysAtLeast reads a number that can be larger than any count.
func (d *decoder) keysAtLeast(n *node) int64 {
	v, err := strconv.ParseInt(n.text, 10, 64)
	if n.shape != text || n.kind != "a number" || err != nil || v < 0 {
		d.fail(n.pos, "", "keys_at_least: expected a whole number, found %s", clip(orText(n.text, n.describe())))
	}
	return v
}

// judgeCheck looks whether the keys of a check go together.
func (d *decoder) judgeCheck(n *node, c Check) {
	asked := 0
	for _, key := range checkKeys() {
		if n.get(key) != nil {
			asked++
		}
	}
	switch {
	case asked == 0:
		d.fail(n.pos, checkHint, "checks: it does not say what to check")
		return
	case asked > 1:
		d.fail(n.pos, "make a check of each", "checks: more than one of %s", strings.Join(checkKeys(), ", "))
		return
	}
	switch c.Kind {
	case CheckSQL:
		d.judgeQuery(n, c)
	case CheckTCP:
		d.noneOf(n, "a check of a port", "expect", "at_least", "at_most", "database", "user", "password", "tls", "ca")
	case CheckKeys:
		d.noneOf(n, "a check of keys", "expect", "at_least", "at_most")
		if k := n.get(checkKeys()[2]); k.get("keys_at_least") == nil {
			d.fail(k.pos, "write keys_at_least: 1000, or check its port alone with tcp: true", "keys_at_least is missing")
		}
		if db := n.get("database"); db != nil {
			d.fail(db.pos, "write it beside keys_at_least", "checks: here the database stands inside")
		}
	}
	if ca := n.get("ca"); ca != nil && c.TLS != TLSVerify {
		d.fail(ca.pos, "add tls: verify", "checks: ca is for certificates that are verified")
	}
}

func (d *decoder) judgeQuery(n *node, c Check) {
	least, most := parseNumber(c.AtLeast), parseNumber(c.AtMost)
	switch {
	case c.Expect == "" && c.AtLeast == "" && c.AtMost == "":
		d.fail(n.pos, `write expect: "4711", at_least: 1000 or at_most: 10`, "checks: it does not say what the query is to give")
	case c.Expect != "" && (c.AtLeast != "" || c.AtMost != ""):
		d.fail(n.pos, "keep expect, or the bounds", "checks: there is both expect and a bound")
	case least != nil && most != nil && least.Cmp(most) > 0:
		d.fail(n.pos, "exchange them", "checks: at_least: %s is above at_most: %s", c.AtLeast, c.AtMost)
	}
	if strings.TrimSpace(c.SQL) == "" {
		d.fail(n.pos, "", "checks: the query is empty")
	}
}

func (d *decoder) noneOf(n *node, what string, keys ...string) {
	for _, key := range keys {
		if v := n.get(key); v != nil {
			d.fail(v.pos, "leave it out", "checks: %s has no %s", what, key)
		}
	}
}

func (d *decoder) port(n *node) int {
	if n.shape == text && n.text == "true" && !n.quoted {
		return 0
	}
	v := 0
	if n.shape == text && n.kind == "a number" {
		v, _ = strconv.Atoi(n.text)
	}
	if v < 1 || v > 65535 {
		d.fail(n.pos, "write tcp: true for the port of the store, or tcp: 5432", "tcp: expected true or a port, found %s", clip(orText(n.text, n.describe())))
	}
	return v
}

func orText(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (d *decoder) bound(n *node, what string) string {
	s, ok := d.text(n, what, "a number")
	if !ok {
		return ""
	}
	if parseNumber(s) == nil {
		d.fail(n.pos, "", "%s: expected a number, found %q", what, clip(s))
		return ""
	}
	return s
}

// numberForm is what a number looks like; of anything longer an exponent could make
// more digits than fit into memory.
var numberForm = regexp.MustCompile(`^[+-]?[0-9]{1,60}(\.[0-9]{1,60})?([eE][+-]?[0-9]{1,3})?$`)

// parseNumber reads a number exactly; nil where it is none.
func parseNumber(s string) *big.Rat {
	if !numberForm.MatchString(s) {
		return nil
	}
	v, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil
	}
	return v
}

// Gives judges the answer to a query.
func (c Check) Gives(answer string) bool {
	found := parseNumber(strings.TrimSpace(answer))
	if c.Expect != "" {
		want := parseNumber(c.Expect)
		return answer == c.Expect || found != nil && want != nil && found.Cmp(want) == 0
	}
	least, most := parseNumber(c.AtLeast), parseNumber(c.AtMost)
	return found != nil && (least == nil || found.Cmp(least) >= 0) && (most == nil || found.Cmp(most) <= 0)
}

func (d *decoder) within(n *node) time.Duration {
	v := d.duration(n, "within")
	if v > maxWithin {
		d.fail(n.pos, "", "within: %s is more than the %s that a check may take", FormatDuration(v), FormatDuration(maxWithin))
	}
	return v
}

func (d *decoder) tls(n *node) TLS {
	s, ok := d.text(n, "tls", "verify, require or off")
	if !ok {
		return ""
	}
	switch t := TLS(s); t {
	case TLSVerify, TLSRequire, TLSOff:
		return t
	}
	d.fail(n.pos, didYouMean(s, []string{string(TLSVerify), string(TLSRequire), string(TLSOff)}), "tls: expected verify, require or off, found %q", clip(s))
	return ""
}

const whereHint = "write {env: NAME}, {file: PATH}, {secret: NAME} or {parameter: NAME}"

// password reads where a password is found. What stands there instead is not quoted:
// it may be one.
func (d *decoder) password(n *node) Password {
	var p Password
	if n.shape != mapping {
		d.fail(n.pos, whereHint, "password: a policy file says where the password is found, not what it is")
		return p
	}
	if !d.object(n, "password", d.passwordFields(&p)) {
		return p
	}
	sources := len(n.entries)
	if key := n.get("key"); key != nil {
		sources--
		if n.get("secret") == nil {
			d.fail(key.pos, "", "password: key is for secrets that are JSON objects")
		}
	}
	if sources != 1 && p.Name != "" || len(n.entries) == 0 {
		d.fail(n.pos, whereHint, "password: expected exactly one place")
	}
	return p
}

var envForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (d *decoder) passwordFields(p *Password) []field {
	from := func(f PasswordFrom) func(*node) {
		return func(n *node) {
			if s, ok := d.text(n, string(f), "a name"); ok {
				p.From, p.Name = f, s
			}
		}
	}
	return []field{
		{"env", func(n *node) {
			from(FromEnv)(n)
			if p.From == FromEnv && !envForm.MatchString(p.Name) {
				d.fail(n.pos, "write the name of a variable, not the password itself", "env: this is no name of an environment variable")
			}
		}},
		{"file", from(FromFile)},
		{"secret", from(FromSecret)},
		{"parameter", from(FromParameter)},
		{"key", d.textInto("key", "a key of the secret", &p.Key)},
	}
}

// proxy reads how the databases of a site are reached. It is not quoted: it may hold
// a password.
func (d *decoder) proxy(n *node) string {
	s, ok := d.text(n, "proxy", "a URL")
	if !ok {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "socks5" || u.Hostname() == "" || u.Port() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		d.fail(n.pos, "write socks5://HOST:PORT, as for ssh -D", "proxy: this is no URL of a SOCKS5 proxy")
		return ""
	}
	return s
}
