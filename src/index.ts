export { type CompileOptions, compile } from "../graphs/compile.js";
export { type Topology, topologyNames } from "../graphs/topology.js";
export { DagError, type DagIssue, DagValidationError } from "./errors.js";
export type {
  Message,
  Model,
  ModelChunk,
  ModelMiddleware,
  ModelReply,
  ModelRequest,
  ToolCall,
  ToolSpec,
} from "./models/port.js";
export type * from "./records/events.js";
export type * from "./records/outcome.js";
export { foldEvents, type RunRecord, recordFold, type Usage } from "./records/record.js";
export { type RunDagOptions as RunOptions, run } from "./run/run.js";
export { type RunStream, stream } from "./run/stream.js";
