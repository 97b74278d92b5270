// Which intakes the configuration asks for. Each adapter is loaded only when it is on.
import { readFileSync } from "node:fs";
import type { PostHandler } from "./adapters/observe/http.ts";
import type { Hearing } from "./breaker/silence.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import type { Bookmarks, Intake } from "./delivery/intake.ts";
import { BellwetherError } from "./errors.ts";

/** What may be posted to us, by path; answered by whatever listens. */
export type WebhookDoors = ReadonlyMap<string, PostHandler>;

/** Whether anything is configured that tells what becomes of what a relay took. */
export function hasIntake({ bounces: { imap, smtp, log, webhooks } }: Config): boolean {
  return imap !== null || smtp !== null || log !== null || webhooks.length > 0;
}

/** What they tell: a relay's log and a service's webhook of arrivals too, mails of what came back alone. */
export function hearingOf(config: Config): Hearing {
  const { log, webhooks } = config.bounces;
  return { any: hasIntake(config), arrivals: log !== null || webhooks.length > 0 };
}

/** Reports of what a relay gave up come by mail or stand in its log: a sentinel can come back. */
export function takesSentinels({ bounces: { imap, smtp, log } }: Config): boolean {
  return imap !== null || smtp !== null || log !== null;
}

/** @throws BellwetherError("config-value") for a listener without a return path to its name */
export async function createIntakes(parts: {
  config: Config;
  clock: Clock;
  secret: string;
  bookmarks: Bookmarks;
}): Promise<{ intakes: Intake[]; doors: WebhookDoors }> {
  const { config, clock, secret, bookmarks } = parts;
  const { imap, smtp, log, webhooks } = config.bounces;
  const intakes: Intake[] = [];
  const doors = new Map<string, PostHandler>();
  if (imap !== null || smtp !== null) {
    const { readReport: read } = await import("./bounce/read-report.ts");
    if (imap !== null) {
      const { createImapIntake } = await import("./adapters/intake/imap.ts");
      intakes.push(createImapIntake({ mailbox: imap, read, bookmarks, clock }));
    }
    if (smtp !== null) {
      const { createSmtpIntake } = await import("./adapters/intake/smtp.ts");
      const { listen, protocol } = smtp;
      const returnPath = returnPathOf(config);
      const tls = smtp.tls === null ? null : { key: pem(smtp.tls.keyFile), cert: pem(smtp.tls.certFile) };
      intakes.push(createSmtpIntake({ listen, protocol, returnPath, secret, read, clock, tls }));
    }
  }
  if (log !== null) {
    const { createLogIntake } = await import("./adapters/intake/log.ts");
    intakes.push(createLogIntake({ file: log.file, bookmarks, clock }));
  }
  if (webhooks.length > 0) {
    const { createWebhookIntake } = await import("./adapters/intake/webhook.ts");
    for (const webhook of webhooks) intakes.push(createWebhookIntake({ ...webhook, routes: doors, clock }));
  }
  return { intakes, doors };
}

function returnPathOf(config: Config): string {
  const { returnPath } = config.sender;
  if (returnPath !== null) return returnPath;
  throw new BellwetherError(
    "config-value",
    "[bounces.smtp] listens for what comes back, and [sender] return_path does not say to which address.",
    'Set return_path = "bounces+{token}@bounces.example.com" below [sender].',
  );
}

function pem(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new BellwetherError(
      "file-unreadable",
      `${file} (below [bounces.smtp]) cannot be read.`,
      "Check the path and the rights of the file.",
      { cause: error },
    );
  }
}
