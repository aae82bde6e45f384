import { DagError } from "../errors.js";
import type { Model, ModelRequest } from "../models/port.js";
import { readPrompt } from "../models/prompt-layout.js";
import { declaredPath, outermost } from "../records/work-id.js";
import { assertArgument, assertOptions, excerpt, isList, isObject, pathTo } from "../spec/issue.js";
import { composedName } from "../spec/names.js";
import { checkAtEnd } from "./at-end.js";
import { partsOf, playParts, type ScriptedCall, type ScriptedReply } from "./scripted-reply.js";

/** A reply, or a function of the call that makes one. */
export type ScriptedStep = ScriptedReply | ((call: ScriptedCall) => ScriptedReply | Promise<ScriptedReply>);

/**
 * Replies by node, in the order of the node's calls, retries included. Nodes of a graph node are `outer/inner`, planner
 * and joiner `$planner` and `$joiner`. Under `forEach` the nth reply is the nth item's, whatever item asks first;
 * `"name[2]"` holds the replies of an item that calls more than once. In a loop `loop/inner` holds the replies round after
 * round, `"loop@2/inner"` those of the second.
 */
export type Script = Readonly<Record<string, readonly ScriptedStep[]>>;

/** A model that answers from a script. Pass it to `run` as `model`. */
export interface ScriptedModel extends Model {
  /** The calls that were made so far, in the order in which they came. */
  readonly calls: readonly ScriptedCall[];
  /**
   * Checks that every reply was used and no call was unexpected. Where `agent-dag/jest` is set up, the end of the test
   * does this by itself, unless it was done by hand.
   * @throws DagError `SCRIPT_NOT_DONE`.
   */
  assertDone(): void;
}

/**
 * A model for tests that answers what the script says. A call that the script does not expect fails with
 * `SCRIPT_UNEXPECTED_CALL`, and a reply that was never used fails the test.
 * @example const model = scriptedModel({ features: ["Long battery life."], meta: [(call) => `Seen: ${call.prompt.length}`] });
 */
export function scriptedModel(given: Script, options: { readonly id?: string } = {}): ScriptedModel {
  assertArgument("scriptedModel", isObject(given), ["script", given, "an object of steps by node"]);
  for (const [name, steps] of Object.entries(given))
    assertArgument("scriptedModel", isList(steps), [pathTo("script", name), steps, "a list of replies"]);
  assertOptions("scriptedModel", options);
  const { id = "scripted:model" } = options;
  const script = Object.fromEntries(
    Object.entries(given).map(([name, steps]) => [composedName(name), steps]),
  );
  const used = new Map(Object.keys(script).map((name) => [name, new Set<number>()]));
  const calls: ScriptedCall[] = [];
  const unexpected: string[] = [];
  let asserted = false;

  const stepFor = (request: ModelRequest): ScriptedStep => {
    const place = placeIn(script, request);
    const taken = used.get(place.name);
    const index = place.index ?? taken?.size ?? 0;
    const step = script[place.name]?.[index];
    if (step === undefined || taken === undefined || taken.has(index)) {
      const error = unexpectedCall(script, request, place.name);
      unexpected.push(error.message);
      throw error;
    }
    taken.add(index);
    return step;
  };

  const model: ScriptedModel = {
    id,
    calls,
    async *call(request) {
      const call = scriptedCall(request);
      calls.push(call);
      const step = stepFor(request);
      yield* playParts(partsOf(typeof step === "function" ? await step(call) : step), request.signal);
    },
    assertDone() {
      asserted = true;
      const unused = [...used].flatMap(([name, taken]) =>
        (script[name] ?? []).flatMap((step, index) =>
          taken.has(index) ? [] : [`${name}, reply ${index + 1}: ${brief(step)}`],
        ),
      );
      if (unused.length + unexpected.length > 0) throw notDone(unused, unexpected, calls);
    },
  };
  checkAtEnd({
    check() {
      if (!asserted) model.assertDone();
    },
  });
  return model;
}

/**
 * Where the reply to a request stands: under which name and, for items, at which position. Replies under a path without
 * rounds and items (`outer/inner`) are taken in the order of the calls, those of one map by its items.
 */
function placeIn(script: Script, { node, item }: ModelRequest): { name: string; index?: number } {
  const own = item === null ? node : `${node}[${item}]`;
  if (Object.hasOwn(script, own)) return { name: own };
  if (item !== null && Object.hasOwn(script, node)) return { name: node, index: item };
  const declared = declaredPath(node);
  if (declared === node || !Object.hasOwn(script, declared))
    return item === null ? { name: node } : { name: node, index: item };
  const steps = node.split("/").map(outermost);
  const items = [...steps.map((step) => step.item), item].filter((index) => index !== null);
  const [only] = items;
  const isOneMap = items.length === 1 && steps.every(({ round }) => round === null);
  return isOneMap && only !== undefined ? { name: declared, index: only } : { name: declared };
}

function scriptedCall(request: ModelRequest): ScriptedCall {
  const system = request.messages.find((message) => message.role === "system");
  const instructions = readPrompt(request.messages)?.instructions ?? system?.content ?? "";
  return { ...request, instructions, prompt: request.messages.at(-1)?.content ?? "" };
}

function unexpectedCall(script: Script, { node, item, turn, attempt }: ModelRequest, name: string): DagError {
  const who = item === null ? `"${node}"` : `Item ${item} of "${node}"`;
  const count = script[name]?.length ?? 0;
  const has = Object.hasOwn(script, name)
    ? `the script has ${count} ${count === 1 ? "reply" : "replies"} for "${name}"`
    : `the script has none for "${name}"; it names ${Object.keys(script).join(", ") || "no node"}`;
  return new DagError(
    "SCRIPT_UNEXPECTED_CALL",
    `${who} called the scripted model (request ${turn + 1}, attempt ${attempt}), and ${has}.`,
    {
      facts: { node, item, turn, attempt },
      hint: "Add the reply to the script, or find out why the call is made.",
    },
  );
}

function notDone(
  unused: readonly string[],
  unexpected: readonly string[],
  calls: readonly ScriptedCall[],
): DagError {
  const called = [...new Set(calls.map((call) => call.node))].join(", ") || "none";
  const parts = [
    ...(unused.length > 0
      ? [
          `${unused.length} scripted ${unused.length === 1 ? "reply was" : "replies were"} never used:\n${bullets(unused)}`,
        ]
      : []),
    ...(unexpected.length > 0 ? [`Unexpected calls:\n${bullets(unexpected)}`] : []),
    `Nodes that called the model: ${called}.`,
  ];
  return new DagError("SCRIPT_NOT_DONE", parts.join("\n"), { facts: { unused, unexpected } });
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `  - ${line}`).join("\n");
}

function brief(step: ScriptedStep): string {
  if (typeof step === "function") return "(function)";
  const text = step instanceof Error ? String(step) : (JSON.stringify(step) ?? String(step));
  return excerpt(text, 80);
}
