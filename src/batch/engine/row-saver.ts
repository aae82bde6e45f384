import { BaseCheckpointSaver, type CheckpointTuple } from "@langchain/langgraph";
import { logNamespace } from "../../stores/thread-log.js";
import type { Contact } from "./contact.js";

type Config = Parameters<BaseCheckpointSaver["getTuple"]>[0];
type Put = Parameters<BaseCheckpointSaver["put"]>;
type PutWrites = Parameters<BaseCheckpointSaver["putWrites"]>;

/**
 * The checkpointer of rows: it rides out a store that is away for a moment, and keeps what a row is taken up from, its log and its
 * lease. LangGraph's own checkpoints, which only serve to look at a thread and to fork it, are left out: most of the writes.
 */
export class RowSaver extends BaseCheckpointSaver {
  readonly storeName: unknown;
  /** What leases go by: the store's clock, where it has one. */
  readonly storeNowMs: (() => Promise<number>) | undefined;
  readonly #inner: BaseCheckpointSaver;
  readonly #contact: Contact;

  constructor(inner: BaseCheckpointSaver, contact: Contact) {
    super(inner.serde);
    this.#inner = inner;
    this.#contact = contact;
    const { storeName, storeNowMs } = inner as { storeName?: unknown; storeNowMs?: () => Promise<number> };
    this.storeName = storeName;
    this.storeNowMs =
      storeNowMs === undefined ? undefined : () => contact.patiently(() => storeNowMs.call(inner));
  }

  override async getTuple(config: Config): Promise<CheckpointTuple | undefined> {
    return isOurs(config) ? this.#contact.patiently(() => this.#inner.getTuple(config)) : undefined;
  }

  override list(...given: Parameters<BaseCheckpointSaver["list"]>): AsyncGenerator<CheckpointTuple> {
    return this.#inner.list(...given);
  }

  override async put(...given: Put): Promise<Config> {
    const [config, checkpoint] = given;
    if (isOurs(config)) return this.#contact.patiently(() => this.#inner.put(...given));
    return { configurable: { ...config.configurable, checkpoint_id: checkpoint.id } };
  }

  override async putWrites(...given: PutWrites): Promise<void> {
    if (isOurs(given[0])) await this.#contact.patiently(() => this.#inner.putWrites(...given));
  }

  override async deleteThread(thread: string): Promise<void> {
    await this.#contact.patiently(() => this.#inner.deleteThread(thread));
  }
}

function isOurs({ configurable = {} }: Config): boolean {
  return String(configurable.checkpoint_ns ?? "").startsWith(logNamespace);
}
