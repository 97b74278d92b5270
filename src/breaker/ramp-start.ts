// Which lanes start first. With final feedback each starts at once: its first window is one mail, and the answer is there
// as soon as it left. Behind a relay answers take a while, and what is wrong with us is wrong everywhere: the largest
// lane's canary goes first, and the others follow when it was answered, or when it has been watched for one soak. Pure.
import type { LaneRecord } from "./lane-record.ts";

export interface Stagger {
  /** How long the others wait for the first lane at most, ms: one soak. */
  waitMs: number;
}

type Startable = Pick<LaneRecord, "id" | "route" | "feedback" | "size" | "window" | "state" | "pulse">;

/** Lanes that wait for the largest lane of their route. Where all of them fit into their canaries nobody waits. */
export function followersOf<Lane extends Startable>(lanes: readonly Lane[]): Lane[] {
  const behindRelays = lanes.filter((lane) => lane.feedback === "relay" && lane.size > 0);
  return behindRelays.filter((lane) => {
    const route = behindRelays.filter((one) => one.route === lane.route);
    return route.some((one) => one.size > one.window) && leaderOf(route) !== lane;
  });
}

function leaderOf<Lane extends Startable>(route: readonly Lane[]): Lane | undefined {
  return route.reduce<Lane | undefined>(
    (best, lane) => (best === undefined || lane.size > best.size ? lane : best),
    undefined,
  );
}

/** The first lane of its route has heard of an arrival, or has come to another end. */
export function mayFollow(lane: Startable, lanes: readonly Startable[]): boolean {
  const leader = leaderOf(lanes.filter((one) => one.feedback === "relay" && one.route === lane.route));
  if (leader === undefined || leader.id === lane.id) return true;
  return leader.state === "held" || leader.state === "done" || (leader.pulse.ramp?.signs ?? 0) > 0;
}
