// Which destinations may be knocked at. A destination that could not be reached, or that refused us at the door,
// rests for a growing time; then one connection tries it, and the others follow when it opens.
import type { Clock } from "../clock.ts";

export interface Doors {
  mayKnock(destination: string): boolean;
  /** A connection is on its way to it. */
  knock(destination: string): void;
  /** Returns true when it had been shut before. */
  opened(destination: string): boolean;
  shut(destination: string): void;
  /** The one that was to try it went elsewhere. */
  leave(destination: string): void;
}

interface Door {
  failures: number;
  state: "resting" | "may-probe" | "probing";
}

const FIRST_REST_MS = 500;
const LONGEST_REST_MS = 30_000;

export function createDoors(options: { clock: Clock; signal: AbortSignal; onOpen: () => void }): Doors {
  const doors = new Map<string, Door>();
  return {
    mayKnock: (destination) => {
      const door = doors.get(destination);
      return door === undefined || door.state === "may-probe";
    },
    knock: (destination) => {
      const door = doors.get(destination);
      if (door?.state === "may-probe") door.state = "probing";
    },
    opened: (destination) => {
      const wasShut = doors.delete(destination);
      if (wasShut) options.onOpen();
      return wasShut;
    },
    shut: (destination) => {
      const door = doors.get(destination) ?? { failures: 0, state: "probing" };
      doors.set(destination, door);
      // Twenty connections that hear the same refusal at once are one failure.
      if (door.state === "resting") return;
      const restMs = Math.min(FIRST_REST_MS * 2 ** door.failures, LONGEST_REST_MS);
      door.failures = Math.min(door.failures + 1, 16);
      door.state = "resting";
      void options.clock.sleep(restMs, options.signal).then(() => {
        if (door.state === "resting") door.state = "may-probe";
        options.onOpen();
      });
    },
    leave: (destination) => {
      const door = doors.get(destination);
      if (door?.state === "probing") door.state = "may-probe";
    },
  };
}
