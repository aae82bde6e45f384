import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { errorMessage } from "../errors.js";
import type { RunEvent } from "../records/events.js";
import { createLivePage } from "../report/live-page.js";
import { nodeListener } from "../serve/node-listener.js";
import { type Io, write } from "./io.js";
import { UsageError } from "./usage-error.js";

/** A run's page on this computer. */
export interface WebRun {
  readonly url: string;
  onEvent(event: RunEvent): void;
  /** The next answers given on the page, by node; `null` when the signal is aborted first. */
  answers(signal: AbortSignal): Promise<Record<string, unknown> | null>;
  close(): Promise<void>;
}

/**
 * Serves a run's page on the loopback address.
 * @param port 0 for any that is free.
 * @throws UsageError when the port is taken.
 */
export async function serveRun(port: number, command: string | undefined, io: Io): Promise<WebRun> {
  let take: ((answers: Record<string, unknown>) => void) | null = null;
  const page = createLivePage({
    ...(command !== undefined && { command }),
    onAnswer(answers) {
      if (take === null) throw new Error("The run does not wait for an answer now.");
      take(answers);
    },
  });
  const nothing = () => new Response("There is nothing here.\n", { status: 404 });
  const server = createServer(nodeListener(async (request) => (await page.respond(request)) ?? nothing()));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      reject(
        new UsageError(
          `The page cannot be served on port ${port}: ${errorMessage(error)}.`,
          "Give another port, or none.",
          error,
        ),
      );
    });
    server.listen(port, "127.0.0.1", resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await write(io.stderr, `Live page: ${url}\n`);
  return {
    url,
    onEvent: (event) => page.onEvent(event),
    answers: (signal) =>
      new Promise((resolve) => {
        const stop = () => {
          take = null;
          resolve(null);
        };
        if (signal.aborted) return stop();
        signal.addEventListener("abort", stop, { once: true });
        take = (answers) => {
          take = null;
          signal.removeEventListener("abort", stop);
          resolve(answers);
        };
      }),
    close: () =>
      new Promise((resolve) => {
        page.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
