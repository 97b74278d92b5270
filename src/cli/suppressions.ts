// suppressions: who is not written to, and why; and what a person decides about it.

import type { Bellwether } from "../application.ts";
import { describeReason } from "../bounce/advice.ts";
import { redactReply } from "../bounce/redact.ts";
import { BY_HAND, type Suppression } from "../campaign/suppression.ts";
import { readAddress } from "../client/address.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import { shownTime } from "../report/find.ts";
import { safeText } from "../report/safe-text.ts";
import { csvLine } from "../report/untold.ts";
import type { Io } from "./io.ts";
import { type CommonOptions, campaignOf, withBellwether } from "./open.ts";

const PAGE = 500;
const CLASSES = ["required", "service", "optional"] as const;

export async function list(
  io: Io,
  address: string | undefined,
  options: CommonOptions & { all?: boolean },
): Promise<ExitCode> {
  const key = address === undefined ? undefined : keyOf(address);
  return withBellwether(io, options, async (app) => {
    let count = 0;
    if (options.json === true) await io.out('{"suppressions":[');
    for await (const one of pages(app, key)) {
      if (!one.active && options.all !== true && key === undefined) continue;
      count += 1;
      if (options.json === true)
        await io.out(`${count > 1 ? "," : ""}\n${JSON.stringify({ ...one, reply: shownReply(one) })}`);
      else await io.out(`${lineOf(one)}\n`);
    }
    if (options.json === true) await io.out("\n]}\n");
    else if (count > 0)
      io.say(
        `${count} ${count === 1 ? "address is" : "addresses are"} not written to: ask for a working one.`,
      );
    else io.say(address === undefined ? "Nobody is suppressed." : `${address} is not suppressed.`);
    return EXIT.done;
  });
}

export async function add(
  io: Io,
  address: string,
  options: CommonOptions & { class?: string; note?: string },
): Promise<ExitCode> {
  const key = keyOf(address);
  const templateClass = CLASSES.find((name) => name === options.class) ?? "";
  if (options.class !== undefined && templateClass === "") {
    throw new BellwetherError(
      "usage",
      `There is no class "${options.class}" of templates.`,
      `Give one of ${CLASSES.join(", ")}, or leave --class out for mail of every class.`,
    );
  }
  return withBellwether(io, options, async (app) => {
    const note = options.note ?? "";
    const taken = await app.suppressions.add({ address, key, templateClass, note });
    if (options.json === true)
      await io.out(`${JSON.stringify({ added: taken !== null, taken: taken ?? 0 })}\n`);
    if (taken === null) io.say(`${address} was suppressed already.`);
    else
      io.say(
        `${address} is not written to any more${templateClass === "" ? "" : ` by ${templateClass} mail`}.${taken > 0 ? ` ${taken} waiting ${taken === 1 ? "mail" : "mails"} will not be sent; \`untold\` lists them.` : ""}`,
      );
    return EXIT.done;
  });
}

export async function remove(
  io: Io,
  addresses: readonly string[],
  options: CommonOptions,
): Promise<ExitCode> {
  const keys = addresses.map(keyOf);
  return withBellwether(io, options, async (app) => {
    let removed = 0;
    for (const key of keys) removed += await app.suppressions.remove(key);
    if (options.json === true) await io.out(`${JSON.stringify({ removed })}\n`);
    io.say(
      removed === 0
        ? "None of them was suppressed."
        : `${removed} taken off the list: the next campaign writes to them again.`,
    );
    return EXIT.done;
  });
}

export async function undo(
  io: Io,
  which: string | undefined,
  options: CommonOptions & { provider?: string },
): Promise<ExitCode> {
  return withBellwether(io, options, async (app) => {
    const campaign = await campaignOf(app, which);
    const undone = await app.suppressions.undo(campaign.id, options.provider ?? null);
    if (options.json === true) await io.out(`${JSON.stringify({ campaign: campaign.id, undone })}\n`);
    io.say(
      `${undone} ${undone === 1 ? "suppression" : "suppressions"} of "${safeText(campaign.name)}" taken back.`,
    );
    return EXIT.done;
  });
}

export async function exportCsv(io: Io, options: CommonOptions): Promise<ExitCode> {
  return withBellwether(io, options, async (app) => {
    const columns = ["email", "class", "reason", "kind", "since", "campaign", "provider", "accounts", "note"];
    await io.out(csvLine(columns));
    for await (const one of pages(app, undefined)) {
      if (!one.active) continue;
      const { address, templateClass, reason, provisional, since, campaign, provider, accounts, note } = one;
      const kind = provisional ? "provisional" : "lasting";
      await io.out(
        csvLine([
          address,
          templateClass,
          reason,
          kind,
          since,
          campaign ?? "",
          provider ?? "",
          accounts.join(" "),
          note ?? "",
        ]),
      );
    }
    return EXIT.done;
  });
}

async function* pages(app: Bellwether, key: string | undefined): AsyncGenerator<Suppression> {
  let afterId = 0;
  for (;;) {
    const page = await app.suppressions.list({ afterId, limit: PAGE, ...(key === undefined ? {} : { key }) });
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    afterId = last.id;
  }
}

function lineOf(one: Suppression): string {
  const { address, templateClass, reason, provisional, active, since, campaign, accounts, note } = one;
  const why =
    reason === BY_HAND
      ? `added by hand${note === null || note === "" ? "" : `: ${note}`}`
      : describeReason(reason);
  const how = provisional ? (active ? "provisionally" : "no longer") : "for good";
  const parts = [
    `${address}: ${how} since ${shownTime(since)}`,
    templateClass === "" ? null : `${templateClass} mail`,
    why,
    campaign === null ? null : `by "${campaign}"`,
    accounts.length === 0 ? null : `accounts ${accounts.join(" ")}`,
  ];
  return safeText(parts.filter((part) => part !== null).join("; "));
}

function shownReply({ reply, address }: Suppression): string | null {
  return reply === null ? null : redactReply(reply, { recipient: address });
}

function keyOf(text: string): string {
  const read = readAddress(text);
  if (typeof read === "string")
    throw new BellwetherError("address-invalid", `"${text}": ${read}.`, "Give one address: name@example.com");
  return read.key;
}
