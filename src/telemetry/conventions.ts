/**
 * Names of attributes, as read in November 2026 in OpenTelemetry's GenAI semantic conventions (release 0.1.0 of their own
 * repository, and 1.41.0, the last one of the common repository), whose status is "development", and in OpenInference's
 * semantic conventions (0.1.46 of its Python package). What 0.1.0 has renamed is given under both names: dashboards of
 * today read either. Facts that none of them names are `agent_dag.*`.
 */
export const names = {
  operation: "gen_ai.operation.name",
  /** Up to 1.41.0 a workflow had a name of its own; since 0.1.0 it is the agent's. Both are given. */
  workflow: "gen_ai.workflow.name",
  agent: "gen_ai.agent.name",
  agentDescription: "gen_ai.agent.description",
  /** Proposed, and not yet part of the conventions: a node that is no agent, no tool and no workflow. */
  graphNode: "gen_ai.node.name",
  conversation: "gen_ai.conversation.id",
  provider: "gen_ai.provider.name",
  requestModel: "gen_ai.request.model",
  /** Given where the reply was streamed. */
  requestStream: "gen_ai.request.stream",
  responseModel: "gen_ai.response.model",
  /** Seconds. */
  firstChunk: "gen_ai.response.time_to_first_chunk",
  finishReasons: "gen_ai.response.finish_reasons",
  inputTokens: "gen_ai.usage.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  cacheReadTokens: "gen_ai.usage.cache_read.input_tokens",
  cacheWriteTokens: "gen_ai.usage.cache_write.input_tokens",
  /** The name up to 1.41.0. */
  cacheCreationTokens: "gen_ai.usage.cache_creation.input_tokens",
  reasoningTokens: "gen_ai.usage.reasoning.output_tokens",
  tokenType: "gen_ai.token.type",
  tool: "gen_ai.tool.name",
  toolType: "gen_ai.tool.type",
  toolCall: "gen_ai.tool.call.id",
  systemInstructions: "gen_ai.system_instructions",
  inputMessages: "gen_ai.input.messages",
  outputMessages: "gen_ai.output.messages",
  errorType: "error.type",
  // OpenInference
  kind: "openinference.span.kind",
  inputValue: "input.value",
  outputValue: "output.value",
  session: "session.id",
  llmSystem: "llm.system",
  llmModel: "llm.model_name",
  llmProvider: "llm.provider",
  promptTokens: "llm.token_count.prompt",
  completionTokens: "llm.token_count.completion",
  promptCacheRead: "llm.token_count.prompt_details.cache_read",
  promptCacheWrite: "llm.token_count.prompt_details.cache_write",
  completionReasoning: "llm.token_count.completion_details.reasoning",
  totalTokens: "llm.token_count.total",
  llmCost: "llm.cost.total",
  toolName: "tool.name",
  // Our own
  runId: "agent_dag.run.id",
  topology: "agent_dag.topology",
  dagHash: "agent_dag.dag.hash",
  simulated: "agent_dag.simulated.profile",
  state: "agent_dag.state",
  reason: "agent_dag.reason",
  node: "agent_dag.node",
  nodeKind: "agent_dag.node.kind",
  item: "agent_dag.item",
  invocation: "agent_dag.invocation",
  round: "agent_dag.round",
  attempt: "agent_dag.attempt",
  attempts: "agent_dag.attempts",
  waitedMs: "agent_dag.waited_ms",
  hedged: "agent_dag.hedged",
  estimated: "agent_dag.usage.estimated",
  costUsd: "agent_dag.cost_usd",
  edge: "agent_dag.edge",
} as const;

const seconds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const tokens = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864];

/** Histograms of a model request, with the bucket boundaries that the conventions advise. */
export const histograms = {
  /** Up to 1.41.0, and what most dashboards read. */
  duration: {
    name: "gen_ai.client.operation.duration",
    unit: "s",
    description: "GenAI operation duration.",
    boundaries: seconds,
  },
  /** Up to 1.41.0: input and output told apart by `gen_ai.token.type`. */
  tokens: {
    name: "gen_ai.client.token.usage",
    unit: "{token}",
    description: "Number of input and output tokens used.",
    boundaries: tokens,
  },
  /** Since 0.1.0. */
  inferenceDuration: {
    name: "gen_ai.client.inference.duration",
    unit: "s",
    description: "GenAI client inference operation duration.",
    boundaries: seconds,
  },
  /** Since 0.1.0. */
  inputTokens: {
    name: "gen_ai.client.inference.operation.input_tokens",
    unit: "{token}",
    description: "The number of input (prompt) tokens used per inference operation.",
    boundaries: tokens,
  },
  /** Since 0.1.0. */
  outputTokens: {
    name: "gen_ai.client.inference.operation.output_tokens",
    unit: "{token}",
    description: "The number of output (completion) tokens used per inference operation.",
    boundaries: tokens,
  },
} as const;

/** Providers whose name in the conventions is not that of their LangChain package. */
const providerNames: Readonly<Record<string, string>> = {
  "google-genai": "gcp.gemini",
  google: "gcp.gemini",
  "google-vertexai": "gcp.vertex_ai",
  mistralai: "mistral_ai",
  aws: "aws.bedrock",
  bedrock: "aws.bedrock",
  azure: "azure.ai.openai",
  "azure-openai": "azure.ai.openai",
  xai: "x_ai",
  moonshot: "moonshot_ai",
  watsonx: "ibm.watsonx.ai",
};

/** `provider:name` as the conventions' provider and model; a model without a provider is its own. */
export function providerAndModel(id: string): { readonly provider: string; readonly model: string } {
  const at = id.indexOf(":");
  if (at < 0) return { provider: id === "offline" ? "agent_dag" : id, model: id };
  const provider = id.slice(0, at);
  return { provider: providerNames[provider] ?? provider, model: id.slice(at + 1) };
}
