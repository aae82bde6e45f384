import { AsyncLocalStorage } from "node:async_hooks";
import type { Work } from "./scope.js";

const works = new AsyncLocalStorage<Work>();

/** Runs user code as a part of a piece of work: a run that it starts is nested in the work's. */
export function asPartOf<T>(work: Work, code: () => T): T {
  return works.run(work, code);
}

/** The piece of work whose user code is running. */
export function surroundingWork(): Work | undefined {
  return works.getStore();
}
