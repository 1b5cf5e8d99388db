package main

import (
	"maps"

	"github.com/spf13/cobra"
)

// cacheFlags are the flags of restore that are for caches.
type cacheFlags struct{ record, zone, files, token string }

func (f *cacheFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.record, "record", "", "with --in-place, of a cache: the Route 53 record that its clients go by (several with commas)")
	flags.StringVar(&f.zone, "record-zone", "", "where that record is, if it is not found: ZONE-ID, SITE or SITE/ZONE-ID")
	flags.StringVar(&f.files, "files", "", "fill a new cache from these .rdb files: s3://BUCKET/KEY,… in the order of its shards, or a copy's manifest.json")
	flags.StringVar(&f.token, "auth-token-from", "", "where the AUTH token of a new cache is read: env:NAME or file:PATH")
}

// with gives those that were said.
func (f *cacheFlags) with() map[string]string {
	out := map[string]string{"record": f.record, "record-zone": f.zone, "files": f.files, "auth-token-from": f.token}
	maps.DeleteFunc(out, func(_, v string) bool { return v == "" })
	return out
}
