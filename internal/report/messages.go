package report

// msg is one message of the catalogue. Its texts stand in chinese and english;
// a test checks that each is there in both and takes the same arguments.
type msg int

// The messages.
const (
	// document
	msgTitle msg = iota
	msgWeekLabel
	msgWeekSpan
	msgAsOf
	msgWindow
	msgPolicy
	msgChecksum
	msgConfidence
	msgPriceBook
	msgExampleMark
	msgExamplePrices
	msgExampleBanner
	msgExampleFoot
	msgUnknown
	msgOverview
	msgContents
	msgTotal
	msgParenthesis
	msgPage
	msgMoreRows
	msgCutDetails
	msgNotOff
	msgSinceDetached
	msgSinceUnbound
	msgSinceSeen
	msgUnboundSeen
	msgShareDays
	msgShareSamples
	msgMinDays
	msgRuleNamed
	msgShareOf

	// headline
	msgNothingAudited
	msgHeadline
	msgHeadlineNone
	msgHeadlineRelease
	msgHeadlineDownsize
	msgHeadlineFreed
	msgHeadlineSaving
	msgHeadlineLater
	msgHeadlineUnpriced
	msgHeadlineReady
	msgHeadlineAllReady
	msgHeadlineNoneReady
	msgHeadlineGrey
	msgFreeing
	msgFirstIssue
	msgHeadlineChanges
	msgHeadlineDelta
	msgRepricedCount
	msgOtherPolicy
	msgOtherPrices
	msgRepriced
	msgTileResources
	msgTileRelease
	msgTileDownsize
	msgTileSaving
	msgTileLater
	msgTileWeighted
	msgMeasuredOf
	msgUnpriced
	msgLightsTitle
	msgBarsTitle
	msgVerdictsTitle
	msgAllocatedLine
	msgIndicator
	msgThisIssue
	msgPreviousIssue
	msgChange
	msgVerdictOf
	msgComparedTitle

	// columns
	msgDepartment
	msgDepartments
	msgNoDepartment
	msgApplication
	msgResource
	msgResources
	msgResourceID
	msgName
	msgIP
	msgKind
	msgCloud
	msgAccount
	msgRegion
	msgInstanceType
	msgSerial
	msgToRelease
	msgToDownsize
	msgFreedCores
	msgFreedMemory
	msgFreedStorage
	msgSavingColumn
	msgSavingLabel
	msgSavingFromColumn
	msgSavingNote
	msgUnpricedColumn
	msgAction
	msgSizes
	msgRiskGrade
	msgHarm
	msgStatus
	msgRuns
	msgFirstSeen
	msgRule
	msgFlags
	msgBasis
	msgPriceBookColumn
	msgPricing
	msgPricingNow
	msgPricingChange
	msgPriceLine
	msgPriceDiscount
	msgPricedVCPU
	msgPricedMemory
	msgPricedStorage
	msgPricedIP
	msgPricedBandwidth
	msgPricedInstance
	msgPerMonth
	msgPerHour
	msgPerYear
	msgAdviceID
	msgCurrentCores
	msgCurrentMemory
	msgCurrentStorage
	msgTargetType
	msgTargetCores
	msgTargetMemory
	msgTargetStorage
	msgCPUMean
	msgCPUP95
	msgCPUMax
	msgCPUPeak
	msgMemoryMean
	msgMemoryP95
	msgMemoryMax
	msgDiskMax
	msgNetworkDaily
	msgCoverage
	msgLowestCoverage
	msgVerdict
	msgLight
	msgState
	msgCharge
	msgWhy
	msgPreviousAction
	msgPreviousSaving
	msgYuan
	msgExemptReason
	msgOwner
	msgExpires
	msgDaysLeft
	msgClass
	msgSeries
	msgWhatToDo
	msgMetrics
	msgDetail
	msgLastRun
	msgLastCalls
	msgMinimum
	msgMonthCalls
	msgMonthBudget
	msgBudgetUsed
	msgNoBudget
	msgNeverRead
	msgCode
	msgProblem
	msgSaid
	msgNoFile
	msgNoColumn
	msgRead
	msgCategory
	msgShare
	msgTime
	msgAxis
	msgChangeNew
	msgChangeAgain
	msgChangeGone
	msgChangeKind
	msgAttentionTight
	msgAttentionRefused
	msgAttentionPadding
	msgAttentionExempt

	// sections
	msgNewTop
	msgFirstTop
	msgShownOf
	msgContinued
	msgGone
	msgGoneNote
	msgTight
	msgTightNote
	msgRefused
	msgRefusedNote
	msgNotProposed
	msgPadding
	msgPaddingNote
	msgRefusedList
	msgExempt
	msgExemptNote
	msgQuality
	msgQualityList
	msgMeanCoverage
	msgMinCoverage
	msgUndecided
	msgUndecidedTitle
	msgQualityNote
	msgResourcesOf
	msgCollection
	msgCollectionNote
	msgNoScopes
	msgAllComplete
	msgSomeIncomplete
	msgIncomplete
	msgProblems
	msgTodoTitle
	msgDetails
	msgDetailsNote
	msgAppendix
	msgAppendixNote
	msgBasisTitle
	msgFleetTitle
	msgHistoryTitle
	msgChangesTitle
	msgAttentionTitle
	msgAdviceTitle
	msgBasisPack
	msgBasisVersion
	msgBasisChecksum
	msgBasisName
	msgBasisConfidence
	msgBasisSource
	msgBasisBook
	msgBasisExample
	msgBasisCurrency
	msgBasisAsOf
	msgBasisWindow
	msgSpan
	msgBasisGenerated
	msgBasisZone
	msgBasisCoverage
	msgBasisConfirm
	msgBasisAge
	msgBasisEstimate
	msgBasisEstimateText
	msgBasisRiskText
	msgBasisRisk
	msgBasisWeightedText
	msgBasisWeighted
	msgBasisStatisticsText
	msgBasisStatistics
	msgBasisRead
	msgBasisReadText
	msgYes
	msgNo
	msgConfidenceProposedNote

	// empty states
	msgNoResources
	msgNoAdvice
	msgNoneNew
	msgNoneContinued
	msgNoneGone
	msgNoneTight
	msgNoneRefused
	msgNonePadding
	msgNoneExempt
	msgNonePoor
	msgNoneUndecided
	msgNoneTodo
	msgNoCollection
	msgNoHistory

	// reasons and explanations
	msgGoneJudged
	msgGoneReplaced
	msgGoneUnlisted
	msgGoneUnread
	msgReasonCompared
	msgBelow
	msgAtMost
	msgAbove
	msgAtLeast
	msgOnDays
	msgReasonValue
	msgReasonLimit
	msgOverPast
	msgDays
	msgHours
	msgPerDay
	msgCores
	msgMemoryGB
	msgStorageGB
	msgSpec
	msgAlsoSeen
	msgCoverageIs
	msgVerdictIs
	msgByRule
	msgNote
	msgProposeRelease
	msgProposeReleaseAll
	msgProposeSize
	msgProposeStorage
	msgProjected
	msgSizedBecause
	msgSavingIs
	msgSavingUnknown
	msgSavesNothing
	msgSavingFrom
	msgRiskIs
	msgRiskPrior
	msgRiskSeen
	msgConfirmedRuns
	msgFirstTime
	msgSince
	msgMayAct
	msgMustWaitOf
	msgMustWait
	msgThresholdLine
	msgCapacityLine
	msgReady
	msgWaitingOf
	msgWaiting
	msgMean
	msgMaximum
	msgShrink
	msgChartLabel
	msgNoData

	// metricNames
	msgCPUPercent
	msgMemoryPercent
	msgDiskPercent
	msgNetworkIn
	msgNetworkOut
	msgDiskRead
	msgDiskWrite
	msgMetricNetwork
	msgMetricDisk
	msgMetricCores

	// statisticNames
	msgStatMean
	msgStatP50
	msgStatP95
	msgStatP99
	msgStatMax
	msgStatPeakMax
	msgStatP90
	msgStatP98
	msgStatP995
	msgStatMaxDayMean
	msgStatMeanDayMax
	msgStatTrend
	msgStatPeak
	msgStatPeakDay
	msgStatSample
	msgStatDayMean
	msgStatDayMax
	msgStatDayVolume
	msgFactOff
	msgFactUnattached
	msgFactAge
	msgFactVCPU
	msgFactMemory
	msgFactStorage
	msgFactLocal
	msgFactGPU
	msgFactPrepaid

	// verdictNames
	msgVerdictIdle
	msgVerdictUnattached
	msgVerdictOver
	msgVerdictUnder
	msgVerdictOptimized
	msgVerdictInsufficient

	// actionNames
	msgActionRelease
	msgActionDownsize
	msgActionUpsize

	// kindNames
	msgKindInstance
	msgKindDisk
	msgKindEIP

	// lightNames
	msgLightGreen
	msgLightYellow
	msgLightRed
	msgLightGrey

	// lightMeanings
	msgMeaningGreen
	msgMeaningYellow
	msgMeaningRed
	msgMeaningGrey

	// confidenceNames
	msgConfidenceCited
	msgConfidencePractice
	msgConfidenceProposed

	// flagNames
	msgFlagPadding
	msgFlagExempt
	msgFlagOff
	msgFlagResized
	msgFlagAge
	msgFlagMemory
	msgFlagMonthEnd
	msgFlagShort
	msgFlagHypervisor
	msgFlagOwner
	msgFlagUnavailable

	// savingNotes
	msgNotePrepaid
	msgNoteStopped
	msgNoteCosts
	msgNoteMigrates

	// statusNames
	msgStatusRunning
	msgStatusStopped
	msgStatusInUse
	msgStatusAvailable
	msgStatusUnbound
	msgStatusChanging

	// chargeNames
	msgChargePrepaid
	msgChargePostpaid

	// classNames
	msgClassObserved
	msgClassNoAgent
	msgClassNoPermission
	msgClassThrottled
	msgClassStopped
	msgClassNotOffered
	msgClassNoData
	msgClassFailed
	msgClassLow

	// classAdvice
	msgAdviceNoAgent
	msgAdviceNoPermission
	msgAdviceThrottled
	msgAdviceStopped
	msgAdviceNotOffered
	msgAdviceNoData
	msgAdviceFailed
	msgAdviceLow
	msgCodeNotFound
	msgCodeInvalid
	msgCodeHost
	msgCodeCredentials
	msgCodeClock
	msgCodeMalformed
	msgCodeTransport
	msgCodeServer
	msgCodeQuota
	msgCodeThrottled
	msgCodeBudget
	msgCodeIncomplete
	msgCodeUnproven

	// reasonNames
	msgReasonScope
	msgReasonAge
	msgReasonHistory
	msgReasonCoverage
	msgReasonMemoryAgent
	msgReasonDiskAgent
	msgReasonPermission
	msgReasonThrottled
	msgReasonNotOffered
	msgReasonNoData
	msgReasonReadFailed
	msgReasonStopped
	msgReasonOffUnknown
	msgReasonAttachmentUnknown
	msgReasonUnattachedUnknown
	msgReasonUnboundUnknown
	msgReasonNoRule
	msgReasonFactUnknown
	msgReasonOff
	msgReasonUnattached
	msgReasonUnbound
	msgReasonAttached
	msgReasonBound
	msgRefusedPadding
	msgRefusedGPU
	msgRefusedLocal
	msgRefusedFamily
	msgRefusedSize
	msgRefusedType
	msgRefusedMemory
	msgRefusedSmaller
	msgRefusedLarger
	msgRefusedSaving
	msgRefusedGroup
	msgRefusedAllowance
	msgReasonMigration
	msgReasonPeak
	msgReasonExempt
	msgReasonPlateau
	msgReasonJustAbove
	msgReasonNoIO
	msgReasonEveryDay
	msgReasonStep
	msgReasonUnmatched
	msgReasonAlike

	// todoNames
	msgTodoScopes
	msgTodoPermission
	msgTodoAct
	msgTodoConfirm
	msgTodoGrow
	msgTodoPadding
	msgTodoExpiring
	msgTodoExpired
	msgTodoAgent
	msgTodoThrottled
	msgTodoNoData
	msgTodoOwners
	msgTodoPrices
	msgTodoPriceBook

	msgEnd // one past the last
)
