// From which addresses mail leaves, route by route, as far as the configuration and this machine tell. Pure; which
// addresses the machine would take is asked elsewhere. Behind a relay they are known only when somebody wrote them down.
import { BlockList, isIP } from "node:net";
import type { Config, RouteConfig } from "../../config/config.ts";
import { isLoopback } from "../../config/urls.ts";

export interface Leaving {
  /** Whose mail goes this way; null: everybody's who has no way of his own. */
  provider: string | null;
  /** As receivers see them; empty: not known. */
  addresses: readonly string[];
  /** To the providers' own hosts, without a relay. */
  direct: boolean;
  /** Who signs with DKIM: we, nobody, or perhaps the relay. */
  signs: "we" | "nobody" | "unknown";
  /** Nobody says from where: a relay on this machine, or a machine without a public address. All that follows is assumed. */
  assumed: boolean;
}

/** `own`: the public or private addresses that this machine connects from, of each family one at most. */
export function leavingsOf(config: Config, own: readonly string[]): Leaving[] {
  return [config.smtp, ...config.routes]
    .filter(({ target }) => target !== null)
    .map((route) => {
      const addresses = addressesOf(route, config.sender.addresses, own);
      const isDirect = route.target?.kind === "direct";
      const onLoopback = route.target?.kind === "relay" && isLoopback(route.target.host);
      return {
        provider: route.provider,
        addresses: [...new Set(addresses)],
        direct: isDirect,
        signs: config.sender.dkim !== null ? "we" : isDirect ? "nobody" : "unknown",
        assumed: (onLoopback || isDirect) && addresses.length === 0,
      };
    });
}

function addressesOf(
  { target, sourceAddress }: RouteConfig,
  written: readonly string[],
  own: readonly string[],
): readonly string[] {
  if (target?.kind !== "direct") return written;
  // A route that chooses an address leaves from no other; behind NAT it is seen under one that was written down.
  if (sourceAddress !== null) {
    if (isPublic(sourceAddress)) return [sourceAddress];
    return written.filter((one) => isIP(one) === isIP(sourceAddress));
  }
  return written.length > 0 ? written : own.filter((one) => isPublic(one) && !isExample(one));
}

const RESERVED = new BlockList();
for (const [net, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["224.0.0.0", 3],
] as const)
  RESERVED.addSubnet(net, bits, "ipv4");

/** Networks for documentation (RFC 5737, RFC 3849): a machine that has one is behind something, such as a container. */
function isExample(address: string): boolean {
  return /^(192\.0\.2|198\.51\.100|203\.0\.113)\.|^2001:db8:/i.test(address);
}

/** Others on the Internet see it as it is: not private, link-local or loopback (RFC 6890); IPv6 from 2000::/3. */
export function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !RESERVED.check(address, "ipv4");
  return /^[23][0-9a-f]{3}:/i.test(address);
}
