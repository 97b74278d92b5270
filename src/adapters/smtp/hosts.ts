// Tries the addresses of hosts one after another until one takes us. A host that is not there is passed over; one
// that refuses us is remembered, since its words say more than silence.
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Connected, ConnectFailure } from "../../delivery/transport.ts";
import { dial, type Manner } from "./dial.ts";

/** IP addresses of a host. Rejects with an Error whose `code` is "ENOTFOUND" when it has none. */
export type AddressesOf = (host: string) => Promise<readonly string[]>;

/** As the system resolves names (hosts file, then DNS). */
export const systemAddresses: AddressesOf = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address);

/** Of each family; more addresses of one host are the same host. */
const ADDRESSES_A_FAMILY = 1;

/** Never rejects. IPv6 first where the host has both and no source address decides. */
export async function connectToAny(
  hosts: readonly string[],
  { port, manner, addressesOf }: { port: number; manner: Manner; addressesOf: AddressesOf },
): Promise<Connected> {
  let refusal: ConnectFailure | null = null;
  let silence: ConnectFailure | null = null;
  for (const host of hosts) {
    const found = await addresses(host, port, manner, addressesOf);
    if (!Array.isArray(found)) {
      silence ??= found;
      continue;
    }
    for (const address of found) {
      const answer = await dial({ host, address, port }, manner);
      if (answer.ok) return answer;
      if (answer.failure.reply !== null) refusal ??= answer.failure;
      else silence ??= answer.failure;
      // The others of the same relay would answer the same password in the same way.
      if (answer.failure.phase === "auth") return answer;
    }
  }
  const failure = refusal ?? silence ?? nowhere("there is no host to connect to");
  return { ok: false, failure };
}

async function addresses(
  host: string,
  port: number,
  { sourceAddress, timeouts }: Manner,
  addressesOf: AddressesOf,
): Promise<string[] | ConnectFailure> {
  const all = isIP(host) === 0 ? await resolved(host, timeouts.dnsMs, addressesOf) : [host];
  if (!Array.isArray(all)) return all;
  const family = sourceAddress === null ? null : isIP(sourceAddress);
  const six = shuffled(all.filter((address) => isIP(address) === 6)).slice(0, ADDRESSES_A_FAMILY);
  const four = shuffled(all.filter((address) => isIP(address) === 4)).slice(0, ADDRESSES_A_FAMILY);
  const fit = [...(family === 4 ? [] : six), ...(family === 6 ? [] : four)];
  if (fit.length > 0) return fit;
  return nowhere(
    family === null
      ? `the host ${host} has no address`
      : `${host}:${port} has no IPv${family} address, which source_address ${sourceAddress} asks for`,
  );
}

async function resolved(
  host: string,
  limitMs: number,
  addressesOf: AddressesOf,
): Promise<string[] | ConnectFailure> {
  try {
    return [...(await within(limitMs, addressesOf(host)))];
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    return nowhere(
      code === "ENOTFOUND"
        ? `the name ${host} does not resolve`
        : `DNS does not tell the address of ${host} (${String(code ?? error)})`,
    );
  }
}

/** Rejects with `code` ETIMEOUT when the promise is not settled in time. */
export function within<T>(limitMs: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(Object.assign(new Error("no answer in time"), { code: "ETIMEOUT" }));
    }, limitMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

export function nowhere(message: string): ConnectFailure {
  return { phase: "connect", reply: null, message };
}

export function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
