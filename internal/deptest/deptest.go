// Package deptest holds the rules of which package may import which, as
// docs/design states them, and its test proves them from the real import graph.
//
// Imports point one way: cmd → engine → store → {plan, saga} → policy → dr. No
// store imports another, dr, policy and plan touch nothing of the outside
// world, and AWS's SDK stays where calls to AWS are made.
package deptest

import (
	"fmt"
	"slices"
	"strings"
)

// Module is the path of this module; packages are named below it.
const Module = "github.com/holdfast-dr/holdfast"

// Package is what the rules look at; the fields are those of "go list -json".
type Package struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
}

const (
	internal = Module + "/internal/"
	stores   = internal + "store/"
	registry = stores + "all"
)

// mayImport lists, for packages that have one, all of this module that they may
// import; "x/..." stands for x and what lies below it. Packages that are not
// listed are bound only by the rules that hold for all.
var mayImport = map[string][]string{
	"dr":              {},
	"policy":          {"dr"},
	"plan":            {"dr", "policy"},
	"saga":            {"dr", "policy"},
	"rdb":             {},
	"replica":         {"rdb/..."},
	"vault":           {"dr", "rdb", "session"},
	"session":         {"dr", "policy", "store"},
	"account":         {"dr", "store"},
	"store":           {"dr", "policy", "plan", "saga"},
	"store/internal":  {"dr", "policy", "plan", "saga", "store"},
	"store/storetest": {"dr", "policy", "plan", "saga", "session", "store", "sandbox/...", "outside"},
	"store/all":       {"account", "dr", "password", "policy", "plan", "saga", "session", "store/...", "vault", "rdb", "replica"},
	"store/*":         {"dr", "policy", "plan", "saga", "session", "store", "store/internal/...", "vault", "rdb", "replica"},
	"evidence":        {"dr", "policy", "plan", "saga", "session", "vault"},
	"notify":          {"dr", "policy", "plan", "session", "evidence"},
	"password":        {"dr", "policy"},
	"check":           {"dr", "password", "policy", "store"},
	"engine": {
		"check", "dr", "policy", "plan", "saga", "session", "store", "vault", "rdb", "evidence", "notify",
	},
	"web":     {"dr", "policy", "plan", "saga", "evidence", "engine"},
	"sandbox": {"sandbox/..."},
	"outside": {},
	"deptest": {},
}

// pure packages take what they need as arguments.
var pure = []string{"dr", "policy", "plan"}

// impure is what a pure package does not import itself.
var impure = []string{
	"context", "crypto/rand", "log", "log/slog", "math/rand", "math/rand/v2",
	"net", "net/http", "os", "os/exec", "os/signal", "os/user", "syscall",
}

// heavy is what a pure package does not even reach through its libraries (which
// may know of files and addresses, and never make a call).
var heavy = []string{"crypto/tls", "database/sql", "log/slog", "net/http", "os/exec"}

// sdkUsers are the packages that may import AWS's SDK.
var sdkUsers = []string{"session", "account", "store/...", "vault", "notify"}

// Broken gives a line for each import that breaks a rule, in order.
func Broken(packages []Package) []string {
	var out []string
	for _, p := range packages {
		for _, imported := range p.Imports {
			if rule := brokenBy(p.ImportPath, imported); rule != "" {
				out = append(out, fmt.Sprintf("%s imports %s: %s", p.ImportPath, imported, rule))
			}
		}
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			if twoDrivers(p.ImportPath, imported) {
				out = append(out, fmt.Sprintf("a test of %s imports %s: no store imports another", p.ImportPath, imported))
			}
		}
		if !matches(pure, p.ImportPath) {
			continue
		}
		for _, reached := range p.Deps {
			if slices.Contains(heavy, reached) || isSDK(reached) {
				out = append(out, fmt.Sprintf("%s reaches %s: a pure package has no use for it", p.ImportPath, reached))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// brokenBy gives the rule that an import breaks, or "".
func brokenBy(importer, imported string) string {
	inCmd := strings.HasPrefix(importer, Module+"/cmd/")
	switch {
	case matches(pure, importer) && slices.Contains(impure, imported):
		return "a pure package takes what it needs as arguments"
	case isSDK(imported) && !matches(sdkUsers, importer):
		return "the SDK stays where calls to AWS are made"
	case imported != Module && !strings.HasPrefix(imported, Module+"/"):
		return ""
	case twoDrivers(importer, imported):
		return "no store imports another"
	case imported == registry && !inCmd:
		return "only cmd and tests import the list of all stores"
	case strings.HasPrefix(imported, Module+"/cmd/") && !inCmd:
		return "imports point one way"
	}
	if allowed, bound := rulesFor(importer); bound && !matches(allowed, imported) {
		return "imports point one way"
	}
	return ""
}

// Unregistered gives the drivers that the list of all stores does not import.
// While there is no list, there is nothing to say.
func Unregistered(packages []Package) []string {
	at := slices.IndexFunc(packages, func(p Package) bool { return p.ImportPath == registry })
	if at < 0 {
		return nil
	}
	var out []string
	for _, p := range packages {
		if driver := driverOf(p.ImportPath); driver != "" && p.ImportPath == stores+driver && !slices.Contains(packages[at].Imports, p.ImportPath) {
			out = append(out, p.ImportPath)
		}
	}
	return out
}

// rulesFor gives what a package may import, and whether any rule binds it. What
// lies below a package is bound by the same rule, and the two may use each other.
func rulesFor(importer string) (allowed []string, bound bool) {
	name := strings.TrimPrefix(importer, internal)
	if driver := driverOf(importer); driver != "" {
		return append(slices.Clone(mayImport["store/*"]), "store/"+driver+"/..."), true
	}
	if importer == internal+"store" { // What lies below it is not part of it.
		return mayImport["store"], true
	}
	for {
		if allowed, bound = mayImport[name]; bound {
			return append(slices.Clone(allowed), name+"/..."), true
		}
		cut := strings.LastIndexByte(name, '/')
		if cut < 0 {
			return nil, false
		}
		name = name[:cut]
	}
}

// driverOf gives the driver that a package belongs to: a folder of store that is
// not one of its common parts. It is "" for all other packages.
func driverOf(path string) string {
	name, ok := strings.CutPrefix(path, stores)
	name, _, _ = strings.Cut(name, "/")
	if !ok || name == "all" || name == "storetest" || name == "internal" {
		return ""
	}
	return name
}

func twoDrivers(importer, imported string) bool {
	one, other := driverOf(importer), driverOf(imported)
	return one != "" && other != "" && one != other
}

func isSDK(path string) bool {
	return strings.HasPrefix(path, "github.com/aws/aws-sdk-go-v2") || strings.HasPrefix(path, "github.com/aws/smithy-go")
}

// matches reports whether a package of this module is one of those named.
func matches(names []string, path string) bool {
	name, ok := strings.CutPrefix(path, internal)
	return ok && slices.ContainsFunc(names, func(allowed string) bool {
		tree, all := strings.CutSuffix(allowed, "/...")
		return name == tree || all && strings.HasPrefix(name, tree+"/")
	})
}
