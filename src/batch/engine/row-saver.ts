import { BaseCheckpointSaver, type CheckpointTuple } from "@langchain/langgraph";
import { logNamespace } from "../../stores/thread-log.js";
import { type PutNew, threadSaver } from "../../stores/thread-saver.js";
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
  readonly keepsOrder: boolean;
  readonly keepsCheckpoints = false;
  readonly putNew: PutNew | undefined;
  /** Milliseconds that the store's clock is ahead of this process's. */
  #aheadMs = Date.now() - performance.now();
  readonly #inner: BaseCheckpointSaver;
  readonly #contact: Contact;
  readonly #onFailure: (error: unknown) => void;
  /** How the leases of rows whose run has ended are given back, by thread. */
  readonly #ended = new Map<string, () => Promise<void>>();

  /** @param onFailure Told of what the store fails with for good: a run would go on without it, and its row must not. */
  constructor(inner: BaseCheckpointSaver, contact: Contact, onFailure: (error: unknown) => void) {
    super(inner.serde);
    this.#inner = inner;
    this.#contact = contact;
    this.#onFailure = onFailure;
    this.storeName = (inner as { storeName?: unknown }).storeName;
    const { keepsOrder, putNew } = threadSaver(inner);
    this.keepsOrder = keepsOrder === true;
    this.putNew = putNew && ((...given) => this.#told(() => putNew.apply(inner, given)));
  }

  /** Enters what the store's clock said: it was asked at `askedMs`, of this process's clock. */
  tellTime(storeMs: number, askedMs: number): void {
    this.#aheadMs = storeMs - (askedMs + performance.now()) / 2;
  }

  /** What leases go by: the engine's clock, as it was told last. */
  readonly storeNowMs = async (): Promise<number> => performance.now() + this.#aheadMs;

  readonly letGo = (thread: string, giveBack: () => Promise<void>): void => {
    this.#ended.set(thread, giveBack);
  };

  /** Gives the lease of a row's thread back where its run has ended: others may go on with it. */
  async giveBack(thread: string): Promise<void> {
    const giveBack = this.#ended.get(thread);
    this.#ended.delete(thread);
    await giveBack?.();
  }

  /** Forgets the lease of a thread that was deleted. */
  forget(thread: string): void {
    this.#ended.delete(thread);
  }

  override async getTuple(config: Config): Promise<CheckpointTuple | undefined> {
    return isOurs(config) ? this.#told(() => this.#inner.getTuple(config)) : undefined;
  }

  override list(...given: Parameters<BaseCheckpointSaver["list"]>): AsyncGenerator<CheckpointTuple> {
    return this.#inner.list(...given);
  }

  override async put(...given: Put): Promise<Config> {
    const [config, checkpoint] = given;
    if (isOurs(config)) return this.#told(() => this.#inner.put(...given));
    return { configurable: { ...config.configurable, checkpoint_id: checkpoint.id } };
  }

  override async putWrites(...given: PutWrites): Promise<void> {
    if (isOurs(given[0])) await this.#told(() => this.#inner.putWrites(...given));
  }

  override async deleteThread(thread: string): Promise<void> {
    await this.#told(() => this.#inner.deleteThread(thread));
  }

  async #told<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await this.#contact.patiently(act);
    } catch (error) {
      this.#onFailure(error);
      throw error;
    }
  }
}

function isOurs({ configurable = {} }: Config): boolean {
  return String(configurable.checkpoint_ns ?? "").startsWith(logNamespace);
}
