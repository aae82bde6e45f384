import { z } from "zod";
import { longestMs } from "./bounds.js";
import { modelPattern } from "./model-rules.js";
import { objectNames, reservedNames } from "./node-rules.js";
import { mostRounds } from "./reference-rules.js";
import type { JsonSchema } from "./shape.js";

/**
 * The JSON Schema of the file form, for completion and checks in editors. It describes one node at a time: names that
 * have to match each other, cycles and the like are left to `validate`.
 */
export function fileSchema(): JsonSchema {
  const schema = z.toJSONSchema(dagFile(), { target: "draft-07", io: "input" });
  return {
    $schema: schema.$schema,
    $id: "agent-dag.schema.json",
    title: "agent-dag: a DAG of agents",
    ...schema,
  };
}

function dagFile() {
  // Not every reader of patterns knows Unicode's classes: what is no letter, mark or digit beyond ASCII is left to `validate`.
  const letter = "[^\\x00-@[-`{-\\xa9]";
  const others = "[^\\x00-,./:-@[-^`{-\\xa9]";
  const reserved = [...reservedNames, ...objectNames].join("|");
  const allowed = new RegExp(`^(?!(?:${reserved})$)${letter}${others}{0,63}$`);
  return z.strictObject({
    $schema: z.string().optional().describe("Where this schema is found; for editors."),
    name: z.string().min(1).max(200).describe("Name of the DAG."),
    version: z.literal(1).optional().describe("Version of the form of the spec. Default: 1."),
    description: z.string().optional(),
    model: modelName().optional().describe("Model for every agent that has none of its own."),
    policy: policy()
      .extend({ deadlineMs: ms("Longest the whole run may take, in milliseconds.").optional() })
      .optional(),
    input: z
      .union([z.literal("messages"), z.looseObject({})])
      .optional()
      .describe('JSON Schema of the run\'s input, or "messages" for a conversation. Default: plain text.'),
    context: jsonSchema("JSON Schema of what a run has to be given as `context`, in TypeScript.").optional(),
    output: z
      .string()
      .optional()
      .describe("The node whose value is the run's output. Default: what nothing needs."),
    example: z.unknown().optional().describe("A sample input, used where none is given."),
    nodes: z
      .record(z.string().regex(allowed), node())
      .describe("The nodes, by name.")
      .meta({ minProperties: 1 }),
  });
}

/** The kinds that a file can hold; functions and tools are TypeScript only. */
function node() {
  return z.union([agent(), graph(), approval()]);
}

function agent() {
  return z.strictObject({
    instructions: z.string().min(1).describe("What the agent is to do: the system message."),
    output: jsonSchema("JSON Schema that the answer has to fit. Default: plain text.").optional(),
    model: modelName().optional().describe("The agent's own model."),
    modelOptions: z
      .strictObject({
        temperature: z.number().min(0).optional().describe("Sampling temperature. Default: the provider's."),
        maxTokens: z.int().min(1).optional().describe("Most tokens of one answer. Default: the provider's."),
        structured: z
          .enum(["strict", "schema", "tool", "json", "instructions"])
          .optional()
          .describe("How the model is held to a schema. Default: the strongest way that its server takes."),
        acceptTruncated: z
          .boolean()
          .optional()
          .describe("Lets a text that was cut at the token limit pass. Default: false."),
        toolCallsInText: z
          .boolean()
          .optional()
          .describe(
            "Reads calls that the model writes as text. Default: for models that are known to do so.",
          ),
      })
      .optional(),
    include: z
      .enum(["input", "needs", "both"])
      .optional()
      .describe('What the prompt carries. Default: "both".'),
    ...common(),
  });
}

function graph() {
  return z.strictObject({
    dag: z.string().min(1).describe("Path of another DAG's file, relative to this one."),
    input: z
      .unknown()
      .optional()
      .describe("The inner run's input: JSON with { $ref: <reference> } inside. Default: this run's."),
    repeat: z
      .strictObject({
        until: condition(),
        maxRounds: z.int().min(1).max(mostRounds).describe("Most rounds."),
        onExhausted: z
          .enum(["accept", "fail"])
          .optional()
          .describe('What becomes of the node when maxRounds ends it. Default: "accept".'),
      })
      .optional()
      .describe("Runs the inner DAG round by round."),
    ...common(),
  });
}

function approval() {
  return z.strictObject({
    approve: z.strictObject({
      message: z.string().min(1).describe("What the person is asked."),
      show: z
        .array(
          z.union([
            z.strictObject({ ...roots.node(), ...path() }),
            z.strictObject({ ...roots.input(), ...path() }),
            z.strictObject({ ...roots.item(), ...path() }),
          ]),
        )
        .optional()
        .describe("What is to be looked at before answering."),
    }),
    ...common(),
  });
}

function common() {
  return {
    description: z.string().optional().describe("What the node does, for the diagram and for a planner."),
    needs: z
      .array(z.string())
      .meta({ uniqueItems: true })
      .optional()
      .describe("Nodes whose outcomes this one is given."),
    join: join().optional(),
    when: when().optional(),
    forEach: forEach().optional(),
    policy: policy().optional(),
  };
}

function join() {
  const deadlineMs = ms("Longest to wait after the first need settled, in milliseconds.").optional();
  return z
    .union([
      z.enum(["all", "settled", "any"]),
      z.strictObject({ atLeast: z.int().min(1).describe("Needs that have to complete."), deadlineMs }),
      z.strictObject({ mode: z.enum(["settled", "any"]), deadlineMs }),
    ])
    .describe('When the node runs, told from the outcomes of its needs. Default: "all".');
}

const roots = {
  node: () => ({ node: z.string().describe("One of the node's needs.") }),
  input: () => ({ input: z.literal(true).describe("The run's input.") }),
  item: () => ({ item: z.literal(true).describe("The item, under forEach.") }),
};
const path = () => ({
  path: z.string().min(1).optional().describe("Dotted path, for example items.0.name."),
});

function when() {
  return condition().describe(
    "The node runs only when this holds: a reference and one test, a state, or several combined.",
  );
}

/** One condition schema for all places, because it holds itself. Made when it is first asked for: nothing runs at import. */
let madeCondition: z.ZodType | undefined;

function condition(): z.ZodType {
  madeCondition ??= makeCondition();
  return madeCondition;
}

function makeCondition(): z.ZodType {
  const tests = {
    equals: z.unknown().optional(),
    in: z.array(z.unknown()).min(1).optional(),
    gt: z.number().optional(),
    lt: z.number().optional(),
    exists: z.boolean().optional(),
  };
  const state = z.enum(["completed", "failed", "timed-out", "skipped", "cancelled"]);
  const parts = () => z.array(any).min(1);
  const any: z.ZodType = z
    .lazy(() =>
      z.union([
        z.strictObject({ ...roots.node(), ...path(), ...tests }),
        z.strictObject({ ...roots.input(), ...path(), ...tests }),
        z.strictObject({ ...roots.node(), state: z.union([state, z.array(state).min(1)]) }),
        z.strictObject({ all: parts() }),
        z.strictObject({ any: parts() }),
        z.strictObject({ not: any }),
      ]),
    )
    .meta({
      id: "condition",
      description: "A reference and one test, a state of a node, or several combined.",
    });
  return any;
}

function forEach() {
  const items = z.union([
    z.string().min(1).describe("Name of an array field of the input."),
    z.strictObject({ ...roots.node(), ...path() }),
    z.strictObject({ ...roots.input(), ...path() }),
  ]);
  const limited = z.strictObject({
    items,
    maxConcurrency: z.int().min(1).optional().describe("Most items at once. Default: all."),
    key: z
      .string()
      .min(1)
      .optional()
      .describe("Dotted path, within an item, of what tells it from the others."),
    onItemError: z
      .enum(["null", "omit", "fail"])
      .optional()
      .describe('What stands where an item did not complete. Default: "null".'),
  });
  return z.union([...items.options, limited]).describe("The array that the node maps over.");
}

function policy() {
  return z.strictObject({
    retry: z
      .strictObject({
        maxAttempts: z
          .int()
          .min(1)
          .max(20)
          .optional()
          .describe("Most attempts, the first included. Default: 3."),
        initialIntervalMs: waitMs("Wait before the second attempt, in milliseconds. Default: 500."),
        backoffFactor: z
          .number()
          .min(1)
          .optional()
          .describe("Each wait is this many times the one before. Default: 2."),
        maxIntervalMs: waitMs("Longest wait, in milliseconds. Default: 30000."),
        jitter: z
          .boolean()
          .optional()
          .describe("Whether waits vary, so that calls do not return together. Default: true."),
        retryOn: z.array(z.string()).optional().describe("Error codes that are retried."),
      })
      .optional(),
    timeoutMs: ms("Longest one attempt may take, in milliseconds.").optional(),
    idleTimeoutMs: ms("Longest silence between two streamed chunks, in milliseconds.").optional(),
    onError: z
      .enum(["isolate", "fail-fast"])
      .optional()
      .describe('Whether a failure cancels siblings. Default: "isolate".'),
    fallbackModels: z
      .array(modelName())
      .optional()
      .describe("Models to try when the first one's attempts are used up."),
    hedge: z
      .strictObject({
        after: z.union([ms("Milliseconds without a first token."), z.literal("p95")]),
        maxExtraShare: z
          .number()
          .gt(0)
          .max(1)
          .optional()
          .describe("Most extra requests, as a share of all. Default: 0.05."),
      })
      .optional(),
    repairAttempts: z
      .int()
      .min(0)
      .max(10)
      .optional()
      .describe("Repairs of an output that does not fit. Default: 1."),
    maxToolRounds: z.int().min(1).max(100).optional().describe("Most rounds of tool calls. Default: 8."),
  });
}

function ms(text: string) {
  return z.number().gt(0).max(longestMs).describe(text);
}

function waitMs(text: string) {
  return z.number().min(0).max(longestMs).optional().describe(text);
}

function modelName() {
  return z.string().regex(modelPattern);
}

function jsonSchema(text: string) {
  return z.looseObject({}).describe(text);
}
