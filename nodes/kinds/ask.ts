import { DagError, type DagIssue, DagValidationError, unawaited } from "../../src/errors.js";
import { hashOf } from "../../src/spec/canonical.js";
import { isPlainObject, issue, readable, showValue, unknownKeys } from "../../src/spec/issue.js";
import { validateModel, validateTools } from "../../src/spec/model-rules.js";
import { toJsonSchema } from "../../src/spec/schema.js";
import { validateSchema } from "../../src/spec/schema-rules.js";
import type { Ask, AskOptions } from "../../src/spec/shape.js";
import type { Work } from "../engine/scope.js";
import { Suspension } from "../engine/suspension.js";
import { runAgent } from "./agent.js";

/** What a function asks models, in one attempt. */
export interface Asking {
  readonly ask: Ask;
  /** The function has ended: what is asked later is refused. @throws Suspension while a tool of a request waits for a person. */
  end(): void;
}

/**
 * Model requests of a function: each is the function's own work in the record, under its policy, the run's limits, budgets
 * and middleware. A reply is persisted by what was asked, so that a resumed run finds it again, in whatever order the
 * function asks.
 */
export function askingOf(work: Work): Asking {
  const { run } = work.scope;
  const asked = new Map<string, number>();
  let turns = 0;
  let suspension: Suspension | undefined;
  let ended = false;

  const answer = async (prompt: string, options: AskOptions = {}): Promise<unknown> => {
    assertAskable(prompt, options);
    if (ended) throw tooLate(work);
    const { schema: output, model, tools = [] } = options;
    const about = hashOf([
      prompt,
      output === undefined ? null : toJsonSchema(output),
      typeof model === "string" ? model : null,
      tools.map((one) => ("tool" in one ? one.tool.name : one.name)),
    ]);
    const time = asked.get(about) ?? 0;
    asked.set(about, time + 1);
    try {
      const { value } = await runAgent(work, {
        begin: () => ({ messages: [{ role: "user", content: prompt }] }),
        tools,
        output,
        model,
        modelOptions: {},
        steps: `attempt ${work.attempt} ask ${about} ${time} `,
        nextTurn: () => turns++,
      });
      return value;
    } catch (error) {
      if (error instanceof Suspension) suspension = error;
      if (error instanceof DagError && error.retryable) run.retriedErrors.add(error);
      throw error;
    }
  };
  const ask = (prompt: string, options?: AskOptions): Promise<unknown> => {
    const asking = answer(prompt, options);
    unawaited(asking);
    return asking;
  };
  return {
    ask: ask as Ask,
    end() {
      ended = true;
      if (suspension !== undefined) throw suspension;
    },
  };
}

/** @throws DagValidationError carrying every issue. */
function assertAskable(prompt: unknown, options: unknown): void {
  const issues: DagIssue[] = [];
  if (typeof prompt !== "string" || prompt.trim() === "") {
    const message = `The prompt has to be a text, but is ${showValue(prompt)}.`;
    issues.push(issue("bad-value", "prompt", message, 'Write ask("What to do, and the data to do it on").'));
  }
  if (!isPlainObject(options)) {
    const message = `Its options have to be an object, but are ${showValue(options)}.`;
    issues.push(issue("bad-value", "options", message, "Write { schema, model, tools }."));
  } else {
    issues.push(
      ...unknownKeys(options, ["schema", "model", "tools"], "options"),
      ...readable("options.schema", () => validateSchema(options.schema, "options.schema", { sent: true })),
      ...readable("options.model", () => validateModel(options.model, "options.model")),
      ...readable("options.tools", () => validateTools(options.tools, "options.tools")),
    );
  }
  if (issues.length > 0) throw new DagValidationError("What was asked of `ask`", issues);
}

function tooLate({ key }: Work): DagError {
  return new DagError("ASK_TOO_LATE", `"${key.node}" asked a model after it had ended.`, {
    facts: { node: key.node },
    hint: "Await every `ask` before the function returns.",
  });
}
