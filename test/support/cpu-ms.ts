/**
 * Milliseconds of processor time that work takes, the least of several tries: what else the machine does in the meantime is not
 * counted, unlike in wall time.
 */
export async function cpuMs(work: () => unknown, tries = 3): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < tries; i++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}
