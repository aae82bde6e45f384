export { type Fault, type FaultRule, faults } from "../models/faults.js";
export {
  type LatencyMiddleware,
  type SimulateLatencyOptions,
  simulateLatency,
} from "../models/simulate-latency.js";
export { type Cassette, type CassetteMode, type CassetteOptions, cassette } from "./cassette.js";
export type { Redaction } from "./redaction.js";
export type { Script, ScriptedModel, ScriptedStep } from "./scripted-model.js";
export { scriptedModel } from "./scripted-model.js";
export type { ScriptedCall, ScriptedParts, ScriptedReply, ScriptedToolCall } from "./scripted-reply.js";
export { type SnapshotView, view } from "./view.js";
