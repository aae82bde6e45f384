import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";
import { GraphInterrupt, MemorySaver } from "@langchain/langgraph";
import type { UserCodeHost } from "../../nodes/engine/run-context.js";
import type { RunOptions } from "../../nodes/engine/run-options.js";
import { type WorkKey, workPath } from "../../src/records/work-id.js";
import { opaqueSaver } from "./opaque-saver.js";
import { type CallConfig, privateNames } from "./private-names.js";

/**
 * Runs user code in a LangGraph surrounding of its own: `interrupt(payload)` gives it the answers that there are, in order, and
 * throws the next question; a graph that it invokes persists nowhere but there.
 */
export const userCodeHost: UserCodeHost = Object.assign(
  <T>(answers: readonly unknown[], code: () => T): T =>
    AsyncLocalStorageProviderSingleton.runWithConfig(surrounding(answers), code),
  {
    payloadOf(error: unknown) {
      // By its class: an error that only looks like LangGraph's is an error.
      if (!(error instanceof GraphInterrupt)) return undefined;
      const [first] = error.interrupts;
      return first === undefined ? undefined : { value: first.value as unknown };
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

function surrounding(answers: readonly unknown[]): CallConfig {
  const current: CallConfig | undefined = AsyncLocalStorageProviderSingleton.getRunnableConfig();
  const scratchpad = {
    interruptCounter: -1,
    resume: [...answers],
    nullResume: undefined,
    consumeNullResume: () => undefined,
  };
  return {
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
}

/** Runs code as if no LangGraph were around it: a run within a run has its own checkpointer and thread. */
export function outsideLangGraph<T>(code: () => T): T {
  const storage = AsyncLocalStorageProviderSingleton.getInstance();
  return storage.getStore() === undefined ? code() : (storage.run(undefined, code) as T);
}
