// Who sends, as receivers see it, from the configuration and the DKIM key's file; and what DNS says of that sender now.
import type { Finding } from "../campaign/preflight/finding.ts";
import { checkSender, type SenderCheck, type SenderIdentity } from "../campaign/preflight/sender-check.ts";
import type { Config } from "../config/config.ts";
import { createRecordResolver } from "./dns.ts";
import { dkimPublicKey } from "./smtp/dkim.ts";

/** @throws BellwetherError `config-value` when the DKIM key cannot be read */
export async function askOfSender(
  config: Config,
  checks: readonly SenderCheck[],
): Promise<Map<SenderCheck, Finding[]>> {
  if (checks.length === 0) return new Map();
  const resolver = createRecordResolver({ servers: config.dns.servers, timeoutMs: config.dns.timeoutMs });
  return checkSender({ identity: identityOf(config), resolver, checks });
}

export function identityOf({ sender, smtp, routes }: Config): SenderIdentity {
  // A direct route that leaves from an address of its own choice tells that address.
  const chosen = [smtp, ...routes].flatMap(({ target, sourceAddress }) =>
    target?.kind === "direct" && sourceAddress !== null ? [sourceAddress] : [],
  );
  const fromDomain = domainOf(sender.from?.address);
  const domain = sender.domain ?? fromDomain;
  return {
    addresses: sender.addresses.length > 0 ? sender.addresses : [...new Set(chosen)],
    fromDomain,
    returnDomain: domainOf(sender.returnPath ?? sender.from?.address),
    dkim:
      sender.dkim === null || domain === null
        ? null
        : { selector: sender.dkim.selector, domain, key: dkimPublicKey(sender.dkim.keyFile) },
  };
}

function domainOf(address: string | undefined): string | null {
  return address?.split("@").at(-1)?.toLowerCase() ?? null;
}
