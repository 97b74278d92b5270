// Who sends, as receivers see it, from the configuration, the DKIM key's file and the machine's own addresses; and what
// DNS says of that sender now.
import { createSocket } from "node:dgram";
import { hostname } from "node:os";
import type { Finding } from "../campaign/preflight/finding.ts";
import { type Leaving, leavingsOf } from "../campaign/preflight/leaving.ts";
import {
  checkSender,
  SENDER_CHECKS,
  type SenderCheck,
  type SenderIdentity,
} from "../campaign/preflight/sender-check.ts";
import { judgeSender, type LaneMails } from "../campaign/preflight/sender-verdict.ts";
import type { Config } from "../config/config.ts";
import { createRecordResolver } from "./dns.ts";
import { dkimPublicKey } from "./smtp/dkim.ts";
import { createSpfEvaluator } from "./spf.ts";

/** @throws BellwetherError `config-value` when the DKIM key cannot be read */
export async function askOfSender(
  config: Config,
  checks: readonly SenderCheck[],
): Promise<Map<SenderCheck, Finding[]>> {
  if (checks.length === 0) return new Map();
  return ask(config, leavingsOf(config, await ownAddresses(config)), checks);
}

/**
 * Every check of the sender, and what it means for these lanes; null: for any. Takes [dns] timeout at most.
 * @throws BellwetherError `config-value` when the DKIM key cannot be read
 */
export async function examineSender(config: Config, lanes: readonly LaneMails[] | null): Promise<Finding[]> {
  const leavings = leavingsOf(config, await ownAddresses(config));
  const needed = leavings.filter(
    ({ provider }) =>
      lanes === null ||
      lanes.some((lane) =>
        provider === null
          ? !leavings.some((other) => other.provider === lane.provider)
          : lane.provider === provider,
      ),
  );
  const found = await ask(config, needed, SENDER_CHECKS);
  return judgeSender({ findings: [...found.values()].flat(), leavings: needed, lanes });
}

/** Longest wait for answers from which no blocker can follow. */
const ASSUMED_MS = 1_000;

async function ask(config: Config, leavings: readonly Leaving[], checks: readonly SenderCheck[]) {
  const { servers, timeoutMs } = config.dns;
  // What can block nobody keeps nobody waiting.
  const limitMs = leavings.every(({ assumed }) => assumed) ? Math.min(timeoutMs, ASSUMED_MS) : timeoutMs;
  const resolver = createRecordResolver({ servers, timeoutMs, limitMs });
  const identity = identityOf(config, leavings);
  return checkSender({ identity, resolver, checks, spf: createSpfEvaluator(resolver) });
}

function identityOf({ sender }: Config, leavings: readonly Leaving[]): SenderIdentity {
  const fromDomain = domainOf(sender.from?.address);
  const domain = sender.domain ?? fromDomain;
  return {
    addresses: [...new Set(leavings.flatMap(({ addresses }) => addresses))],
    helo: sender.helo ?? hostname(),
    mayBeSigned: leavings.some(({ signs }) => signs === "unknown"),
    direct: leavings.some(({ direct }) => direct),
    fromDomain,
    returnDomain: domainOf(sender.returnPath ?? sender.from?.address),
    dkim:
      sender.dkim === null || domain === null
        ? null
        : { selector: sender.dkim.selector, domain, key: dkimPublicKey(sender.dkim.keyFile) },
  };
}

/** Somewhere on the Internet; nothing is sent there. */
const FAR = { udp4: "193.0.14.129", udp6: "2001:7fd::1" } as const;

/** The addresses that the system would connect from, of each family one at most; only direct routes use them. */
async function ownAddresses({ smtp, routes }: Config): Promise<string[]> {
  const isNeeded = [smtp, ...routes].some(({ target }) => target?.kind === "direct");
  if (!isNeeded) return [];
  return (await Promise.all([ownAddress("udp6"), ownAddress("udp4")])).filter((one) => one !== null);
}

/** A connected UDP socket knows where it would send from, and has sent nothing. */
function ownAddress(family: keyof typeof FAR): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = createSocket(family);
    const done = (address: string | null) => {
      socket.close();
      resolve(address);
    };
    socket.once("error", () => done(null));
    socket.once("connect", () => done(socket.address().address));
    socket.connect(25, FAR[family]);
  });
}

function domainOf(address: string | undefined): string | null {
  return address?.split("@").at(-1)?.toLowerCase() ?? null;
}
