// A corrected text for a campaign that was launched: is it for the same people, can it be rendered for each of them,
// and what do they read now that they did not before? Keeps nothing; approval and storing come after it.
import type { AudienceStore } from "../client/audience-store.ts";
import { BellwetherError } from "../errors.ts";
import { createRenderer, type Rendered } from "../template/renderer.ts";
import { compileTemplate } from "../template/template.ts";
import type { Campaign } from "./campaign.ts";
import { keyOf, type Notice } from "./manager.ts";
import { checkCampaign } from "./preflight/campaign-checks.ts";
import type { Finding } from "./preflight/finding.ts";
import { checkRendering } from "./preflight/rendering.ts";
import type { CampaignStore, Order } from "./store.ts";
import { unifiedDiff } from "./unified-diff.ts";

/** What the readers of one language read instead, by the example of one of them. */
export interface TextChange {
  locale: string;
  /** Whose mail is compared. */
  address: string;
  /** Subject and text, as `diff -u` shows them; "": the same. */
  diff: string;
  /** The html differs too; with an empty diff it alone does. */
  html: boolean;
}

export interface PreparedRevision {
  /** The number that it gets. */
  number: number;
  recipients: number;
  /** One a language; empty: nothing that anybody reads has changed. */
  changes: TextChange[];
  findings: Finding[];
  order: Extract<Order, { do: "revise" }>;
}

/** Reads the whole audience. @throws BellwetherError `campaign-state`, `revision-differs`, `csv-changed` */
export async function prepareRevision(options: {
  campaign: Campaign;
  notice: Notice;
  campaigns: Pick<CampaignStore, "content">;
  audiences: AudienceStore;
  senderName: string | null;
  nowMs: number;
  signal?: AbortSignal;
}): Promise<PreparedRevision> {
  const { campaign, notice, audiences } = options;
  const { importId } = campaign;
  if (campaign.state === "cancelled" || campaign.state === "draft" || importId === null)
    throw never(campaign);
  refuseOthers(campaign, notice);
  const former = await options.campaigns.content(campaign.id, campaign.revision);
  const sender = options.senderName === null ? {} : { senderName: options.senderName };
  const before = createRenderer({
    template: compileTemplate(former.source),
    values: former.values,
    ...sender,
  });
  const after = createRenderer({ template: notice.template, values: notice.values, ...sender });
  const number = campaign.revision + 1;
  const names = { before: `revision ${campaign.revision}`, after: `revision ${number}` };
  const changes = new Map<string, TextChange>();
  const { recipients, findings } = await checkRendering({
    audiences,
    importId,
    filter: campaign.spec.filter,
    render: (recipient) => {
      const rendered = after(recipient);
      const { locale } = rendered;
      // A change may show to a few alone: until one is found everybody's two mails are compared.
      if (!changes.has(locale)) {
        const change = changeOf({ address: recipient.address, old: before(recipient), rendered, names });
        if (change !== null) changes.set(locale, change);
      }
      return rendered;
    },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const over = checkCampaign({
    notice: { ...notice, start: null },
    summary: { ...(await audiences.summary(importId)), rejected: 0, unreachable: 0 },
    refused: [],
    nowMs: options.nowMs,
  });
  const { name: _name, spec, source, values, file, tellByMs, validUntilMs } = notice;
  return {
    number,
    recipients,
    changes: [...changes.values()],
    findings: [...findings, ...over],
    order: {
      do: "revise",
      from: campaign.revision,
      ...{ source, values, file, tellByMs, validUntilMs },
      // Who it is for stays as it was taken.
      spec: { ...spec, audience: campaign.spec.audience },
      key: keyOf(notice),
      templateName: notice.template.name,
    },
  };
}

function changeOf(given: {
  address: string;
  old: Rendered;
  rendered: Rendered;
  names: { before: string; after: string };
}): TextChange | null {
  const { address, old, rendered, names } = given;
  const diff = unifiedDiff(readable(old), readable(rendered), names);
  const html = old.html !== rendered.html;
  return diff === "" && !html ? null : { locale: rendered.locale, address, diff, html };
}

function readable({ subject, text }: Rendered): string {
  return `Subject: ${subject}\n\n${text}`;
}

function never(campaign: Campaign): BellwetherError {
  return new BellwetherError(
    "campaign-state",
    `"${campaign.name}" is ${campaign.state === "draft" ? "a draft" : campaign.state}: there is nothing to revise.`,
    campaign.state === "draft"
      ? "Nothing was sent yet: `send` takes the file as it is now."
      : "Send the corrected text under another name.",
  );
}

function refuseOthers(campaign: Campaign, notice: Notice): void {
  if (notice.audienceHash !== campaign.audienceHash) {
    throw new BellwetherError(
      "csv-changed",
      `The audience is not the one to which "${campaign.name}" is being sent: a revision changes the text, not who gets it.`,
      "Give the CSV file its former content; new clients get a campaign of their own.",
    );
  }
  const differs = (what: string, hint: string) =>
    new BellwetherError(
      "revision-differs",
      `${notice.file} has another ${what} than "${campaign.name}" was launched with.`,
      hint,
    );
  if (JSON.stringify(sorted(notice.spec.filter)) !== JSON.stringify(sorted(campaign.spec.filter)))
    throw differs("filter", "A revision changes the text, not who gets it: restore the filter.");
  if (notice.template.class !== campaign.templateClass)
    throw differs(
      "class of template",
      `Who may get it was decided for the class "${campaign.templateClass}": keep it in template.toml.`,
    );
}

function sorted(filter: Notice["spec"]["filter"]): unknown {
  return Object.entries(filter).sort(([a], [b]) => (a < b ? -1 : 1));
}
