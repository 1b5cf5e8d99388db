package policy

import (
	"regexp"
	"slices"
	"strings"
)

// Translation says, by the name of a setting and by what stands there in a captured
// configuration, what is to stand there instead. Any as a setting's name means every
// setting; as what stands there it means whatever it was.
type Translation map[string]map[string]string

// Any stands for every setting, and for every value.
const Any = "*"

// numbered is the number of one of several parts in a setting's name, such as
// "member.2.zone" or "1-key".
var numbered = regexp.MustCompile(`(^|\.)[0-9]+[.-]`)

// Unnumbered gives the name that a setting has of every one of several parts: that of
// "member.2.zone" is "member.zone", that of "1-key" is "key".
func Unnumbered(setting string) string { return numbered.ReplaceAllString(setting, "$1") }

// Of translates the value of a setting, or the elements of a list and of them the
// second word where there are two; ok is false where nothing is said of it. left are
// the elements of which nothing is said.
//
// What is said of the very setting goes before what is said of it in all parts, and
// that before what is said of the same word of other parts and of all settings.
// "Whatever it was" is not carried over between those: a cluster's parameter group is
// none for its members.
func (t Translation) Of(setting, value string) (out string, left []string, ok bool) {
	if to, ok := t.whole(setting, value); ok {
		return to, nil, true
	}
	parts := strings.Split(value, ",")
	inOrder := slices.IsSorted(parts)
	for i, part := range parts {
		to, done := t.element(setting, part)
		if ok = ok || done; !done {
			left = append(left, part)
		}
		parts[i] = to
	}
	if to, said := t.whatever(setting); said && len(left) > 0 {
		return to, nil, true
	}
	if ok && inOrder { // As drivers write lists: in order, and nothing twice.
		slices.Sort(parts)
		parts = slices.Compact(parts)
	}
	return strings.Join(parts, ","), left, ok
}

func (t Translation) element(setting, part string) (string, bool) {
	if to, ok := t.whole(setting, part); ok {
		return to, true
	}
	if feature, what, pair := strings.Cut(part, " "); pair {
		if to, ok := t.whole(setting, what); ok {
			return feature + " " + to, true
		}
	}
	return part, false
}

// whole looks for what is said of exactly this.
func (t Translation) whole(setting, value string) (string, bool) {
	plain := Unnumbered(setting)
	word := plain[strings.LastIndex(plain, ".")+1:]
	for _, name := range [...]string{setting, plain, word, Any} {
		if to, ok := t[name][value]; ok && value != Any {
			return to, true
		}
	}
	return "", false
}

func (t Translation) whatever(setting string) (string, bool) {
	for _, name := range [...]string{setting, Unnumbered(setting)} {
		if to, ok := t[name][Any]; ok {
			return to, true
		}
	}
	return "", false
}

// settingForm is what the settings of captured configurations are called.
var settingForm = regexp.MustCompile(`^(\*|[a-z0-9][a-z0-9.-]{0,63})$`)

// translation reads what stands at a site for what captured configurations name.
func (d *decoder) translation(n *node) Translation {
	const hint = "write one or more, as in restore: {security: {sg-0aaa: sg-0bbb}}"
	if n.shape != mapping || len(n.entries) == 0 {
		d.wrong(n, "restore", "a mapping from settings to what stands for their values here", hint)
		return nil
	}
	t := Translation{}
	for _, e := range n.entries {
		if !settingForm.MatchString(e.key) {
			d.fail(e.pos, "settings are written like subnets or monitor-role; \"*\" means every setting", "restore: %q is no setting", clip(e.key))
			continue
		}
		if e.value.shape != mapping || len(e.value.entries) == 0 {
			d.wrong(e.value, "restore: "+clip(e.key), "a mapping from what it was to what it is here", hint)
			continue
		}
		t[e.key] = d.translated(e)
	}
	return t
}

func (d *decoder) translated(of entry) map[string]string {
	out := map[string]string{}
	for _, e := range of.value.entries {
		if of.key == Any && e.key == Any {
			d.fail(e.pos, "name the setting", "restore: every setting cannot become the same, whatever it was")
			continue
		}
		if e.key == "arn" { // So a name with colons is read where it stands without quotes.
			d.fail(e.pos, `write it in quotes, as in {"arn:aws:…": …}`, "restore: %s: an ARN that becomes another must stand in quotes", clip(of.key))
			continue
		}
		if to, ok := d.text(e.value, "restore: "+clip(of.key), "what stands for "+clip(e.key)+" here"); ok {
			out[e.key] = to
		}
	}
	return out
}
