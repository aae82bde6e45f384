/** Something that a test has to have used up by its end: a script, a cassette. */
export interface EndCheck {
  /**
   * Checks that everything was used.
   * @throws DagError when something was not.
   */
  check(): void | Promise<void>;
}

// On the global object, because a runner may load this file twice: once for its setup and once for the tests.
const key = Symbol.for("agent-dag.at-end");

/** Has `check` run when the test ends, where `agent-dag/jest` is set up; elsewhere it waits to be called by hand. */
export function checkAtEnd(check: EndCheck): void {
  const holder = globalThis as { [key]?: EndCheck[] };
  holder[key] ??= [];
  holder[key].push(check);
}

/** How many checks wait: those added later belong to what comes later. */
export function openChecks(): number {
  return (globalThis as { [key]?: EndCheck[] })[key]?.length ?? 0;
}

/** Takes out the checks that were added after the first `from`. */
export function takeChecks(from: number): EndCheck[] {
  return (globalThis as { [key]?: EndCheck[] })[key]?.splice(from) ?? [];
}
