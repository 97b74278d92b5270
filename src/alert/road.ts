// The port of the roads by which alerts are told. Whoever implements it must pass test/conformance/alert-roads.ts.
import type { Alert } from "./alert.ts";

export const ROADS = ["mail", "webhook", "command"] as const;
export type RoadName = (typeof ROADS)[number];

/** One alert to one target. */
export interface Message {
  alert: Alert;
  /** One of the road's own. */
  target: string;
  /** Nobody answered: it goes to the deputy. */
  deputy: boolean;
  /** The same each time that this message is told. */
  id: string;
}

export interface RoadAnswer {
  ok: boolean;
  /** In a few words for people: what was answered, or what went wrong. Without secrets. */
  answer: string;
  /** It is of no use to try again. */
  final?: boolean;
}

export interface Road {
  readonly name: RoadName;
  readonly targets: { readonly first: readonly string[]; readonly deputy: readonly string[] };
  /** Within half a minute, at once when aborted; never rejects. */
  tell(message: Message, signal: AbortSignal): Promise<RoadAnswer>;
}

export interface Target {
  road: RoadName;
  target: string;
}

export function targetsOf(roads: readonly Road[], whose: "first" | "deputy"): Target[] {
  return roads.flatMap((road) => road.targets[whose].map((target) => ({ road: road.name, target })));
}
