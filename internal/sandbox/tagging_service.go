package sandbox

// taggingActions lists the actions of the Resource Groups Tagging API, version
// 2017-01-26, so that one that is not simulated can be told from one that does not
// exist.
const taggingActions = "DescribeReportCreation GetComplianceSummary GetResources GetTagKeys GetTagValues " +
	"ListRequiredTags StartReportCreation TagResources UntagResources"

// taggingService is the API that lists the tags of all services' resources. Calls
// are signed for "tagging", and IAM knows them as "tag" (Service Authorization
// Reference, "Actions, resources, and condition keys for Amazon Resource Group
// Tagging API").
func taggingService(a *AWS) *service {
	return &service{
		name: "tagging", iam: "tag", json: true, known: taggingActions,
		resource: func(*request) string { return "*" }, // It has no resource types.
		operations: map[string]operation{
			"GetResources": reads(a.getResources),
		},
	}
}
