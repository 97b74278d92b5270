// What a sending process tells whoever counts: that a try ended, that a commit came back, that a door stayed shut.
// Said after the fact and never asked: nothing of sending depends on it, and it holds no address and no domain.
import type { Outcome } from "./outcome.ts";

/** Called from the middle of sending: the methods must return at once and must not throw. */
export interface Observer {
  /** A try ended. `seconds`: from the mail's turn on its connection to the answer; null: nothing reached the wire. */
  onOutcome(outcome: { provider: string; event: Outcome["event"]; seconds: number | null }): void;
  /** A commit was answered, after so many seconds: how many outcomes it made durable, how many intents it granted. */
  onCommit(commit: { seconds: number; settles: number; intents: number }): void;
  /** A commit failed; the same group is tried again. */
  onCommitFailed(): void;
  /** A connection could not be made: the other side refused us, or was not there. No mail was tried by it. */
  onDoorShut(door: { provider: string; why: "refused" | "unreachable" }): void;
}

export const NO_OBSERVER: Observer = {
  onOutcome: () => undefined,
  onCommit: () => undefined,
  onCommitFailed: () => undefined,
  onDoorShut: () => undefined,
};
