/** Timers and sockets that keep the process alive. */
export function openResources(): { readonly timers: number; readonly sockets: number } {
  const kinds = process.getActiveResourcesInfo();
  const count = (pattern: RegExp) => kinds.filter((kind) => pattern.test(kind)).length;
  return { timers: count(/^Timeout$/), sockets: count(/TCP|TLS|HTTP|GetAddrInfo/) };
}

/**
 * What is open beyond `before`, once what closes by itself within a second has closed (Node's HTTP client keeps a clock
 * for so long, and Jest its own).
 */
export async function leftOpen(
  before: ReturnType<typeof openResources>,
): Promise<{ timers: number; sockets: number }> {
  let left = { timers: 0, sockets: 0 };
  for (let tries = 0; tries < 60; tries++) {
    const now = openResources();
    left = {
      timers: Math.max(0, now.timers - before.timers),
      sockets: Math.max(0, now.sockets - before.sockets),
    };
    if (left.timers === 0 && left.sockets === 0) return left;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return left;
}
