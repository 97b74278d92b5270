// Which intakes the configuration asks for. Each adapter is loaded only when it is on.
import type { Clock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import type { Bookmarks, Intake } from "./delivery/intake.ts";

export type WebhookDoors = ReadonlyMap<string, unknown>;

export async function createIntakes(_parts: {
  config: Config;
  clock: Clock;
  secret: string;
  bookmarks: Bookmarks;
}): Promise<{ intakes: Intake[]; doors: WebhookDoors }> {
  return { intakes: [], doors: new Map<string, unknown>() };
}
