export { type CompiledDag, type CompileOptions, compile } from "../graphs/compile.js";
export { type WaitingThread, waitingThreads } from "../graphs/thread.js";
export { type Topology, topologyNames } from "../graphs/topology.js";
export type { WarmStart } from "../nodes/engine/run-options.js";
export { runModel } from "../nodes/kinds/run-model.js";
export type { PlannerOptions } from "../nodes/planner/planner-options.js";
export type { RowName, RunManyOptions } from "./batch/batch-options.js";
export {
  type CancelledBatch,
  cancelBatch,
  type FollowOptions,
  type ForgottenBatch,
  followBatch,
  forgetBatch,
} from "./batch/engine/follow-batch.js";
export { runWorker, type WorkerOptions, type WorkerSummary } from "./batch/engine/run-worker.js";
export { InputRow, type RowKey } from "./batch/input-row.js";
export type { BatchItem, BatchItemState } from "./batch/item.js";
export { type Batch, type BatchInputs, runMany } from "./batch/run-many.js";
export type { BatchEnd, BatchSummary, DurationFigures, NodeFigures } from "./batch/summary.js";
export type { Agreement } from "./compare/agreement.js";
export { type ComparedRun, type CompareOptions, type Comparison, compare } from "./compare/compare.js";
export type { TopologyFigures } from "./compare/figures.js";
export { type Prediction, type PredictVariant, type PredictVariants, predict } from "./compare/predict.js";
export type { Variant, VariantLike } from "./compare/variant.js";
export {
  DagError,
  type DagErrorOptions,
  type DagIssue,
  DagValidationError,
  type ErrorCode,
} from "./errors.js";
export {
  type Budget,
  type BudgetLimits,
  type BudgetNeed,
  type BudgetOptions,
  type BudgetUsed,
  createBudget,
  type Reservation,
  type TokenUsage,
} from "./limits/budget.js";
export type { RateLimits } from "./limits/gate.js";
export {
  createHedgeStatistics,
  type FollowedRequest,
  type HedgeStatistics,
} from "./limits/hedge-statistics.js";
export type { LimitOptions } from "./limits/limit-options.js";
export {
  createLimiter,
  type Estimate,
  type Lease,
  type Limiter,
  type LimiterOptions,
} from "./limits/limiter.js";
export {
  createPrefixWarmth,
  type PrefixWarmth,
  type WarmClaim,
} from "./limits/prefix-warmth.js";
export type { RateLimit } from "./limits/rate-limit.js";
export { type LatencyProfile, latencyProfiles } from "./models/latency-profile.js";
export type {
  Message,
  Model,
  ModelChunk,
  ModelMiddleware,
  ModelReply,
  ModelRequest,
  ReplyUsage,
  SharedPrefix,
  ThoughtCarry,
  Thoughts,
  ToolCall,
  ToolSpec,
} from "./models/port.js";
export type { Layout } from "./models/prompt-layout.js";
export { OfflineChatModel } from "./offline/chat-model.js";
export type {
  CallRecord,
  DagProjection,
  NodeProjection,
  RunAnswer,
  RunEvent,
  RunEventOf,
  RunInterrupt,
  RunState,
  Simulated,
  UsageSums,
  Waited,
  WorkKey,
} from "./records/events.js";
export type { KeptMessage, TextPart } from "./records/kept-text.js";
export type {
  Completed,
  Failed,
  NotRun,
  Outcome,
  OutcomeError,
  OutcomeReason,
  OutcomeState,
  Outcomes,
  OutcomeTimes,
} from "./records/outcome.js";
export type { Price, Prices } from "./records/price.js";
export { loadPrices } from "./records/price-rules.js";
export { assertComparison, assertRecord, type RecordedComparison } from "./records/read-record.js";
export { foldEvents, type RunRecord, type Usage } from "./records/record.js";
export type { OutcomesOf, TypedRecord } from "./records/typed.js";
export { renderBatch } from "./report/batch-summary.js";
export { type ComparisonOptions, renderComparison } from "./report/comparison.js";
export { type GraphOptions, renderGraph } from "./report/graph.js";
export { type OutputsOptions, renderOutputs } from "./report/outputs.js";
export { diffRecords, type RecordChange, type RecordDiff, renderRecordDiff } from "./report/record-diff.js";
export { type ReportInput, type ReportOptions, renderReport } from "./report/report.js";
export { renderTimeline, type TimelineOptions } from "./report/timeline.js";
export { type ResumeOptions, type RunDagOptions as RunOptions, resume, run } from "./run/run.js";
export { type RunStream, stream } from "./run/stream.js";
export { defineDag, extendDag, node } from "./spec/define.js";
export { loadDag } from "./spec/load.js";
export {
  type ChatMessage,
  type ChatMessageInput,
  type ContentPart,
  type MediaPart,
  messages,
  type PartInput,
  type TextContent,
} from "./spec/messages.js";
export type { HedgePolicy, Policy, RetryPolicy } from "./spec/policy.js";
export type { Reference } from "./spec/reference.js";
export type {
  AgentTool,
  Ask,
  AskOptions,
  ChatModelLike,
  Ctx,
  Dag,
  DagSpec,
  ForEach,
  Join,
  JsonSchema,
  MapOptions,
  ModelLike,
  ModelOptions,
  Node,
  NodeCommon,
  NodeKind,
  Repeat,
  RoundResult,
  RunnableLike,
  Schema,
  SettledState,
  ToolLike,
  When,
} from "./spec/shape.js";
export { validate } from "./spec/validate.js";
export type { ContextOf, InputOf, OutputOf } from "./spec/values.js";
export { warningsOf } from "./spec/warnings.js";
export { type OpenCheckpointer, type OpenOptions, openCheckpointer } from "./stores/checkpointer.js";
export { type StoreCause, storeError } from "./stores/store-error.js";
