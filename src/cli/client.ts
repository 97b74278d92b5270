// client erase: forgets a person on demand, and says what stays and why.
import { readAddress } from "../client/address.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import type { Io } from "./io.ts";
import { type CommonOptions, withBellwether } from "./open.ts";

export async function erase(
  io: Io,
  address: string,
  options: CommonOptions & { yes?: boolean },
): Promise<ExitCode> {
  const read = readAddress(address);
  if (typeof read === "string")
    throw new BellwetherError(
      "address-invalid",
      `"${address}": ${read}.`,
      "Give one address: name@example.com",
    );
  return withBellwether(io, options, async (app) => {
    if (
      options.yes !== true &&
      !(await io.confirm(`Forget everything about ${address}? It cannot be undone.`))
    ) {
      throw new BellwetherError(
        "not-confirmed",
        `Nothing was erased: nobody confirmed it.`,
        "Type the command at a terminal and answer, or give --yes.",
      );
    }
    const erased = await app.people.erase(read.key);
    if (options.json === true) await io.out(`${JSON.stringify(erased)}\n`);
    const { clients, deliveries, reports, refused, cancelled, suppressed } = erased;
    io.say(
      `Erased: ${clients} client rows, the name on ${deliveries} deliveries, the words of ${reports} reports, ${refused} refused rows. ${cancelled} waiting mails are cancelled.`,
    );
    if (suppressed)
      io.say("The address alone stays on the suppression list, so that it is not written to by mistake.");
    io.say("Not touched: CSV files, backups, the relay's log and the bounce mailbox.");
    return EXIT.done;
  });
}
