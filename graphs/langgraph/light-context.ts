import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";
import { type CallConfig, privateNames } from "./private-names.js";

/**
 * Runs code where LangChain finds this config. Where no callbacks listen, the LangSmith run that LangChain makes for it is made
 * once somebody asks for more of it than whether it is traced: it is not.
 */
export function inContext<T>(config: CallConfig, code: () => T): T {
  const storage = AsyncLocalStorageProviderSingleton.getInstance();
  const around = storage.getStore() as Record<PropertyKey, unknown> | undefined;
  if (config.callbacks !== undefined || around?.[privateNames.contextVariables] !== undefined)
    return AsyncLocalStorageProviderSingleton.runWithConfig(config, code);
  const known = { extra: { [privateNames.childConfig]: config }, tracingEnabled: false };
  return storage.run(
    new Proxy<LateRun>({ known, config, around, run: undefined }, lateRun) as never,
    code,
  ) as T;
}

/** A context before its LangSmith run is there. */
interface LateRun {
  readonly known: object;
  readonly config: CallConfig;
  /** The context around it. */
  readonly around: object | undefined;
  run: object | undefined;
}

function runOf(late: LateRun): object {
  const storage = AsyncLocalStorageProviderSingleton.getInstance();
  late.run ??= storage.run(late.around as never, () =>
    AsyncLocalStorageProviderSingleton.runWithConfig(late.config, () => storage.getStore()),
  ) as object;
  return late.run;
}

const lateRun: ProxyHandler<LateRun> = {
  get: (late, key) =>
    late.run === undefined && (Object.hasOwn(late.known, key) || typeof key === "symbol")
      ? Reflect.get(late.known, key)
      : Reflect.get(runOf(late), key),
  set: (late, key, value) => Reflect.set(runOf(late), key, value),
  has: (late, key) => Reflect.has(runOf(late), key),
  ownKeys: (late) => Reflect.ownKeys(runOf(late)),
  getOwnPropertyDescriptor: (late, key) => Reflect.getOwnPropertyDescriptor(runOf(late), key),
  defineProperty: (late, key, descriptor) => Reflect.defineProperty(runOf(late), key, descriptor),
  getPrototypeOf: (late) => Reflect.getPrototypeOf(runOf(late)),
};
