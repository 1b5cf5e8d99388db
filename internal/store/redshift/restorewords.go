package redshift

import (
	"fmt"
	"slices"

	"github.com/holdfast-dr/holdfast/internal/store"
)

// lost are the settings that no call gives to a restored cluster: an Elastic IP and a
// domain are the old one's as long as it is there, and security groups outside of a VPC
// are a thing of the past.
var lost = [...]string{"elastic-ip", "domain", "certificate", "classic"}

// losses names the captured settings that the new one will not have.
func losses(r store.Restore) []string {
	names := lost[:]
	if r.Settings["multi-az"] == "yes" {
		names = append(slices.Clone(names), "zone") // Redshift chooses both.
	}
	return store.Lost(r.Settings, names...)
}

// notes are what a person should know beforehand.
func notes(r store.Restore) []string {
	var out []string
	if r.Settings["node"] == "" {
		out = append(out, "the snapshot carries no configuration of its cluster: network, groups, parameters and roles will be AWS's defaults")
	}
	if r.Settings["secret"] == "yes" {
		out = append(out, "Secrets Manager makes a new secret for the admin user; the old one's belongs to the old one")
	}
	if r.InPlace {
		out = append(out,
			"what is attached to the old one beside its settings stays with it: data shares, endpoints, usage limits, integrations, and its automated snapshots",
			"connections end: a rename restarts a cluster")
	}
	return out
}

// needs says what a restore takes of the account's quota.
func needs(r store.Restore) string {
	nodes := "the nodes of one more cluster"
	if n := amount(r.Settings["nodes"]); n > 0 {
		nodes = fmt.Sprintf("%d more %s nodes", n, r.Settings["node"])
	}
	if r.InPlace { // Renamed or not, the old one has its nodes.
		return nodes + " in the account's quota until the old one is gone"
	}
	return nodes + " in the account's quota, and their price, for good"
}
