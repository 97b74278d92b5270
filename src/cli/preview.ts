// preview: the very mail that one client would get, as .eml, .html and .txt.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Bellwether } from "../application.ts";
import type { Notice } from "../campaign/manager.ts";
import { parseAddress } from "../client/address.ts";
import { matchesFilter } from "../client/audience.ts";
import { createMailContext } from "../delivery/mailer.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import { safeText } from "../report/safe-text.ts";
import type { Io } from "./io.ts";
import { type CommonOptions, withBellwether } from "./open.ts";

export async function preview(
  io: Io,
  file: string,
  options: CommonOptions & { to: string; out?: string },
): Promise<ExitCode> {
  const { key, address } = parseAddress(options.to);
  return withBellwether(io, options, async (app) => {
    const notice = await (await app.manager()).read(file);
    const clients = await clientsOf(app, notice, key);
    if (clients.length === 0) {
      throw new BellwetherError(
        "address-invalid",
        `${address} is not in the audience of this campaign, or the filter leaves it out.`,
        "Name an address of the CSV file.",
      );
    }
    const context = createMailContext({
      letterhead: app.letterhead(),
      secret: app.secret,
      clock: app.clock,
      sign: (raw) => raw,
      campaign: { id: 0 },
      content: { source: notice.source, values: notice.values },
    });
    const delivery = { address: clients[0]?.address ?? address, clients };
    const { subject, html, text } = context.render(delivery);
    const mail = context.compose({
      ...delivery,
      id: 0,
      worker: "",
      campaignId: 0,
      laneId: 0,
      epoch: 0,
      attempt: 1,
      try: 0,
      losses: 0,
      waited: 0,
      revision: 1,
      domain: "",
    });
    const folder = path.resolve(options.out ?? ".");
    mkdirSync(folder, { recursive: true });
    const base = path.join(folder, `preview-${key.replace(/[^a-z0-9.@_-]/gi, "_")}`);
    const files = { eml: `${base}.eml`, html: `${base}.html`, txt: `${base}.txt` };
    writeFileSync(files.eml, mail.raw);
    writeFileSync(files.html, html);
    writeFileSync(files.txt, text);
    if (options.json === true) await io.out(`${JSON.stringify({ subject, files })}\n`);
    io.say(`Subject: ${safeText(subject)}`);
    for (const written of Object.values(files)) io.say(`  ${written}`);
    return EXIT.done;
  });
}

async function clientsOf(app: Bellwether, notice: Notice, key: string) {
  const importId = await (await app.manager()).importOf(notice);
  const rows = await app.audiences.of(importId, key);
  return rows.filter((row) => matchesFilter(row, notice.spec.filter));
}
