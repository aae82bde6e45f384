/**
 * Collects what is asked for while an earlier question is under way, and asks for it together: the more there is to do, the
 * fewer round trips a piece takes.
 */
export class Together<Asked, Answer> {
  readonly #ask: (asked: Asked[]) => Promise<readonly Answer[]>;
  readonly #most: number;
  #queue: { asked: Asked; resolve: (answer: Answer) => void; reject: (error: unknown) => void }[] = [];
  readonly #lanes: number;
  readonly #soon: (run: () => void) => void;
  #running = 0;

  /**
   * @param most Most that is asked for at once.
   * @param lanes Most questions that are under way at once. With more than one, which is for what must not wait, a question also
   * goes out before anything else has its turn.
   */
  constructor(ask: (asked: Asked[]) => Promise<readonly Answer[]>, most = 500, lanes = 1) {
    this.#ask = ask;
    this.#most = most;
    this.#lanes = lanes;
    this.#soon = lanes > 1 ? process.nextTick : setImmediate;
  }

  ask(asked: Asked): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ asked, resolve, reject });
      if (this.#running >= this.#lanes) return;
      this.#running++;
      // What is asked for in the same turn goes along.
      this.#soon(() => void this.#run());
    });
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const group = this.#queue.splice(0, this.#most);
      try {
        const answers = await this.#ask(group.map(({ asked }) => asked));
        for (const [at, { resolve }] of group.entries()) resolve(answers[at] as Answer);
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#running--;
  }
}
