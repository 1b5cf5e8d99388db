package dr

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Config is a resource's captured configuration: what a restore needs and a
// snapshot does not carry by itself (instance class, parameter group, subnet
// group and the like). It is kept in one canonical encoded string, so that it
// can be compared, costs nothing until it is read, and fits the tags of the
// strictest service.
//
// The encoding is key=value pairs, sorted by key and joined with "+"; any byte
// outside [A-Za-z0-9_.:/-] is written as "@" and two hexadecimal digits. All of
// it lies within the alphabet of RDS tag values: letters, digits, space and
// _ . : / = + - @ (Amazon RDS User Guide, "Tagging Amazon RDS resources").
type Config string

// MaxConfig is how long, in bytes, an encoded Config may be: 16 tags of 256
// characters, which leaves 34 of a resource's 50 tags to the claim and the user.
const MaxConfig = configTags * maxTagValue

const (
	configTags  = 16
	maxTagValue = 256
	// omitted names the settings that did not fit.
	omitted = "omitted"
	// tagKey begins the names under which a resource's own tags are captured.
	tagKey = "tag."
	// someTags stands, among the settings that did not fit, for the tags: their names
	// may be too many themselves.
	someTags = tagKey + "*"
	// noValue stands for a tag's empty value, since empty settings are left out; no tag's
	// value is the end of a line.
	noValue = "\n"
)

// NewConfig encodes settings. Empty values are left out: to a restore they mean
// the same as none. Where the whole would be longer than MaxConfig the longest
// values are left out and named under the key "omitted", so that a restore can
// say what it does not know.
func NewConfig(settings map[string]string) Config { return fit(maps.Clone(settings), nil) }

// WholeConfig encodes settings or tags for what is kept in no tag: however long, and
// with the empty ones.
func WholeConfig(settings map[string]string) Config { return encodeConfig(settings, nil) }

// With adds settings to a configuration, under the same limit, and names what
// could not be read. What was left out before stays named.
func (c Config) With(more map[string]string, unread ...string) (Config, error) {
	all, err := c.Settings()
	if err != nil {
		return c, err
	}
	var left []string
	if names := all[omitted]; names != "" {
		left = strings.Split(names, ",")
	}
	delete(all, omitted)
	maps.Copy(all, more)
	left = append(left, unread...)
	slices.Sort(left)
	return fit(all, slices.Compact(left)), nil
}

// fit encodes settings, leaving out the longest values until the rest fits.
func fit(kept map[string]string, left []string) Config {
	maps.DeleteFunc(kept, func(_, v string) bool { return v == "" })
	for {
		c := encodeConfig(kept, left)
		if len(c) <= MaxConfig {
			return c
		}
		if len(kept) == 0 { // Even the names are too many: say only that.
			return encodeConfig(nil, []string{fmt.Sprint(len(left))})
		}
		longest := longestKey(kept)
		delete(kept, longest)
		if strings.HasPrefix(longest, tagKey) {
			longest = someTags
		}
		left = append(left, longest)
		slices.Sort(left)
		left = slices.Compact(left)
	}
}

func encodeConfig(settings map[string]string, left []string) Config {
	pairs := make([]string, 0, len(settings)+1)
	for k, v := range settings {
		pairs = append(pairs, escape(k)+"="+escape(v))
	}
	if len(left) > 0 {
		pairs = append(pairs, omitted+"="+escape(strings.Join(left, ",")))
	}
	slices.Sort(pairs)
	return Config(strings.Join(pairs, "+"))
}

// longestKey gives what to leave out first: tags, then settings, of them the longest.
func longestKey(m map[string]string) string {
	best, size := "", 0
	for _, k := range slices.Sorted(maps.Keys(m)) {
		n := len(k) + len(m[k])
		if strings.HasPrefix(k, tagKey) {
			n += MaxConfig
		}
		if best == "" || n > size {
			best, size = k, n
		}
	}
	return best
}

// Captured gives the configuration of a resource as its snapshots are to carry it: with
// its own tags, so that one that is restored where nobody knows of it has them too.
func (r *Resource) Captured() Config {
	tags := map[string]string{}
	for k, v := range r.Tags.Lasting() {
		tags[tagKey+k] = cmp.Or(v, noValue)
	}
	if len(tags) == 0 {
		return r.Config
	}
	all, err := r.Config.With(tags)
	if err != nil {
		return r.Config
	}
	return all
}

// Recall takes a captured configuration apart: the settings, the resource's own tags,
// and the names of what did not fit.
func (c Config) Recall() (settings map[string]string, tags Tags, left []string, err error) {
	settings, err = c.Settings()
	if err != nil {
		return nil, nil, nil, err
	}
	for k, v := range settings {
		if name, ok := strings.CutPrefix(k, tagKey); ok {
			if tags == nil {
				tags = Tags{}
			}
			tags[name] = strings.TrimSuffix(v, noValue)
			delete(settings, k)
		}
	}
	if names := settings[omitted]; names != "" {
		left = strings.Split(names, ",")
		delete(settings, omitted)
	}
	return settings, tags, left, nil
}

// Settings decodes the configuration.
func (c Config) Settings() (map[string]string, error) {
	out := map[string]string{}
	if c == "" {
		return out, nil
	}
	for pair := range strings.SplitSeq(string(c), "+") {
		k, v, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, fmt.Errorf("captured configuration: %q is not key=value", pair)
		}
		key, err := unescape(k)
		if err != nil {
			return nil, fmt.Errorf("captured configuration: key %q: %w", k, err)
		}
		if out[key], err = unescape(v); err != nil {
			return nil, fmt.Errorf("captured configuration: %s: %w", key, err)
		}
	}
	return out, nil
}

// chunks cuts the encoded configuration into tag values.
func (c Config) chunks() []string {
	var out []string
	for s := string(c); s != ""; {
		n := min(len(s), maxTagValue)
		out = append(out, s[:n])
		s = s[n:]
	}
	return out
}

func plain(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' ||
		b == '_' || b == '.' || b == ':' || b == '/' || b == '-'
}

// escape writes every byte that is not plain as @hh.
func escape(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r > 127 || !plain(byte(r)) }) < 0 {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if plain(s[i]) {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, "@%02x", s[i])
		}
	}
	return b.String()
}

func unescape(s string) (string, error) {
	if !strings.Contains(s, "@") {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '@' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", fmt.Errorf("%q ends within an escape", s)
		}
		hi, lo := hexDigit(s[i+1]), hexDigit(s[i+2])
		if hi < 0 || lo < 0 {
			return "", fmt.Errorf("%q has a bad escape %q", s, s[i:i+3])
		}
		b.WriteByte(byte(hi<<4 | lo))
		i += 2
	}
	return b.String(), nil
}

func hexDigit(b byte) int {
	switch {
	case b >= '0' && b <= '9':
		return int(b - '0')
	case b >= 'a' && b <= 'f':
		return int(b-'a') + 10
	default:
		return -1
	}
}
