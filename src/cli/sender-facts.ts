// Who sends, in the words that an administrator of clients needs; null where the configuration does not say.
import type { Bellwether } from "../application.ts";
import type { SenderFacts } from "../report/organisations.ts";

export function senderFacts({ config: { sender } }: Pick<Bellwether, "config">): SenderFacts | null {
  if (sender.from === null) return null;
  const from = sender.from.address;
  const domain = (address: string) => address.split("@").at(-1) ?? address;
  return {
    from,
    returnDomain: domain(sender.returnPath ?? from),
    signingDomain: sender.domain ?? domain(from),
    addresses: sender.addresses,
  };
}
