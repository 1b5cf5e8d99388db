package sandbox

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

type (
	kmsTag     struct{ TagKey, TagValue string }
	kmsTagList struct {
		Tags []kmsTag
		kmsMarker
	}
)

// readKMSTags reads tags.
//
// AWS KMS API Reference, Tag; AWS KMS Developer Guide, "Tags in AWS KMS": 50 of them,
// and none that begins with aws:.
func readKMSTags(p *params) (tagSet, error) {
	out := tagSet{}
	for _, prefix := range p.members("Tags", "member") {
		key, value := p.need(prefix+".TagKey"), p.str(prefix+".TagValue")
		_, twice := out[key]
		switch n := utf8.RuneCountInString(key); {
		case strings.HasPrefix(strings.ToLower(key), "aws:"), twice, n < 1, n > 128, utf8.RuneCountInString(value) > 256:
			return nil, refuse("TagException", "The tag %q is not valid.", key)
		}
		out[key] = value
	}
	return out, checkKMSTagCount(out)
}

func checkKMSTagCount(tags tagSet) error {
	if len(tags) > 50 {
		return refuse("LimitExceededException", "A key has at most 50 tags, and these would be %d.", len(tags))
	}
	return nil
}

// tagged finds the key of a call that changes tags.
func (k *keyring) tagged(r *request) (*kmsKey, error) {
	key, err := k.about(r, true)
	if err == nil && key.state.get(r.now) == keyPending {
		err = key.badState(r.now)
	}
	return key, err
}

func (k *keyring) tagResource(r *request) (any, error) {
	tags, tagErr := readKMSTags(r.params)
	key, err := k.tagged(r)
	if err := firstError(err, tagErr); err != nil {
		return nil, err
	}
	all := key.tags.get(r.now).with(tags)
	if err := checkKMSTagCount(all); err != nil {
		return nil, err
	}
	key.tags.set(r.now, all)
	return nil, nil //nolint:nilnil // There is nothing to say but that it is done.
}

func (k *keyring) untagResource(r *request) (any, error) {
	names := r.params.list("TagKeys", "member")
	key, err := k.tagged(r)
	if err != nil {
		return nil, err
	}
	left := tagSet{}.with(key.tags.get(r.now))
	for _, name := range names {
		delete(left, name)
	}
	key.tags.set(r.now, left)
	return nil, nil //nolint:nilnil // There is nothing to say but that it is done.
}

func (k *keyring) listResourceTags(r *request) (any, error) {
	pg, pageErr := readKMSPage(r.params, 50, 50)
	key, err := k.about(r, true)
	if err := firstError(err, pageErr); err != nil {
		return nil, err
	}
	var out kmsTagList
	tags := key.tags.get(r.view)
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		out.Tags = append(out.Tags, kmsTag{name, tags[name]})
	}
	out.Tags, out.kmsMarker = cutKMS(out.Tags, func(x kmsTag) string { return x.TagKey }, pg)
	return out, nil
}
