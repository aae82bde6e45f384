import { syncBuiltinESMExports } from "node:module";
import { setImmediate as turn } from "node:timers/promises";
import { install } from "@sinonjs/fake-timers";

/** Turns of the event loop in which nothing happened, after which only a timer can bring something. */
const idleTurns = 12;

/**
 * Puts timers and `performance.now()` of this process on a clock that jumps to the next timer as soon as nothing else is
 * left to do: what runs on it is the program itself, without the machine's own time. What it gives takes that back.
 */
export function installVirtualClock(): () => void {
  const realTurn = turn;
  const clock = install({ toFake: ["setTimeout", "clearTimeout", "performance"], now: 0 });
  syncBuiltinESMExports();
  let isOn = true;
  const go = async () => {
    while (isOn) {
      for (let i = 0; i < idleTurns; i++) await realTurn();
      if (clock.countTimers() > 0) await clock.nextAsync();
    }
  };
  void go();
  return () => {
    isOn = false;
    clock.uninstall();
    syncBuiltinESMExports();
  };
}
