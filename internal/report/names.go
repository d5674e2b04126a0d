package report

import (
	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/recommender"
)

// The words for codes. A code that is not listed is shown as it is.
var (
	metricNames = map[cloud.Metric]msg{
		cloud.CPUPercent:    msgCPUPercent,
		cloud.MemoryPercent: msgMemoryPercent,
		cloud.DiskPercent:   msgDiskPercent,
		cloud.NetworkInBPS:  msgNetworkIn,
		cloud.NetworkOutBPS: msgNetworkOut,
		cloud.DiskReadBPS:   msgDiskRead,
		cloud.DiskWriteBPS:  msgDiskWrite,
		cloud.StealPercent:  msgSteal,
		policies.NetworkBPS: msgMetricNetwork,
		policies.DiskBPS:    msgMetricDisk,
		policies.CPUCores:   msgMetricCores,
	}
	statisticNames = map[string]msg{
		"mean":                  msgStatMean,
		"p50":                   msgStatP50,
		"p95":                   msgStatP95,
		"p99":                   msgStatP99,
		"max":                   msgStatMax,
		"peak_max":              msgStatPeakMax,
		"p90":                   msgStatP90,
		"p98":                   msgStatP98,
		"p995":                  msgStatP995,
		"max_of_day_means":      msgStatMaxDayMean,
		"mean_of_day_maxima":    msgStatMeanDayMax,
		"in_180d":               msgStatTrend,
		"peak":                  msgStatPeak,
		"peak_day_p95":          msgStatPeakDay,
		"sample":                msgStatSample,
		"day_mean":              msgStatDayMean,
		"day_max":               msgStatDayMax,
		"day_volume":            msgStatDayVolume,
		policies.DaysOff:        msgFactOff,
		policies.DaysUnattached: msgFactUnattached,
		policies.AgeDays:        msgFactAge,
		policies.FactVCPU:       msgFactVCPU,
		policies.FactMemoryGiB:  msgFactMemory,
		policies.FactStorageGiB: msgFactStorage,
		policies.LocalStorage:   msgFactLocal,
		policies.GPU:            msgFactGPU,
		policies.Prepaid:        msgFactPrepaid,
	}
	verdictNames = map[analyzer.Verdict]msg{
		analyzer.Idle:             msgVerdictIdle,
		analyzer.Unattached:       msgVerdictUnattached,
		analyzer.Overprovisioned:  msgVerdictOver,
		analyzer.Underprovisioned: msgVerdictUnder,
		analyzer.Optimized:        msgVerdictOptimized,
		analyzer.InsufficientData: msgVerdictInsufficient,
	}
	actionNames = map[recommender.Action]msg{
		recommender.Release:  msgActionRelease,
		recommender.Downsize: msgActionDownsize,
		recommender.Upsize:   msgActionUpsize,
		recommender.Stop:     msgActionStop,
	}
	pricedNames = map[price.What]msg{
		price.VCPU:      msgPricedVCPU,
		price.Memory:    msgPricedMemory,
		price.Storage:   msgPricedStorage,
		price.IP:        msgPricedIP,
		price.Bandwidth: msgPricedBandwidth,
		price.Instance:  msgPricedInstance,
	}
	periodNames = map[price.Period]msg{
		price.PerMonth: msgPerMonth,
		price.PerHour:  msgPerHour,
		price.PerYear:  msgPerYear,
	}
	kindNames = map[cloud.Kind]msg{
		cloud.Instance: msgKindInstance,
		cloud.Disk:     msgKindDisk,
		cloud.EIP:      msgKindEIP,
	}
	lightNames = map[Colour]msg{
		Green:  msgLightGreen,
		Yellow: msgLightYellow,
		Red:    msgLightRed,
		Grey:   msgLightGrey,
	}
	lightMeanings = map[Colour]msg{
		Green:  msgMeaningGreen,
		Yellow: msgMeaningYellow,
		Red:    msgMeaningRed,
		Grey:   msgMeaningGrey,
	}
	confidenceNames = map[string]msg{
		string(policies.Cited):    msgConfidenceCited,
		string(policies.Practice): msgConfidencePractice,
		string(policies.Proposed): msgConfidenceProposed,
	}
	flagNames = map[analyzer.Flag]msg{
		analyzer.SuspectedPadding: msgFlagPadding,
		analyzer.Exempt:           msgFlagExempt,
		analyzer.PoweredOff:       msgFlagOff,
		analyzer.Resized:          msgFlagResized,
		analyzer.AgeUnknown:       msgFlagAge,
		analyzer.MemoryUnknown:    msgFlagMemory,
		analyzer.NoMonthEnd:       msgFlagMonthEnd,
		analyzer.ShortHistory:     msgFlagShort,
		analyzer.HypervisorCPU:    msgFlagHypervisor,
		analyzer.NoOwner:          msgFlagOwner,
		analyzer.CloudUnavailable: msgFlagUnavailable,
		analyzer.SeasonUnseen:     msgFlagSeason,
		analyzer.HolidayWindow:    msgFlagHolidays,
	}
	savingNotes = map[string]msg{
		recommender.NotePrepaid:  msgNotePrepaid,
		recommender.NoteStopped:  msgNoteStopped,
		recommender.NoteCosts:    msgNoteCosts,
		recommender.NoteMigrates: msgNoteMigrates,

		recommender.NoteBillingStops:   msgNoteBillingStops,
		recommender.NoteBillingUnknown: msgNoteBillingUnknown,
		recommender.NoteChargeUnknown:  msgNoteChargeUnknown,
	}
	statusNames = map[cloud.Status]msg{
		cloud.Running:    msgStatusRunning,
		cloud.PoweredOff: msgStatusStopped,
		cloud.InUse:      msgStatusInUse,
		cloud.Available:  msgStatusAvailable,
		cloud.Changing:   msgStatusChanging,
	}
	chargeNames = map[cloud.ChargeType]msg{
		cloud.Prepaid:  msgChargePrepaid,
		cloud.Postpaid: msgChargePostpaid,
	}
	classNames = map[cloud.Availability]msg{
		cloud.Observed:     msgClassObserved,
		cloud.NoAgent:      msgClassNoAgent,
		cloud.NoPermission: msgClassNoPermission,
		cloud.Throttled:    msgClassThrottled,
		cloud.Stopped:      msgClassStopped,
		cloud.NotOffered:   msgClassNotOffered,
		cloud.NoData:       msgClassNoData,
		cloud.Failed:       msgClassFailed,
		LowCoverage:        msgClassLow,
	}
	classAdvice = map[cloud.Availability]msg{
		cloud.NoAgent:      msgAdviceNoAgent,
		cloud.NoPermission: msgAdviceNoPermission,
		cloud.Throttled:    msgAdviceThrottled,
		cloud.Stopped:      msgAdviceStopped,
		cloud.NotOffered:   msgAdviceNotOffered,
		cloud.NoData:       msgAdviceNoData,
		cloud.Failed:       msgAdviceFailed,
		LowCoverage:        msgAdviceLow,
	}
	// An address is bound, not attached.
	addressWords = map[msg]msg{
		msgSinceDetached:           msgSinceUnbound,
		msgSinceSeen:               msgUnboundSeen,
		msgReasonUnattachedUnknown: msgReasonUnboundUnknown,
		msgReasonUnattached:        msgReasonUnbound,
		msgReasonAttached:          msgReasonBound,
		msgStatusAvailable:         msgStatusUnbound,
	}
	// The collectors' own codes and classes of failure.
	codeAdvice = map[string]msg{
		"empty_unproven": msgCodeUnproven,
		"incomplete":     msgCodeIncomplete,
		"budget":         msgCodeBudget,
		"throttled":      msgCodeThrottled,
		"quota":          msgCodeQuota,
		"server":         msgCodeServer,
		"transport":      msgCodeTransport,
		"malformed":      msgCodeMalformed,
		"clock":          msgCodeClock,
		"credentials":    msgCodeCredentials,
		"host":           msgCodeHost,
		"invalid":        msgCodeInvalid,
		"not_found":      msgCodeNotFound,
		"permission":     msgAdviceNoPermission,
	}
	reasonNames = map[string]msg{
		analyzer.CodeScopeUnavailable:    msgReasonScope,
		analyzer.CodeAgeBelow:            msgReasonAge,
		analyzer.CodeHistoryBelow:        msgReasonHistory,
		analyzer.CodeCoverageBelow:       msgReasonCoverage,
		analyzer.CodeMemoryNoAgent:       msgReasonMemoryAgent,
		analyzer.CodeDiskNoAgent:         msgReasonDiskAgent,
		analyzer.CodeNoPermission:        msgReasonPermission,
		analyzer.CodeThrottled:           msgReasonThrottled,
		analyzer.CodeNotOffered:          msgReasonNotOffered,
		analyzer.CodeNoData:              msgReasonNoData,
		analyzer.CodeReadFailed:          msgReasonReadFailed,
		analyzer.CodeStopped:             msgReasonStopped,
		analyzer.CodeOffSinceUnknown:     msgReasonOffUnknown,
		analyzer.CodeAttachmentUnknown:   msgReasonAttachmentUnknown,
		analyzer.CodeUnattachedUnknown:   msgReasonUnattachedUnknown,
		analyzer.CodeNoRule:              msgReasonNoRule,
		analyzer.CodeFactUnknown:         msgReasonFactUnknown,
		analyzer.CodePoweredOffDays:      msgReasonOff,
		analyzer.CodeUnattachedDays:      msgReasonUnattached,
		analyzer.CodeAttached:            msgReasonAttached,
		recommender.CodePadding:          msgRefusedPadding,
		recommender.CodeGPU:              msgRefusedGPU,
		recommender.CodeLocalDisk:        msgRefusedLocal,
		recommender.CodeRefusedFamily:    msgRefusedFamily,
		recommender.CodeSizeUnknown:      msgRefusedSize,
		recommender.CodeTypeUnknown:      msgRefusedType,
		recommender.CodeMemoryUnknown:    msgRefusedMemory,
		recommender.CodeCPUWithheld:      msgRefusedWithheld,
		recommender.CodeCPUCapped:        msgRefusedCapped,
		recommender.CodeNoSmallerSize:    msgRefusedSmaller,
		recommender.CodeNoLargerSize:     msgRefusedLarger,
		recommender.CodeNoSaving:         msgRefusedSaving,
		recommender.CodeTooRisky:         msgRefusedTooRisky,
		recommender.CodeRiskBudget:       msgRefusedBudget,
		recommender.CodeKin:              msgRefusedKin,
		recommender.CodeHAGroup:          msgRefusedGroup,
		recommender.CodeWithinAllowance:  msgRefusedAllowance,
		recommender.CodeStorageMigration: msgReasonMigration,
		analyzer.CodePeakGuard:           msgReasonPeak,
		analyzer.CodeExempt:              msgReasonExempt,
		analyzer.CodePaddingPlateau:      msgReasonPlateau,
		analyzer.CodePaddingAbove:        msgReasonJustAbove,
		analyzer.CodePaddingNoIO:         msgReasonNoIO,
		analyzer.CodeSeasonUnseen:        msgReasonSeason,
		analyzer.CodeSeasonUnknown:       msgReasonSeasonUnknown,
		analyzer.CodeMonthEndUnseen:      msgReasonMonthEnd,
		analyzer.CodeQuarterEndUnseen:    msgReasonQuarterEnd,
		analyzer.CodeYearEndUnseen:       msgReasonYearEnd,
		analyzer.CodeHolidays:            msgReasonHolidays,
		analyzer.CodePaddingEveryDay:     msgReasonEveryDay,
		analyzer.CodePaddingStep:         msgReasonStep,
		analyzer.CodePaddingUnmatched:    msgReasonUnmatched,
		analyzer.CodePaddingAlike:        msgReasonAlike,
		recommender.CodeRest:             msgReasonRest,
		recommender.CodeRestSeen:         msgReasonRestSeen,
		recommender.CodeRestAwake:        msgReasonRestAwake,
		recommender.CodeRestCPU:          msgReasonRestCPU,
		recommender.CodeRestNetwork:      msgReasonRestNetwork,
		recommender.CodeRestDisk:         msgReasonRestDisk,
		recommender.CodeWork:             msgReasonWork,
		recommender.CodeWorkCPU:          msgReasonWorkCPU,
		recommender.CodeStandby:          msgRefusedStandby,
		recommender.CodeDatabase:         msgRefusedDatabase,
		recommender.CodeAgeUnknown:       msgRefusedAgeUnknown,
		recommender.CodeNoNetwork:        msgRefusedNoNetwork,
		recommender.CodeLocalDiskStop:    msgRefusedLocalStop,
		recommender.CodePrepaidStop:      msgRefusedPrepaidStop,
		recommender.CodeBilledStop:       msgRefusedBilledStop,
	}
	todoNames = map[todoCode]msg{
		todoScopes:     msgTodoScopes,
		todoPermission: msgTodoPermission,
		todoAct:        msgTodoAct,
		todoConfirm:    msgTodoConfirm,
		todoReview:     msgTodoReview,
		todoGrow:       msgTodoGrow,
		todoPadding:    msgTodoPadding,
		todoExpiring:   msgTodoExpiring,
		todoExpired:    msgTodoExpired,
		todoAgent:      msgTodoAgent,
		todoThrottled:  msgTodoThrottled,
		todoNoData:     msgTodoNoData,
		todoOwners:     msgTodoOwners,
		todoPrices:     msgTodoPrices,
		todoPriceBook:  msgTodoPriceBook,
		todoHolidays:   msgTodoHolidays,
		todoStops:      msgTodoStops,
	}
)
