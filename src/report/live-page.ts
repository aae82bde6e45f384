import type { RunEvent } from "../records/events.js";
import { liveRun } from "./live-run.js";
import type { PageData } from "./page-model.js";
import { renderReport } from "./report.js";
import { type ServedPage, type ServedPageOptions, servePage } from "./served-page.js";

/** What a live page is served with. */
export interface LivePageOptions extends ServedPageOptions {
  /** The command that reproduces the run. @default none */
  readonly command?: string;
  /** Whether prompts, answers and values are on the page and in the file. @default true */
  readonly texts?: boolean;
}

/** A page that shows a run while it happens, for any server that speaks in `Request` and `Response`. */
export interface LivePage extends Pick<ServedPage, "respond" | "close"> {
  /** Takes an event of the run; fits `onEvent` of `run`. */
  onEvent(event: RunEvent): void;
}

/** A live page of one run that nobody watches yet. */
export function createLivePage({ command, texts = true, ...options }: LivePageOptions = {}): LivePage {
  const shown = command === undefined ? {} : { command };
  const live = liveRun({ ...shown, noTexts: !texts });
  const data = (): PageData => {
    const run = live.run();
    return {
      version: 1,
      title: run?.label ?? "agent-dag",
      runs: run === null ? [] : [run],
      graphs: live.graphs(),
      compare: null,
      diff: null,
      noTexts: !texts,
    };
  };
  const report = () => {
    const record = live.record();
    return record === null ? null : renderReport(record, { ...shown, texts });
  };
  const page = servePage({ data, report }, options);
  let id = "";
  return {
    onEvent(event) {
      if (event.type === "run-started") id = event.id;
      const change = live.add(event);
      if (change === "begun") page.tell({ data: data() });
      else if (change !== null) page.tell({ runs: { [id]: change } });
    },
    respond: page.respond,
    close: page.close,
  };
}
