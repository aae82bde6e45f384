import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { errorMessage } from "../errors.js";
import type { ServedPage } from "../report/served-page.js";
import { nodeListener } from "../serve/node-listener.js";
import { listenForInterrupt } from "./interrupt.js";
import { type Io, tell, write } from "./io.js";
import { UsageError } from "./usage-error.js";

/** A page on this computer. */
export interface WebPage {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves a page on the loopback address and says where.
 * @param port 0 for any that is free.
 * @throws UsageError when the port is taken.
 */
export async function serveWeb(
  port: number,
  page: Pick<ServedPage, "respond" | "close">,
  io: Io,
): Promise<WebPage> {
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
    close: () =>
      new Promise((resolve) => {
        page.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Leaves the page up until Ctrl-C. */
export async function stay({ url }: WebPage, io: Io): Promise<void> {
  tell(io.stderr, `The page stays on ${url} until Ctrl-C.\n`);
  const interrupt = listenForInterrupt(() => {});
  await new Promise<void>((resolve) => {
    interrupt.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  interrupt.close();
}

/** Where answers that are given on a page meet the runs that wait for them. */
export interface AnswerDesk {
  /** Fits `onAnswer` of a page. Throws where the run does not wait. */
  take(answers: Readonly<Record<string, unknown>>, run: string): void;
  /** The next answers for a run, by node; `null` when a signal is aborted first. */
  next(run: string, ...signals: readonly AbortSignal[]): Promise<Record<string, unknown> | null>;
}

/** A desk that nobody waits at. */
export function createAnswerDesk(): AnswerDesk {
  const waiting = new Map<string, (answers: Readonly<Record<string, unknown>>) => void>();
  return {
    take(answers, run) {
      const give = waiting.get(run);
      if (give === undefined) throw new Error("The run does not wait for an answer now.");
      give(answers);
    },
    next: (run, ...signals) =>
      new Promise((resolve) => {
        const done = (answers: Readonly<Record<string, unknown>> | null) => {
          waiting.delete(run);
          for (const signal of signals) signal.removeEventListener("abort", stop);
          resolve(answers);
        };
        const stop = () => done(null);
        if (signals.some((signal) => signal.aborted)) return stop();
        for (const signal of signals) signal.addEventListener("abort", stop);
        waiting.set(run, done);
      }),
  };
}
