package policy

import (
	"regexp"
	"strings"
)

func (d *decoder) sites(n *node) {
	d.named(n, "sites", "site", d.site)
}

func (d *decoder) siteFields(s *Site) []field {
	return append([]field{
		{"account", func(n *node) { s.Account = d.account(n) }},
		{"region", func(n *node) { s.Region = d.region(n) }},
		{"role", func(n *node) { s.Role = d.role(n) }},
		{"external_id", d.textInto("external_id", "a text", &s.ExternalID)},
		{"profile", d.textInto("profile", "the name of a profile", &s.Profile)},
		{"key", d.textInto("key", "a KMS key, such as alias/holdfast or its ARN", &s.Key)},
		{"bucket", func(n *node) { s.Bucket = d.bucket(n) }},
		{"restore", func(n *node) { s.Restore = d.translation(n) }},
		{"vault", func(n *node) { s.Vault = d.vault(n) }},
		{"proxy", func(n *node) { s.Proxy = d.proxy(n) }},
	}, d.depotFields(&s.Depot)...)
}

func (d *decoder) site(e entry) {
	s := Site{Pos: e.pos}
	s.Name = e.key
	if d.object(e.value, "site "+clip(e.key), d.siteFields(&s)) {
		d.checkSite(s, e)
	}
	if s.Vault != "" { // A vault is known by its URL alone, wherever it is.
		s.Depot.Region, s.Region = s.Region, ""
	}
	d.out.Sites = append(d.out.Sites, s) // Even a wrong one, so that it is not also unknown.
}

func (d *decoder) checkSite(s Site, e entry) {
	d.checkVault(s, e)
	if e.value.lacks("region", "vault") {
		d.fail(e.pos, "write region: us-east-1, or vault: s3://bucket/folder for stores whose snapshots are files",
			"site %s: region is missing", clip(s.Name))
	}
	d.checkRole(s, e)
	for _, o := range d.out.Sites {
		if samePlace(s, o) {
			d.fail(e.pos, "use one name for it", "site %s is the same place as site %s on line %d", clip(s.Name), clip(o.Name), o.Pos.Line)
		}
	}
}

func (d *decoder) checkRole(s Site, e entry) {
	if role := e.value.get("role"); role != nil && s.Role != "" {
		parts := strings.Split(s.Role, ":")
		switch {
		case len(parts) < 5 && s.Vault != "":
			d.fail(role.pos, "write the role's ARN", "site %s: of a vault no account is known, so a role by name is not enough", clip(s.Name))
		case len(parts) < 5 && s.Account == "" && e.value.get("account") == nil:
			d.fail(role.pos, "add account, or write the role's ARN", "site %s: a role by name needs the account", clip(s.Name))
		case len(parts) >= 5 && s.Account != "" && parts[4] != s.Account:
			d.fail(role.pos, "", "site %s: the role is in account %s, the site in %s", clip(s.Name), parts[4], s.Account)
		}
	}
	if id := e.value.get("external_id"); id != nil && e.value.get("role") == nil && s.Vault == "" {
		d.fail(id.pos, "add role", "site %s: external_id is for assuming a role", clip(s.Name))
	}
}

// samePlace reports whether two sites are one account and Region, or one vault.
// Where no account is given, the profile and role stand in for it.
func samePlace(a, b Site) bool {
	if a.Vault != "" || b.Vault != "" {
		return strings.TrimRight(a.Vault, "/") == strings.TrimRight(b.Vault, "/")
	}
	if a.Region == "" || a.Region != b.Region || a.Account != b.Account {
		return false
	}
	return a.Account != "" || a.Profile == b.Profile && a.Role == b.Role
}

var (
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	regionForm  = regexp.MustCompile(`^[a-z]{2,5}(-[a-z]+){1,3}-[0-9]{1,2}$`)
	roleForm    = regexp.MustCompile(`^(arn:aws[a-z-]*:iam::[0-9]{12}:role/)?[A-Za-z0-9_+=,.@/-]{1,512}$`)
	bucketForm  = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	vaultForm   = regexp.MustCompile(`^([a-z][a-z0-9]*://.+|/.+)$`)
)

func (d *decoder) account(n *node) string {
	const hint = `write it in quotes, as in account: "012345678901"; unquoted, YAML may drop zeros`
	if n.shape == text && !n.quoted {
		d.fail(n.pos, hint, "account: expected 12 digits in quotes, found %s without", clip(n.text))
		return ""
	}
	return d.form(n, "account", "12 digits in quotes", accountForm, hint)
}

func (d *decoder) region(n *node) string {
	hint := "Regions are written like us-east-1"
	if n.shape == text && len(n.text) > 4 && regionForm.MatchString(n.text[:len(n.text)-1]) {
		hint = "that is an Availability Zone; the Region is " + n.text[:len(n.text)-1]
	}
	return d.form(n, "region", "an AWS Region", regionForm, hint)
}

func (d *decoder) role(n *node) string {
	return d.form(n, "role", "the name or ARN of an IAM role", roleForm, "write role: holdfast, or arn:aws:iam::…:role/…")
}

func (d *decoder) vault(n *node) string {
	return d.form(n, "vault", "where to keep files", vaultForm, "write s3://bucket/folder, or the absolute path of a directory")
}

// bucket reads the name of an S3 bucket (Amazon S3 User Guide, "General purpose
// bucket naming rules").
func (d *decoder) bucket(n *node) string {
	return d.form(n, "bucket", "the name of an S3 bucket", bucketForm, "write the name alone, without s3:// and folders")
}

// form reads a text that must match a regular expression.
func (d *decoder) form(n *node, what, want string, form *regexp.Regexp, hint string) string {
	s, ok := d.text(n, what, want)
	if !ok {
		return ""
	}
	if !form.MatchString(s) {
		d.fail(n.pos, hint, "%s: expected %s, found %q", what, want, clip(s))
		return ""
	}
	return s
}
