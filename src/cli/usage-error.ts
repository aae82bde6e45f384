import { DagError } from "../errors.js";

/** Wrong usage: the command ends with status 2 and the message. */
export class UsageError extends DagError {
  constructor(message: string, hint?: string, cause?: unknown) {
    super("USAGE", message, { cause, ...(hint !== undefined && { hint }) });
  }
}
