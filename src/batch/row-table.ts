import { hashOf } from "../spec/canonical.js";

/** What is known of a row. */
export interface KnownRow {
  /** Where its line begins in the results file, in bytes. */
  readonly offset: number;
  /** Hash of the input that it was made from: 16 hex digits. */
  readonly inputHash: string;
  readonly standing: Standing;
  readonly spent: Spent;
}

/** What a row's lines had used. */
export interface Spent {
  readonly modelCalls: number;
  /** Input and output together. */
  readonly tokens: number;
  /** US dollars, unknown prices left out. */
  readonly costUsd: number;
}

/** `done` and `failed` rows are not run again by themselves; `open` ones are. */
export type Standing = "done" | "failed" | "open";

const standings: readonly Standing[] = ["done", "failed", "open"];

/** In the flags of a slot: it has a line in the file. The lower bits are the standing. */
const hasLine = 4;

/**
 * The rows of a batch by key, in about 60 bytes a row whatever their keys: a hash table in typed arrays with open addressing.
 * Keys are known by 64 bits of their SHA-256: among 10 million of them, two are taken for one with a chance of 3 in a million.
 */
export class RowTable {
  #size = 0;
  #last: { readonly key: string | null; readonly bits: bigint } = { key: null, bits: 1n };
  #capacity = 1024;
  #keys = new BigUint64Array(this.#capacity);
  #inputs = new BigUint64Array(this.#capacity);
  #offsets = new Float64Array(this.#capacity);
  #turns = new Uint32Array(this.#capacity);
  #flags = new Uint8Array(this.#capacity);
  #calls = new Uint32Array(this.#capacity);
  #tokens = new Float64Array(this.#capacity);
  #costs = new Float64Array(this.#capacity);

  /** What the results file holds of a row; `undefined` where it holds nothing. */
  find(key: string): KnownRow | undefined {
    const slot = this.#slotOf(this.#bitsOf(key));
    const flags = this.#flags[slot] ?? 0;
    if ((flags & hasLine) === 0) return undefined;
    return {
      offset: this.#offsets[slot] ?? 0,
      inputHash: (this.#inputs[slot] ?? 0n).toString(16).padStart(16, "0"),
      standing: standings[flags & 3] ?? "open",
      spent: {
        modelCalls: this.#calls[slot] ?? 0,
        tokens: this.#tokens[slot] ?? 0,
        costUsd: this.#costs[slot] ?? 0,
      },
    };
  }

  /** Enters a row's line, in place of an earlier one. */
  enter(key: string, { offset, inputHash, standing, spent }: KnownRow): void {
    const slot = this.#claim(this.#bitsOf(key));
    this.#calls[slot] = spent.modelCalls;
    this.#tokens[slot] = spent.tokens;
    this.#costs[slot] = spent.costUsd;
    this.#offsets[slot] = offset;
    this.#inputs[slot] = BigInt(`0x${inputHash}`);
    this.#flags[slot] = hasLine | standings.indexOf(standing);
  }

  /** How often the key has been asked for in this batch, this time included. */
  turn(key: string): number {
    const slot = this.#claim(this.#bitsOf(key));
    const turn = (this.#turns[slot] ?? 0) + 1;
    this.#turns[slot] = turn;
    return turn;
  }

  /** Whether the key has been asked for in this batch. */
  wasMet(key: string): boolean {
    return (this.#turns[this.#slotOf(this.#bitsOf(key))] ?? 0) > 0;
  }

  /** Never 0, which stands for a free slot. A key is asked for several times in turn: the last one is remembered. */
  #bitsOf(key: string): bigint {
    if (key !== this.#last.key) this.#last = { key, bits: BigInt(`0x${hashOf(key)}`) || 1n };
    return this.#last.bits;
  }

  /** The slot of a key, taken for it where it had none. */
  #claim(bits: bigint): number {
    const slot = this.#slotOf(bits);
    if (this.#keys[slot] === bits) return slot;
    this.#size++;
    if (this.#size * 5 > this.#capacity * 4) {
      this.#grow();
      const moved = this.#slotOf(bits);
      this.#keys[moved] = bits;
      return moved;
    }
    this.#keys[slot] = bits;
    return slot;
  }

  /** The slot that holds the key, or the free one where it would stand. */
  #slotOf(bits: bigint): number {
    const mask = this.#capacity - 1;
    let slot = Number(bits & 0xffffffffn) & mask;
    for (;;) {
      const found = this.#keys[slot];
      if (found === bits || found === 0n) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const old = {
      keys: this.#keys,
      inputs: this.#inputs,
      offsets: this.#offsets,
      turns: this.#turns,
      flags: this.#flags,
      calls: this.#calls,
      tokens: this.#tokens,
      costs: this.#costs,
    };
    this.#capacity *= 2;
    this.#keys = new BigUint64Array(this.#capacity);
    this.#inputs = new BigUint64Array(this.#capacity);
    this.#offsets = new Float64Array(this.#capacity);
    this.#turns = new Uint32Array(this.#capacity);
    this.#flags = new Uint8Array(this.#capacity);
    this.#calls = new Uint32Array(this.#capacity);
    this.#tokens = new Float64Array(this.#capacity);
    this.#costs = new Float64Array(this.#capacity);
    for (const [at, bits] of old.keys.entries()) {
      if (bits === 0n) continue;
      const slot = this.#slotOf(bits);
      this.#keys[slot] = bits;
      this.#inputs[slot] = old.inputs[at] ?? 0n;
      this.#offsets[slot] = old.offsets[at] ?? 0;
      this.#turns[slot] = old.turns[at] ?? 0;
      this.#flags[slot] = old.flags[at] ?? 0;
      this.#calls[slot] = old.calls[at] ?? 0;
      this.#tokens[slot] = old.tokens[at] ?? 0;
      this.#costs[slot] = old.costs[at] ?? 0;
    }
  }
}
