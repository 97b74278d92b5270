// Which lane each open connection of a route has last served: a lane that may have fewer connections than it has does
// not keep the ones without work open.

export interface Served {
  /** A connection takes a mail of `lane`; `before`: whom it served until now. Returns the lane. */
  serve(lane: number, before: number | null): number;
  /** It is closed. */
  leave(lane: number | null): void;
  /** Its lane has more connections than may serve it. */
  isCrowded(lane: number | null): boolean;
}

/** `mostOf`: connections that may serve a lane at once; undefined: as many as there are. */
export function createServed(mostOf: (lane: number) => number | undefined): Served {
  const counts = new Map<number, number>();
  const add = (lane: number, by: number) => {
    const count = (counts.get(lane) ?? 0) + by;
    if (count > 0) counts.set(lane, count);
    else counts.delete(lane);
  };
  return {
    serve: (lane, before) => {
      if (lane === before) return lane;
      if (before !== null) add(before, -1);
      add(lane, 1);
      return lane;
    },
    leave: (lane) => {
      if (lane !== null) add(lane, -1);
    },
    isCrowded: (lane) =>
      lane !== null && (counts.get(lane) ?? 0) > (mostOf(lane) ?? Number.POSITIVE_INFINITY),
  };
}
