import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import type { Socket } from "node:net";

/** File descriptors that are left for stores, logs and what runs call. */
const leftForOthers = 256;

/**
 * Keeps room for those who have something to say. While all connections are taken, a new one takes the place of one that
 * asks for nothing: of the one that has been silent longest since it came, or else since its last answer. Where all are
 * being answered, the new one is closed at once.
 *
 * It must be given the server before that listens.
 * @param most Most connections at once; fewer where the process may open fewer files.
 */
export function keepRoom(server: Server, most: number): void {
  const places = Math.max(1, Math.min(most, openFilesLimit() - leftForOthers));
  /** Both in the order in which their silence began. */
  const unheard = new Set<Socket>();
  const between = new Set<Socket>();
  /** Requests of a connection that are being answered: with pipelining there may be several. */
  const answering = new WeakMap<Socket, number>();
  let taken = 0;
  server.on("connection", (socket) => {
    taken++;
    socket.once("close", () => {
      taken--;
      unheard.delete(socket);
      between.delete(socket);
    });
    if (taken > places) {
      const [silent = socket] = unheard.size > 0 ? unheard : between;
      unheard.delete(silent);
      between.delete(silent);
      silent.destroy();
      if (silent === socket) return;
    }
    unheard.add(socket);
  });
  server.on("request", ({ socket }, response) => {
    unheard.delete(socket);
    between.delete(socket);
    answering.set(socket, (answering.get(socket) ?? 0) + 1);
    response.once("close", () => {
      const left = (answering.get(socket) ?? 1) - 1;
      answering.set(socket, left);
      if (left === 0 && !socket.destroyed) between.add(socket);
    });
  });
}

/** How many files this process may have open at once, connections included; Infinity where that is not known. */
function openFilesLimit(): number {
  try {
    const [, limit] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return limit === undefined ? Infinity : Number(limit);
  } catch {
    // Not on Linux.
    return Infinity;
  }
}
