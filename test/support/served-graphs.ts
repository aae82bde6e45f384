import { afterEach } from "@jest/globals";
import { z } from "zod";
import { createHandler, type DagHandler, type HandlerOptions } from "../../src/serve/handler.js";
import { defineDag } from "../../src/spec/define.js";
import { gate } from "../serve/client.js";

/** How often `loud` has run. */
export let made = 0;
export const greet = defineDag({
  name: "greet",
  input: z.object({ name: z.string().min(1) }),
  nodes: {
    hello: { run: ({ input }) => `Hello ${(input as { name: string }).name}` },
    loud: { needs: ["hello"], run: ({ needs }) => `${++made && needs.hello}!` },
  },
});
export const letter = defineDag({
  name: "letter",
  nodes: {
    draft: { run: () => "Dear all" },
    check: { needs: ["draft"], approve: { message: "May it go out?" } },
    send: { needs: ["check"], run: () => "sent" },
  },
});
/** What `slow` waits for; closed anew after each test. */
export let held = gate();
/** Why `slow` was ended. */
export let abortedBy: unknown;
export const slow = defineDag({
  name: "slow",
  nodes: {
    first: { run: () => 1 },
    second: {
      needs: ["first"],
      run: ({ signal, progress }) => {
        progress("begun");
        return new Promise((resolve, reject) => {
          signal.addEventListener("abort", () => {
            abortedBy = signal.reason;
            reject(signal.reason);
          });
          void held.passed.then(() => resolve(2));
        });
      },
    },
  },
});

export const handlers: DagHandler[] = [];
export function handlerOf(options: HandlerOptions = {}): DagHandler {
  const handler = createHandler([greet, letter, slow], options);
  handlers.push(handler);
  return handler;
}
afterEach(async () => {
  held.open();
  for (const handler of handlers.splice(0)) await handler.close({ drainMs: 0 });
  held = gate();
});

export const ada = { dag: "greet", input: { name: "Ada" } };
export const jsonOf = async (response: Response): Promise<any> => response.json();
