import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";
import { GraphInterrupt, MemorySaver } from "@langchain/langgraph";
import type { UserCodeHost } from "../../nodes/engine/run-context.js";
import type { RunOptions } from "../../nodes/engine/run-options.js";
import { LostQuestionError } from "../../nodes/engine/suspension.js";
import { errorMessage } from "../../src/errors.js";
import { causeChain, textField } from "../../src/models/error-chain.js";
import { type WorkKey, workPath } from "../../src/records/work-id.js";
import { inContext } from "./light-context.js";
import { opaqueSaver } from "./opaque-saver.js";
import { type CallConfig, privateNames } from "./private-names.js";

/**
 * Runs user code in a LangGraph surrounding of its own: `interrupt(payload)` gives it the answers that there are, in order, and
 * throws the next question; a graph that it invokes persists nowhere but there.
 */
export const userCodeHost: UserCodeHost = Object.assign(
  <T>(answers: readonly unknown[], code: () => T): T => {
    const { config, scratchpad } = surrounding(answers);
    const given: unknown = inContext(config, code);
    const heard = (value: unknown) => {
      if (scratchpad.interruptCounter >= answers.length) throw interruptCaught();
      return value;
    };
    return (given instanceof Promise ? given.then(heard) : heard(given)) as T;
  },
  {
    payloadOf(error: unknown) {
      const chain = causeChain(error);
      // By its class: an error that only looks like LangGraph's is an error.
      const thrown = chain.find((link) => link instanceof GraphInterrupt);
      const first = thrown?.interrupts[0];
      if (first !== undefined) return { value: first.value as unknown };
      const failed = chain.find(isFailedInterrupt);
      return failed === undefined ? undefined : { unreadable: firstLine(errorMessage(failed)) };
    },
    outside: outsideLangGraph,
    threadFor({ checkpointer, thread = "" }: RunOptions, key: WorkKey): object {
      return {
        configurable: {
          thread_id: `${thread}/${workPath(key)}`,
          ...(checkpointer !== undefined && { [privateNames.checkpointer]: opaqueSaver(checkpointer) }),
        },
      };
    },
  },
);

/** Whether it was thrown while LangGraph made its error of a payload, which it writes as JSON into the message. */
function isFailedInterrupt(link: unknown): boolean {
  return (
    textField(link, "stack")?.includes(`new ${GraphInterrupt.name} (`) === true &&
    !(link instanceof GraphInterrupt)
  );
}

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? text;

/** A question that nobody hears would be lost, and the work would go on as if it had not been asked. */
function interruptCaught(): LostQuestionError {
  return new LostQuestionError(
    "INTERRUPT_CAUGHT",
    "A question was asked with `interrupt`, and what it threw was caught.",
    {
      hint: "Throw it on: `interrupt` asks by throwing, so no `try` may end it, nor `Promise.allSettled`.",
    },
  );
}

interface Scratchpad {
  /** How often `interrupt` was called, less one. */
  readonly interruptCounter: number;
}

function surrounding(answers: readonly unknown[]): { config: CallConfig; scratchpad: Scratchpad } {
  const current: CallConfig | undefined = AsyncLocalStorageProviderSingleton.getRunnableConfig();
  const scratchpad = {
    interruptCounter: -1,
    resume: [...answers],
    nullResume: undefined,
    consumeNullResume: () => undefined,
  };
  const config = {
    ...(current?.callbacks !== undefined && { callbacks: current.callbacks }),
    ...(current?.tags !== undefined && { tags: current.tags }),
    ...(current?.metadata !== undefined && { metadata: current.metadata }),
    configurable: {
      [privateNames.scratchpad]: scratchpad,
      [privateNames.checkpointer]: new MemorySaver(),
      [privateNames.checkpointNamespace]: "",
      thread_id: "user-code",
    },
  };
  return { config, scratchpad };
}

/** Runs code as if no LangGraph were around it: a run within a run has its own checkpointer and thread. */
export function outsideLangGraph<T>(code: () => T): T {
  const storage = AsyncLocalStorageProviderSingleton.getInstance();
  return storage.getStore() === undefined ? code() : (storage.run(undefined, code) as T);
}
