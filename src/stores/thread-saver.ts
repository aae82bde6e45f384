import type { BaseCheckpointSaver } from "@langchain/langgraph";

type Put = Parameters<BaseCheckpointSaver["put"]>;
type PutWrites = Parameters<BaseCheckpointSaver["putWrites"]>;

/** Puts a checkpoint and its first writes as one, unless it is there already; resolves whether it was not. */
export type PutNew = (
  config: Put[0],
  checkpoint: Put[1],
  metadata: Put[2],
  writes: PutWrites[1],
  task: PutWrites[2],
) => Promise<boolean>;

/** What a checkpointer may do beyond LangGraph's port. Each is used where it is there. */
export interface ThreadSaver {
  /** What is put first is there first, so that nothing has to wait for what was put before it. */
  readonly keepsOrder?: boolean;
  /** `false` where LangGraph's own checkpoints are left out: then they need not be made. */
  readonly keepsCheckpoints?: boolean;
  /** The clock that all who share the store go by, in milliseconds since 1970. */
  readonly storeNowMs?: () => Promise<number>;
  readonly putNew?: PutNew | undefined;
  /** Takes over giving back the lease of a thread whose run has ended: for one that is about to be deleted, nothing has to be told. */
  readonly letGo?: (thread: string, giveBack: () => Promise<void>) => void;
}

/** A checkpointer by what it may do beyond LangGraph's port. */
export function threadSaver(saver: BaseCheckpointSaver): ThreadSaver {
  return saver as ThreadSaver;
}
