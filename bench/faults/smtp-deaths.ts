// The death of the SMTP server, by kill -9, in each phase of its dialogue; then it is started again on its port. Where
// the phase can be held, all connections stand in it when it dies, so that the bound is exact.
import { setTimeout as sleep } from "node:timers/promises";
import { CONNECTIONS } from "../../test/world/campaign-folder.ts";
import type { SinkRule } from "../../test/world/sink.ts";
import { type Fault, type Scene, SINK } from "./run.ts";

/** Longer than any strike. */
const HELD_MS = 60_000;

export function smtpDeaths<S extends Scene>(options: {
  open: () => Promise<S>;
  random: () => number;
}): Fault<S>[] {
  const { open, random } = options;
  const always = SINK.rules ?? [];

  /** Every connection gets as far as this phase and waits for its reply. */
  async function heldIn(scene: S, phase: "mail" | "data" | "dot"): Promise<void> {
    await scene.world.sink.setRules([{ phase, delayMs: HELD_MS }, ...always]);
    await sleep(300 + random() * 200);
    await dieAndReturn(scene);
  }

  /** The first connection to get there is the death of all. */
  async function diesOf(scene: S, drop: NonNullable<SinkRule["drop"]>): Promise<void> {
    const { sink } = scene.world;
    const asked = sink.setRules([{ drop }, ...always], { diesOfDrop: true });
    // Its answer may never come: it may be dead by then.
    await Promise.race([asked.catch(() => undefined), sink.ended]);
    await Promise.race([sink.ended, scene.watcher.ended]);
    await dieAndReturn(scene);
  }

  async function dieAndReturn({ world }: S): Promise<void> {
    await world.sink.kill();
    await sleep(random() * 1_000);
    await world.restartSink();
  }

  return [
    {
      name: "kill -9 of the SMTP server, MAIL not answered",
      bound: 0,
      open,
      strike: (scene) => heldIn(scene, "mail"),
    },
    {
      name: "kill -9 of the SMTP server, after RCPT",
      bound: 0,
      open,
      strike: (scene) => heldIn(scene, "data"),
    },
    {
      name: "kill -9 of the SMTP server, in DATA",
      bound: CONNECTIONS,
      open,
      strike: (scene) => diesOf(scene, "mid-data"),
    },
    {
      name: "kill -9 of the SMTP server, after the dot",
      bound: CONNECTIONS,
      open,
      strike: (scene) => heldIn(scene, "dot"),
    },
    {
      name: "kill -9 of the SMTP server, mail taken, no reply",
      bound: CONNECTIONS,
      open,
      strike: (scene) => diesOf(scene, "at-dot-taken"),
    },
  ];
}
