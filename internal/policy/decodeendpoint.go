package policy

import (
	"regexp"
	"strings"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// endpointsKey is what the endpoints stand under. (It is the name of a kind of store as
// well, of which only its driver may speak.)
func endpointsKey() string { return strings.ToLower("Redis") }

func (d *decoder) endpoints(n *node) {
	d.named(n, endpointsKey(), endpointsKey()+" endpoint", func(e entry) {
		out := Endpoint{Name: e.key, Pos: e.pos}
		if d.object(e.value, endpointsKey()+" "+clip(e.key), d.endpointFields(&out)) {
			d.judgeEndpoint(e, out)
		}
		d.out.Endpoints = append(d.out.Endpoints, out)
	})
}

func (d *decoder) endpointFields(e *Endpoint) []field {
	return []field{
		{"address", func(n *node) {
			if s := d.address(n, "address"); s != "" {
				e.Addresses = []string{s}
			}
		}},
		{"addresses", func(n *node) { e.Addresses = d.addresses(n) }},
		{"cluster", d.flagInto("cluster", &e.Cluster)},
		{"sentinel", d.textInto("sentinel", "the name of the primary as the Sentinels know it", &e.Sentinel)},
		{"sentinel_user", d.textInto("sentinel_user", "the name of a user", &e.SentinelUser)},
		{"sentinel_password", func(n *node) { e.SentinelPassword = d.password(n) }},
		{"user", d.textInto("user", "the name of a user", &e.User)},
		{"password", func(n *node) { e.Password = d.password(n) }},
		{"tls", func(n *node) { e.TLS = d.endpointTLS(n) }},
		{"replica", func(n *node) { e.Primary = d.replica(n) }},
		{"psync", d.textInto("psync", "what the command PSYNC was renamed to", &e.PSync)},
		{"tags", func(n *node) { e.Tags = d.ownTags(n) }},
		{"vault", func(n *node) { e.Vault = d.endpointVault(n) }},
		{"fuzzy", d.flagInto("fuzzy", &e.Fuzzy)},
		{"forks", d.countInto("forks", &e.Forks)},
	}
}

// judgeEndpoint looks whether the keys of an endpoint go together.
func (d *decoder) judgeEndpoint(e entry, out Endpoint) {
	n, what := e.value, endpointsKey()+" "+clip(e.key)
	both := n.get("addresses")
	switch {
	case both != nil && n.get("address") != nil:
		d.fail(both.pos, "keep addresses", "%s: there is both address and addresses", what)
	case n.lacks("address", "addresses"):
		d.fail(e.pos, "write address: HOST:6379, or addresses: [HOST:6379, …]", "%s: address is missing", what)
	}
	if n.lacks("vault") {
		d.fail(e.pos, "name a site with a vault: that is where its snapshots are kept", "%s: vault is missing", what)
	}
	for _, pair := range [...][2]string{{"user", "password"}, {"sentinel_user", "sentinel_password"}, {"sentinel_password", "sentinel"}} {
		if v := n.get(pair[0]); v != nil && n.get(pair[1]) == nil {
			d.fail(v.pos, "add "+pair[1], "%s: %s goes with %s", what, pair[0], pair[1])
		}
	}
	if v := n.get("cluster"); v != nil && out.Cluster && out.Sentinel != "" {
		d.fail(v.pos, "keep one of them", "%s: a cluster has no Sentinels", what)
	}
}

// addressForm is a host with a port or without; an IPv6 address with a port is in
// brackets.
var addressForm = regexp.MustCompile(`^(\[[0-9A-Fa-f:.]+(%[^\]]+)?\]|[^\s:/\[\]@]+)(:[0-9]{1,5})?$`)

const addressHint = "write HOST:6379, without a scheme and without a password"

// address is not quoted when it is wrong: it may be a URL with a password.
func (d *decoder) address(n *node, what string) string {
	s, ok := d.text(n, what, "the address of a server")
	if ok && !addressForm.MatchString(s) {
		d.fail(n.pos, addressHint, "%s: this is no address of a server", what)
		return ""
	}
	return s
}

func (d *decoder) addresses(n *node) []string {
	var out []string
	if n.shape == list {
		for _, item := range n.items {
			if item.shape == text && item.text != "" && !addressForm.MatchString(item.text) {
				d.fail(item.pos, addressHint, "addresses: this is no address of a server")
				return nil
			}
		}
	}
	for _, w := range d.words(n, "addresses", "addresses of servers") {
		out = append(out, w.text)
	}
	return out
}

// flagInto is a field that is true or false.
func (d *decoder) flagInto(what string, out *bool) func(*node) {
	return func(n *node) {
		if n.shape != text || n.quoted || n.text != "true" && n.text != "false" {
			d.wrong(n, what, "true or false", "")
			return
		}
		*out = n.text == "true"
	}
}

// replica says whether only the primary is asked.
func (d *decoder) replica(n *node) (primary bool) {
	s, ok := d.text(n, "replica", "prefer or never")
	if ok && s != "prefer" && s != "never" {
		d.fail(n.pos, didYouMean(s, []string{"prefer", "never"}), "replica: expected prefer or never, found %q", clip(s))
	}
	return s == "never"
}

// ownTags reads the tags that an endpoint has.
func (d *decoder) ownTags(n *node) dr.Tags {
	if n.shape != mapping || len(n.entries) == 0 {
		d.wrong(n, "tags", "a mapping from keys to values", "write tags: {backup: gold}")
		return nil
	}
	out := dr.Tags{}
	for _, e := range n.entries {
		switch {
		case e.key == "":
			d.fail(e.pos, "", "tags: a key is empty")
		case e.value.shape != text:
			d.wrong(e.value, "tags", "one value", "")
		default:
			out[e.key] = e.value.text
		}
	}
	return out
}

func (d *decoder) endpointVault(n *node) string {
	name, ok := d.text(n, "vault", "the name of a site")
	if !ok {
		return ""
	}
	if s, ok := d.knownSite(name, n.pos); ok && s.Vault == "" {
		d.fail(n.pos, "name a site that has a vault", "vault: site %s is no vault", clip(name))
	}
	return name
}

// endpointTLS reads off, require or verify, or a mapping with the files.
func (d *decoder) endpointTLS(n *node) EndpointTLS {
	if n.shape != mapping {
		return EndpointTLS{Mode: d.tls(n)}
	}
	t := EndpointTLS{Mode: TLSVerify}
	before := len(d.problems)
	if !d.object(n, "tls", d.endpointTLSFields(&t)) || len(d.problems) > before {
		return t
	}
	switch {
	case (t.Cert == "") != (t.Key == ""):
		d.fail(n.pos, "a certificate is of no use without its key", "tls: there has to be both cert and key, or neither")
	case t.Mode != TLSVerify && t.CA != "":
		d.fail(n.get("ca").pos, "write mode: verify", "tls: ca is for certificates that are verified")
	}
	return t
}

func (d *decoder) endpointTLSFields(t *EndpointTLS) []field {
	return []field{
		{"mode", func(n *node) { t.Mode = d.tls(n) }},
		{"ca", d.textInto("ca", "a file of certificates", &t.CA)},
		{"cert", d.textInto("cert", "a file with our certificate", &t.Cert)},
		{"key", d.textInto("key", "a file with its key", &t.Key)},
		{"server_name", d.textInto("server_name", "the name in the server's certificate", &t.ServerName)},
	}
}

// depotFields are the keys of a site that is a vault.
func (d *decoder) depotFields(o *Depot) []field {
	return []field{
		{"endpoint", func(n *node) {
			o.Endpoint = d.form(n, "endpoint", "a URL", httpForm, "write https://HOST, the address of what speaks S3 there")
		}},
		{"compress", func(n *node) {
			s, ok := d.text(n, "compress", "zstd")
			if ok && s != "zstd" {
				d.fail(n.pos, "write compress: zstd, or leave it out", "compress: expected zstd, found %q", clip(s))
			}
			o.Compress = s
		}},
		{"encrypt_to", func(n *node) { o.EncryptTo = d.recipients(n) }},
		{"identity", func(n *node) { o.Identity = d.password(n) }},
	}
}

var httpForm = regexp.MustCompile(`^https?://[^\s/?#@]+/?$`)

// recipients reads public keys. What is none is not quoted: it may be a private one.
func (d *decoder) recipients(n *node) []string {
	var out []string
	if n.shape == list {
		for _, item := range n.items {
			if item.shape == text && item.text != "" && !strings.HasPrefix(item.text, "age1") && !strings.HasPrefix(item.text, "ssh-") {
				d.fail(item.pos, "write what age-keygen calls the public key", "encrypt_to: this is no public key of age")
				return nil
			}
		}
	}
	for _, w := range d.words(n, "encrypt_to", "public keys of age") {
		out = append(out, w.text)
	}
	return out
}

// checkVault looks whether the keys of a site that is a vault, or is none, go together.
func (d *decoder) checkVault(s Site, e entry) {
	onlyVault := [...]string{"endpoint", "compress", "encrypt_to", "identity"}
	if e.value.get("vault") == nil {
		for _, key := range onlyVault {
			if v := e.value.get(key); v != nil {
				d.fail(v.pos, "leave it out", "site %s: %s is for sites with a vault", clip(s.Name), key)
			}
		}
		return
	}
	for _, key := range [...]string{"account", "external_id", "bucket", "restore", "key"} {
		if v := e.value.get(key); v != nil {
			d.fail(v.pos, "make two sites", "site %s: a vault has no %s", clip(s.Name), key)
		}
	}
	if s.Vault == "" || strings.HasPrefix(s.Vault, "s3://") {
		return
	}
	for _, key := range [...]string{"endpoint", "region", "role", "profile"} {
		if v := e.value.get(key); v != nil {
			d.fail(v.pos, "leave it out", "site %s: only vaults in S3 have %s", clip(s.Name), key)
		}
	}
}
