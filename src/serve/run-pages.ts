import type { RunEvent } from "../records/events.js";
import { createLivePage, type LivePage } from "../report/live-page.js";
import { RequestError } from "./problem.js";
import type { Fields } from "./request-fields.js";
import type { RunService } from "./run-service.js";
import type { ServedRun } from "./served-run.js";

/**
 * The live pages of a service: one at the root, of the run that was started last and each one after it, and one of every run.
 * A page is made when somebody looks at it.
 */
export class RunPages {
  readonly #runs: RunService;
  readonly #unwatch: () => void;
  #front: LivePage | null = null;
  /** The run at the root. */
  #shown: ServedRun | null = null;

  constructor(runs: RunService) {
    this.#runs = runs;
    this.#unwatch = runs.watch((it, event) => this.#follow(it, event));
  }

  /** What the page at the root gives: itself, its events, its file. */
  async front(request: Request): Promise<Response> {
    if (this.#front === null) {
      this.#front = livePage();
      this.#shown = this.#runs.newest;
      for (const event of this.#shown?.feed.events ?? []) this.#front.onEvent(event);
    }
    return (await this.#front.respond(request)) as Response;
  }

  /** The same of the page of one run. @throws RequestError 404. */
  async one(id: string, request: Request): Promise<Response> {
    const it = await this.#runs.get(id);
    if (it.page === null) {
      it.page = livePage();
      for (const event of it.feed.events) it.page.onEvent(event);
    }
    return (await it.page.respond(request)) as Response;
  }

  /**
   * Goes on with a run by the answers that were given on a page, by node.
   * @param id The run that the page showed; `null` for the one that is at the root now.
   * @throws RequestError 404, 409; DagError `ANSWER_INVALID`.
   */
  async answer(id: string | null, answers: Fields, request: Request): Promise<void> {
    const of = id ?? this.#shown?.id;
    if (of === undefined)
      throw new RequestError("RUN_UNKNOWN", 404, "There is no run that could be answered.");
    await this.#runs.answer(of, answers, request);
  }

  close(): void {
    this.#unwatch();
    this.#front?.close();
  }

  #follow(it: ServedRun, event: RunEvent): void {
    it.page?.onEvent(event);
    if (this.#front === null || it !== this.#runs.newest) return;
    if (it !== this.#shown) {
      this.#shown = it;
      // What it told before it became the newest one.
      for (const earlier of it.feed.events) this.#front.onEvent(earlier);
    } else this.#front.onEvent(event);
  }
}

/** A page that shows questions, whoever takes the answers. */
function livePage(): LivePage {
  return createLivePage({ hosts: null });
}
