import type { PlannerStep } from "../compare/simulated-run.js";
import type { CallRecord, Simulated, Waited } from "../records/events.js";
import type { TextPart } from "../records/kept-text.js";
import type { Price } from "../records/price.js";

/**
 * What the page shows: plain data that was read from records with every field checked, so that the page itself can
 * trust its shape. Times are milliseconds since the run's start. Texts are shown as text, whatever they hold.
 */
export interface PageData {
  readonly version: 1;
  readonly title: string;
  readonly runs: readonly PageRun[];
  readonly graphs: Readonly<Record<string, PageGraph>>;
  readonly compare: PageComparison | null;
  readonly diff: PageDiff | null;
  /** What all rows of a batch came to, of which `runs` are a few; absent where `runs` are all there is. */
  readonly batch?: PageBatch;
  /** Whether prompts, answers and values were left out. */
  readonly noTexts: boolean;
}

/** One run. */
export interface PageRun {
  readonly label: string;
  readonly id: string;
  readonly dag: string;
  readonly topology: string;
  readonly thread: string | null;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly criticalPathMs: number;
  readonly state: string;
  readonly error: PageProblem | null;
  readonly input?: unknown;
  readonly output?: unknown;
  readonly usage: PageUsage;
  readonly simulated: string | null;
  readonly command: string | null;
  readonly questions: readonly PageQuestion[];
  readonly notices: readonly string[];
  readonly rows: readonly PageRow[];
  readonly calls: readonly PageCall[];
  /** Long texts by hash. */
  readonly texts: Readonly<Record<string, string>>;
  /** Names of the graphs in {@link PageData.graphs}: this run's own, under `graph`. */
  readonly graph: string;
  /** What it is predicted from otherwise; absent where it is not. */
  readonly whatIf?: PageWhatIf;
}

/** What predictions need besides what is shown. */
export interface PageWhatIf {
  readonly simulated: Simulated | null;
  /** By name of the topology. */
  readonly topologies: Readonly<Record<string, PageGrounds>>;
  /** Models that may be chosen. */
  readonly models: readonly string[];
  /** Of these and of the record's own, where one is known. */
  readonly prices: Readonly<Record<string, Price>>;
}

/** What a topology changes of what the nodes did. */
export interface PageGrounds {
  /** What the record does not tell and was estimated. */
  readonly notes: readonly string[];
  /** Nodes that are not run. */
  readonly left: readonly string[];
  /** Requests of nodes that would do something else. */
  readonly replaced: Readonly<Record<string, readonly CallRecord[]>>;
  /** A planner's steps; `null` where none decides. */
  readonly planner: readonly PlannerStep[] | null;
}

export interface PageUsage {
  readonly modelCalls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number | null;
  readonly estimated: boolean;
}

export interface PageProblem {
  readonly code: string;
  readonly message: string;
  /** The model's text that could not be used. */
  readonly text?: string;
}

export interface PageQuestion {
  readonly node: string;
  readonly kind: string;
  readonly message: string;
  readonly value?: unknown;
  readonly show?: unknown;
}

/** A piece of work: a node, an item, a round, an inner node, a planner's call. */
export interface PageRow {
  /** Its path: `notes[3]/judge`. */
  readonly id: string;
  readonly parent: string | null;
  readonly name: string;
  /** The declared node's path, which stands in the graph. */
  readonly declared: string;
  readonly kind: string;
  readonly state: string;
  readonly readyAtMs: number | null;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly attempts: number;
  readonly critical: boolean;
  readonly reused: boolean;
  /** Whether `maxRounds` ended it. */
  readonly exhausted: boolean;
  readonly problem: PageProblem | null;
  readonly value?: unknown;
  readonly counts: PageCounts | null;
  readonly tries: readonly PageTry[];
  readonly progress?: unknown;
}

/** Of a map, a loop or a called node: how many parts it has, and how many of them in which state. */
export interface PageCounts {
  readonly noun: "item" | "round" | "call";
  readonly total: number;
  readonly states: Readonly<Record<string, number>>;
}

/** An attempt of a function or a tool. */
export interface PageTry {
  readonly attempt: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly error: PageProblem | null;
}

/** A model request. */
export interface PageCall {
  readonly id: string;
  /** The row that made it. */
  readonly row: string;
  readonly attempt: number;
  readonly model: string;
  readonly startedAtMs: number;
  readonly firstTokenMs: number | null;
  /** `null` while it is under way. */
  readonly durationMs: number | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number | null;
  readonly cacheWriteTokens: number | null;
  readonly reasoningTokens: number | null;
  readonly estimated: boolean;
  readonly costUsd: number | null;
  readonly toolCalls: readonly { readonly name: string; readonly args: unknown }[];
  readonly finishReason: string | null;
  readonly hedged: boolean;
  /** What it waited for before it was sent; absent where it did not wait. */
  readonly waited?: Waited;
  /** The beginning that it shares with others. */
  readonly prefix?: { readonly key: string; readonly tokens: number };
  readonly error: PageProblem | null;
  readonly messages: readonly { readonly role: string; readonly parts: readonly TextPart[] }[] | null;
  readonly reply: readonly TextPart[] | null;
}

/** A declared DAG with places in pixels. */
export interface PageGraph {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PageNode[];
  readonly edges: readonly PageEdge[];
}

export interface PageNode {
  readonly name: string;
  readonly kind: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly needs: readonly string[];
  readonly output: boolean;
  readonly mapped: boolean;
  readonly repeated: boolean;
  /** The condition as declared; `null` where there is none. */
  readonly when: string | null;
  readonly join: string | null;
  /** The join as declared, where it is not `all`. */
  readonly rule?: unknown;
  readonly description: string | null;
  readonly declared: Readonly<Record<string, string>>;
  /** Name of the inner graph in {@link PageData.graphs}. */
  readonly inner: string | null;
}

export interface PageEdge {
  readonly from: string;
  readonly to: string;
  readonly points: readonly (readonly [number, number])[];
  readonly conditional: boolean;
}

/** A batch in figures. */
export interface PageBatch {
  readonly total: number;
  readonly states: readonly (readonly [state: string, rows: number])[];
  readonly codes: readonly (readonly [code: string, rows: number])[];
  /** Milliseconds a row. */
  readonly time: PageSpread | null;
  /** US dollars a row; `null` where no price is known. */
  readonly cost: PageSpread | null;
  /** US dollars of all rows; `null` when the price of a call is unknown. */
  readonly costUsd: number | null;
  /** How far it is; absent once it has ended. */
  readonly progress?: PageBatchProgress;
}

/** A batch under way. */
export interface PageBatchProgress {
  /** Rows that there are; `null` while that is unknown. */
  readonly rows: number | null;
  readonly perSecond: number;
  /** US dollars so far; `null` when the price of a call is unknown. */
  readonly costUsd: number | null;
  /** How many rows run and wait for answers. */
  readonly running: number;
  readonly waiting: number;
  /** The rows that have run longest and those that wait for an answer, a few of them. */
  readonly underWay: readonly PageRowUnderWay[];
}

/** A row of a batch that runs. */
export interface PageRowUnderWay {
  readonly key: string;
  /** Id of its run. */
  readonly run: string;
  /** Milliseconds since its run started. */
  readonly tookMs: number;
  /** Nodes that have settled, of all. */
  readonly settled: number;
  readonly nodes: number;
  /** Names of nodes that run now. */
  readonly now: readonly string[];
  /** How often it has stopped to ask. */
  readonly asked: number;
  readonly questions: readonly PageQuestion[];
}

/** How values are spread. */
export interface PageSpread {
  readonly least: number;
  readonly most: number;
  readonly p50: number;
  readonly p95: number;
  /** How many lie in each of so many equal parts from the least to the most. */
  readonly bins: readonly number[];
}

/** Topologies side by side. */
export interface PageComparison {
  readonly advice: string;
  readonly topologies: readonly PageFigures[];
  readonly agreement: readonly {
    readonly topology: string;
    readonly exact: number;
    readonly similarity: number;
    readonly fields: Readonly<Record<string, number>>;
  }[];
}

export interface PageFigures {
  readonly topology: string;
  readonly wallMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly criticalPathMs: number;
  readonly modelCalls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number | null;
  readonly failures: number;
  /** Number of its typical run in {@link PageData.runs}, -1 where it has none. */
  readonly run: number;
  /** Whether no run of it has ended yet: its figures are those of the run under way. */
  readonly open?: true;
}

/** Two runs and where they part. */
export interface PageDiff {
  readonly first: string | null;
  /** Nodes that differ, the first divergence first, then in the order of the second run. */
  readonly nodes: readonly PageDifference[];
  readonly input: readonly PageWord[] | null;
  readonly output: readonly PageWord[] | null;
  readonly figures: readonly { readonly name: string; readonly before: string; readonly after: string }[];
}

export interface PageDifference {
  readonly node: string;
  readonly before: string;
  readonly after: string;
  /** `declaration` where the node itself was changed. */
  readonly kind: "first" | "follows" | "own";
  readonly declarationChanged: boolean;
  readonly words: readonly PageWord[];
}

/** A stretch of text: in both, only before (`-`), or only after (`+`). */
export type PageWord = readonly [sign: "=" | "-" | "+", text: string];

/** What a live page is told in one message: what has changed since the one before. */
export interface LiveChange {
  /** Present where the page begins anew: everything. */
  readonly data?: PageData;
  /** What has changed of runs, by their ids. */
  readonly runs?: Readonly<Record<string, RunChange>>;
  /** Runs that the page had not shown, and their graphs. */
  readonly added?: readonly PageRun[];
  readonly graphs?: PageData["graphs"];
  readonly compare?: PageComparison;
  readonly batch?: PageBatch;
}

/** What has changed of one run. */
export interface RunChange {
  /** Its fields. */
  readonly run?: Partial<PageRun>;
  readonly rows?: readonly PageRow[];
  readonly calls?: readonly PageCall[];
  readonly texts?: Readonly<Record<string, string>>;
  /** Text that calls have answered since, by call. */
  readonly said?: Readonly<Record<string, string>>;
}
