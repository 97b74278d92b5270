// The sandbox: a set of simulated providers with mild, realistic manners, each on a port of its own, for a server
// that was started without configuration. Nothing that is sent to them leaves the machine.
import { type Clock, systemClock } from "../clock.ts";
import { BellwetherError } from "../errors.ts";
import type { Script } from "./moment.ts";
import { SimulatedProvider } from "./provider-server.ts";
import type { ReplyName } from "./replies.ts";
import { combine, deferFirst, forShare, refuseShare } from "./scripts.ts";

interface Manners {
  replyDelayMs: number;
  unknownUser: ReplyName;
  /** What a share of the addresses hears at the first attempt; undefined: nobody. */
  greylist?: ReplyName;
  maxConnections: number;
}

/** Share of addresses that do not exist, and of those that are greylisted where that is done. */
const UNKNOWN_SHARE = 0.01;
const GREYLISTED_SHARE = 0.02;

const MANNERS: Readonly<Record<string, Manners>> = {
  google: { replyDelayMs: 3, unknownUser: "google-user-unknown", maxConnections: 100 },
  outlook: { replyDelayMs: 4, unknownUser: "outlook-user-unknown", maxConnections: 100 },
  microsoft365: { replyDelayMs: 5, unknownUser: "microsoft365-user-unknown", maxConnections: 100 },
  yahoo: { replyDelayMs: 4, unknownUser: "yahoo-user-unknown", maxConnections: 50 },
  apple: { replyDelayMs: 3, unknownUser: "apple-user-unknown", maxConnections: 50 },
  orange: { replyDelayMs: 5, unknownUser: "orange-user-unknown", greylist: "greylisted", maxConnections: 50 },
  other: { replyDelayMs: 2, unknownUser: "user-unknown", greylist: "greylisted", maxConnections: 100 },
};

export const SANDBOX_PROVIDERS: readonly string[] = Object.keys(MANNERS);

export interface SandboxOptions {
  /** Ids out of SANDBOX_PROVIDERS; all when left out. */
  providers?: readonly string[];
  /** Decides which addresses do not exist and which are greylisted. */
  seed?: number;
  clock?: Clock;
}

export interface Sandbox {
  /** By provider id; each has its own `host` and `port`. */
  providers: ReadonlyMap<string, SimulatedProvider>;
  close(): Promise<void>;
}

/** Throws `provider-unknown`, `listen-failed`; then none of them is left listening. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { seed = 1, clock = systemClock } = options;
  const providers = new Map<string, SimulatedProvider>();
  const close = async () => {
    await Promise.all([...providers.values()].map((provider) => provider.close()));
  };
  for (const id of options.providers ?? SANDBOX_PROVIDERS) {
    const manners = mannersOf(id);
    providers.set(
      id,
      new SimulatedProvider({
        id,
        script: sandboxScript(manners, seed),
        replyDelayMs: manners.replyDelayMs,
        maxConnections: manners.maxConnections,
        features: { smtpUtf8: true, size: 36_700_160 },
        keepMessages: 50,
        clock,
      }),
    );
  }
  try {
    await Promise.all([...providers.values()].map((provider) => provider.start()));
  } catch (error) {
    await close();
    throw error;
  }
  return { providers, close };
}

function sandboxScript(manners: Manners, seed: number): Script {
  const unknown = refuseShare(UNKNOWN_SHARE, seed, manners.unknownUser);
  if (manners.greylist === undefined) return unknown;
  return combine(unknown, forShare(GREYLISTED_SHARE, seed + 1, deferFirst(1, manners.greylist)));
}

function mannersOf(id: string): Manners {
  const manners = Object.hasOwn(MANNERS, id) ? MANNERS[id] : undefined;
  if (manners !== undefined) return manners;
  throw new BellwetherError(
    "provider-unknown",
    `the sandbox has no provider "${id}"`,
    `choose from: ${SANDBOX_PROVIDERS.join(", ")}`,
  );
}
