package sandbox

func quotasService(a *AWS) *service {
	q := quotasCalls{a}
	return &service{
		name: "servicequotas", json: true, resource: func(*request) string { return "*" },
		known: "AssociateServiceQuotaTemplate CreateSupportCase DeleteServiceQuotaIncreaseRequestFromTemplate " +
			"DisassociateServiceQuotaTemplate GetAssociationForServiceQuotaTemplate GetAWSDefaultServiceQuota " +
			"GetAutoManagementConfiguration GetQuotaUtilizationReport GetRequestedServiceQuotaChange GetServiceQuota " +
			"GetServiceQuotaIncreaseRequestFromTemplate ListAWSDefaultServiceQuotas ListRequestedServiceQuotaChangeHistory " +
			"ListRequestedServiceQuotaChangeHistoryByQuota ListServiceQuotaIncreaseRequestsInTemplate ListServiceQuotas ListServices " +
			"ListTagsForResource PutServiceQuotaIncreaseRequestIntoTemplate RequestServiceQuotaIncrease StartAutoManagement " +
			"StartQuotaUtilizationReport StopAutoManagement TagResource UntagResource UpdateAutoManagement",
		operations: map[string]operation{
			"GetServiceQuota":             reads(q.get),
			"GetAWSDefaultServiceQuota":   reads(q.getDefault),
			"ListServiceQuotas":           reads(q.list),
			"ListAWSDefaultServiceQuotas": reads(q.listDefaults),
			"ListServices":                reads(q.listServices),
		},
	}
}
