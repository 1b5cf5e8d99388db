package sandbox

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// engines gives the engines of RDS instances with the version that is the default
// here. Aurora's are left out: their instances belong to clusters.
//
// Amazon RDS API Reference, CreateDBInstance, parameter Engine.
func engines() map[string]string {
	return map[string]string{
		"postgres": "16.4", "mysql": "8.0.39", "mariadb": "10.11.9",
		"oracle-ee": "19.0.0.0.ru-2024-07.rur-2024-07.r1", "oracle-ee-cdb": "19.0.0.0.ru-2024-07.rur-2024-07.r1",
		"oracle-se2": "19.0.0.0.ru-2024-07.rur-2024-07.r1", "oracle-se2-cdb": "19.0.0.0.ru-2024-07.rur-2024-07.r1",
		"sqlserver-ee": "15.00.4385.2.v1", "sqlserver-se": "15.00.4385.2.v1",
		"sqlserver-ex": "15.00.4385.2.v1", "sqlserver-web": "15.00.4385.2.v1",
		"db2-ae": "11.5.9.0.sb00000000.r1", "db2-se": "11.5.9.0.sb00000000.r1",
	}
}

// family is the vendor part of an engine's name.
func family(engine string) string {
	name, _, _ := strings.Cut(engine, "-")
	return name
}

// majorVersion is the part of an engine's version that parameter groups and option
// groups go by: one number for PostgreSQL from 10 on and for Oracle, else two.
func majorVersion(engine, version string) string {
	part := strings.Split(version, ".")
	if engine == "aurora-postgresql" {
		return part[0]
	}
	switch family(engine) {
	case "postgres", "oracle":
		return part[0]
	}
	return strings.Join(part[:min(2, len(part))], ".")
}

// parameterFamily is such as "postgres16", "mysql8.0" or "oracle-ee-19".
func parameterFamily(engine, version string) string {
	major := majorVersion(engine, version)
	switch family(engine) {
	case "sqlserver":
		return engine + "-" + strings.TrimSuffix(major, "0")
	case "oracle", "db2":
		return engine + "-" + major
	}
	return engine + major
}

func defaultParameterGroup(engine, version string) string {
	return "default." + parameterFamily(engine, version)
}

func defaultOptionGroup(engine, version string) string {
	return "default:" + engine + "-" + strings.ReplaceAll(majorVersion(engine, version), ".", "-")
}

func licenseOf(engine string) string {
	switch engine {
	case "aurora-postgresql":
		return "postgresql-license"
	case "aurora-mysql":
		return "general-public-license"
	}
	switch family(engine) {
	case "postgres":
		return "postgresql-license"
	case "mysql", "mariadb":
		return "general-public-license"
	case "db2":
		return "bring-your-own-license"
	default:
		return "license-included"
	}
}

// minimumSize is the smallest storage of a type in GiB.
//
// Amazon RDS API Reference, CreateDBInstance, parameter AllocatedStorage, for gp2,
// gp3 and io1.
func minimumSize(storage string) int {
	if slices.Contains([]string{"io1", "io2"}, storage) {
		return 100
	}
	return 20
}

// classOffered says why a database cannot have the class that it is to have. One that
// it has already is left alone. AWS offers classes by engine, version and Region; here
// all of the right form are, but what a test withholds.
//
// Amazon RDS User Guide, "Supported DB engines for DB instance classes". db.serverless
// is of Aurora only.
func (g *rdsRegion) classOffered(before string, c dbConfig, now time.Time) error {
	known := classPattern.MatchString(c.class) || c.class == "db.serverless" && family(c.engine) == "aurora"
	if c.class == before || strings.Count(c.class, ".") < 1 || known && !g.withheld[c.class].get(now) {
		return nil
	}
	return invalidCombination("RDS does not support creating a DB instance with the following combination: DBInstanceClass=%s, "+
		"Engine=%s, EngineVersion=%s, LicenseModel=%s.", c.class, c.engine, c.version, c.license)
}

var classPattern = regexp.MustCompile(`^db\.[a-z]{1,2}\d[a-z]*\.(micro|small|medium|(\d+)?x?large)(\.tpc\d\.mem\dx)?$`)
