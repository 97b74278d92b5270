// What a relay still holds of a lane that was stopped: how many, under which of its ids, and the command that stops them
// there. Only ids of a known shape get into a command: people paste it into a shell.

/** Ids that are shown, and that a command names. */
export const IDS_SHOWN = 20;

export interface AtRelay {
  /** At most so many: some of them may have arrived unseen. */
  count: number;
  /** The relay's own ids of the first of them. */
  ids: string[];
  /** Stops these at the relay; null: its kind of queue is not known. */
  command: string | null;
  /** Lets them go on. */
  release: string | null;
}

const QUEUES = [
  // Postfix, short (hexadecimal) and long queue ids. Each id wants its own option (postsuper(1)).
  {
    shape: /^[0-9A-Za-z]{5,24}$/,
    stop: (ids: string[]) => option("-h", ids),
    go: (ids: string[]) => option("-H", ids),
  },
  // Exim: freezes, and thaws (the Exim specification, section 5.2).
  {
    shape: /^[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}$/,
    stop: (ids: string[]) => `exim -Mf ${ids.join(" ")}`,
    go: (ids: string[]) => `exim -Mt ${ids.join(" ")}`,
  },
] as const;

function option(name: string, ids: readonly string[]): string {
  return `postsuper ${ids.map((id) => `${name} ${id}`).join(" ")}`;
}

/** Null: the relay holds nothing. `ids`: as the relay named them, in any shape. */
export function describeAtRelay(count: number, ids: readonly string[]): AtRelay | null {
  if (count === 0) return null;
  const shown = ids.slice(0, IDS_SHOWN);
  const queue = QUEUES.find(({ shape }) => shown.length > 0 && shown.every((id) => shape.test(id)));
  return {
    count,
    ids: [...shown],
    command: queue?.stop([...shown]) ?? null,
    release: queue?.go([...shown]) ?? null,
  };
}
