/** Serves specs over HTTP. */

export {
  type AgUiEvent,
  type AgUiInterrupt,
  type AgUiOptions,
  type AgUiResume,
  type AgUiUsage,
  answersFromResume,
  toAgUi,
} from "./ag-ui.js";
export { createHandler, type DagHandler, type HandlerOptions } from "./handler.js";
export { type McpStdio, type StdioStreams, serveMcp } from "./mcp-stdio.js";
export { type ListenerOptions, nodeListener, type RequestHandler } from "./node-listener.js";
export type { Problem } from "./problem.js";
export type { RunEntry } from "./run-index.js";
export { type ServedDags, type ServeOptions, serve } from "./serve.js";
export type { ServedRecord } from "./served-run.js";
export type { ServiceContext, ServiceOptions, SpecList } from "./service-options.js";
export {
  answersFromMessages,
  type MessageAnswers,
  type MessageLike,
  type NodeData,
  toUIMessageStream,
  type UiChunk,
} from "./ui-message-stream.js";
