// One way to write a state table and to refuse an illegal move. The tables themselves stand with their nouns
// (campaign, lane, delivery); this file only reads them.
import { BellwetherError } from "./errors.ts";

/** For each state, the states that it may move to. A state without moves is final. */
export type Moves<S extends string> = Readonly<Record<S, readonly S[]>>;

export function mayMove<S extends string>(moves: Moves<S>, from: S, to: S): boolean {
  return moves[from].includes(to);
}

/** Returns `to`, or throws `transition-illegal`: an illegal move is a defect, never the user's fault. */
export function move<S extends string>(noun: string, moves: Moves<S>, from: S, to: S): S {
  if (mayMove(moves, from, to)) return to;
  throw new BellwetherError(
    "transition-illegal",
    `A ${noun} cannot move from "${from}" to "${to}".`,
    "Please report this with the campaign's `export`; the data are unchanged.",
  );
}
