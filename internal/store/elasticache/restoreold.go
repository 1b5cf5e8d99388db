package elasticache

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// tagRecords, on an old one that is kept, names the records that led to it: a site, a
// zone, and their names. Whoever finds that the restored data is not what was wanted
// points them back, and then the old one serves again.
const tagRecords = dr.TagRestore + "-records"

// keepTags is how many tags are written on an old one that is kept.
const keepTags = 4

// tagText is what AWS takes as the value of a tag (Amazon ElastiCache User Guide,
// "Tagging your ElastiCache resources").
var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+@-]{1,256}$`)

// roomOn refuses where the tags of the old one leave no room for those that say until
// when it is kept: the records would have moved by the time that this is seen.
func (p *restorePlan) roomOn(ctx context.Context, old cacheNow) error {
	if p.there != nil || old.arn == "" {
		return nil
	}
	tags, ok, err := p.tagsNow(ctx, old)
	if err != nil || !ok {
		return err
	}
	own := 0
	for k := range tags {
		if !strings.HasPrefix(k, "aws:") {
			own++
		}
	}
	if own+keepTags <= maxTags {
		return nil
	}
	return p.refuse(fmt.Errorf("%s has %d tags, and the restore has to write %d on it; AWS allows %d", old.name, own, keepTags, maxTags),
		fmt.Sprintf("take %d tags off %s first", own+keepTags-maxTags, old.name))
}

// recordsTag gives the records of a restore as one tag: as many as fit.
func recordsTag(st saga.Step) string {
	text := st.Args["zone-site"] + " " + st.Args["zone"]
	if st.Args["zone"] == "" {
		return ""
	}
	found := ""
	for _, p := range decodePointers(st.Args["records"]) {
		if next := text + " " + p.name; tagText.MatchString(next) {
			text, found = next, next
		}
	}
	return found
}

// unused refuses to delete an old one to which a record leads that led to it before.
func (m *maker) unused(ctx context.Context, c cacheNow, records string) error {
	part := strings.Fields(records)
	if len(part) < 3 {
		return nil
	}
	refuse := func(err error, remedy string) error {
		return &store.Error{Doing: "delete " + c.id(), Fault: store.Conflict, Err: err, Remedy: remedy}
	}
	site, ok := m.siteCalled(part[0])
	if !ok && part[0] != m.site.Name {
		return refuse(fmt.Errorf("site %s, whose zone has the records that led to it, is not in the policy file", part[0]),
			"put the site back, or take the tag "+tagRecords+" off "+c.id())
	}
	if !ok {
		site = m.site
	}
	dns, err := m.dns(ctx, site)
	if err != nil {
		return err
	}
	for _, name := range part[2:] {
		set, _, err := zone{dns, part[1], site}.find(ctx, name)
		switch {
		case classify(err) == store.NotFound: // The zone is gone, and all records with it.
			return nil
		case err != nil:
			return err
		}
		for _, host := range c.hosts {
			if to := valueOf(set); to != "" && to == dotless(host) {
				return refuse(fmt.Errorf("the record %s points to it again", name),
					"to keep it take the tag "+dr.TagExpires+" off "+c.id()+"; else point the record to what is to serve")
			}
		}
	}
	return nil
}
