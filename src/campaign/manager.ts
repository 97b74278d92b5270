// From a campaign file to a running campaign: submit (typing it twice is once), import, check, launch. Steering
// and sending come after it. Everything here may be interrupted and is continued by the same call.

import { longestRampMs } from "../breaker/ramp-duration.ts";
import { checkFilter, matchesFilter } from "../client/audience.ts";
import type { AudienceStore, StoredClient } from "../client/audience-store.ts";
import { hashFile } from "../client/import.ts";
import { importFile } from "../client/importer.ts";
import type { Clock } from "../clock.ts";
import { BellwetherError } from "../errors.ts";
import type { ProviderLookup } from "../provider/lookup.ts";
import { OTHER } from "../provider/provider.ts";
import { createRenderer } from "../template/renderer.ts";
import { compileTemplate, readTemplate, type Template, type TemplateSource } from "../template/template.ts";
import { type CheckedValues, checkValues } from "../template/values.ts";
import { type Campaign, type CampaignSpec, campaignKey, isFinished } from "./campaign.ts";
import { readCampaignFile } from "./campaign-file.ts";
import { type CampaignStart, refuseMissed } from "./campaign-start.ts";
import { type AlertRoads, checkAlerts, domainOf } from "./preflight/alerts.ts";
import { checkAudience } from "./preflight/audience-checks.ts";
import { checkBefore, FORGOTTEN_AFTER_MS } from "./preflight/before.ts";
import { checkBulkRules } from "./preflight/bulk-rules.ts";
import { checkCampaign, REFUSED_SHOWN } from "./preflight/campaign-checks.ts";
import { checkDeadline } from "./preflight/deadline.ts";
import { arrange, type Finding } from "./preflight/finding.ts";
import type { PreflightHistory } from "./preflight/history.ts";
import { checkMailSize } from "./preflight/mail-size.ts";
import { type Overrides, overrideOf, overrideText } from "./preflight/override.ts";
import { checkRamp, type RampForecast } from "./preflight/ramp.ts";
import { checkRendering } from "./preflight/rendering.ts";
import { checkRoutes, type ProbedRoute, type RouteProbe } from "./preflight/routes.ts";
import type { LaneMails } from "./preflight/sender-verdict.ts";
import type { CampaignStore, Content } from "./store.ts";

export interface Notice {
  name: string;
  /** Everybody is told once more, under this name. */
  again: boolean;
  file: string;
  spec: CampaignSpec;
  template: Template;
  source: TemplateSource;
  values: CheckedValues;
  audienceHash: string;
  /** When it shall begin; null: at once. */
  start: CampaignStart | null;
  tellByMs: number | null;
  validUntilMs: number | null;
}

export interface Checked {
  importId: number;
  recipients: number;
  /** Recipients by provider, largest first. */
  providers: [string, number][];
  findings: Finding[];
}

export interface CampaignManager {
  /** Reads a campaign file with its template and values; nothing is kept. */
  read(file: string, options?: { again?: string }): Promise<Notice>;
  /** A template by name, as campaigns find it. @throws BellwetherError `template-missing`, `template-syntax` */
  template(name: string): Template;
  /** The campaign of this notice: a new draft, or the unfinished one that it already is. */
  submit(
    notice: Notice,
    options: { confirmed: boolean; overrides: Overrides; again: boolean },
  ): Promise<Campaign>;
  /** The audience of this notice, imported if it is not there yet. */
  importOf(notice: Notice, signal?: AbortSignal, onProgress?: Progress): Promise<number>;
  /** Imports the audience and runs every check. */
  check(notice: Notice, options: { signal?: AbortSignal; onProgress?: Progress }): Promise<Checked>;
  launch(campaign: Campaign, notice: Notice, checked: Checked): Promise<void>;
}

export type Progress = (step: "import" | "render", done: number) => void;

export function createCampaignManager(options: {
  campaigns: CampaignStore;
  audiences: AudienceStore;
  templateDirs: readonly string[];
  senderName: string | null;
  lookup: () => ProviderLookup;
  probe: RouteProbe;
  /** What DNS says of the sender, and what it means for these lanes. */
  sender: (lanes: readonly LaneMails[]) => Promise<Finding[]>;
  history: PreflightHistory;
  /** Where clients unsubscribe; null: nowhere. */
  unsubscribeUrl: string | null;
  /** Composes the mail to an address, and gives its size in bytes. */
  measure: (content: Content, to: { address: string; clients: StoredClient[] }) => number;
  /** What is known of the ramps behind relays, for recipients by provider, largest first; none are unless given. */
  forecast?: (providers: readonly (readonly [string, number])[]) => Promise<RampForecast>;
  /** How people are called; null: nobody needs to be, nothing leaves the machine. */
  alerts: AlertRoads | null;
  clock: Clock;
}): CampaignManager {
  const { campaigns, audiences, clock } = options;

  async function read(path: string, { again }: { again?: string } = {}): Promise<Notice> {
    const file = readCampaignFile(path);
    const source = readTemplate(options.templateDirs, file.template);
    const template = compileTemplate(source);
    const values = checkValues(template, file.values);
    const audienceHash =
      file.audience.kind === "file" ? await hashFile(file.audience.path) : `audience:${file.audience.name}`;
    const window = values.window_start;
    const windowMs = typeof window === "string" ? Date.parse(window) : Number.NaN;
    return {
      name: again ?? file.name,
      again: again !== undefined,
      file: file.file,
      spec: { audience: file.audience, filter: file.filter, values: { ...values } },
      template,
      source,
      values,
      audienceHash,
      start: file.start,
      tellByMs: file.tellBy?.getTime() ?? null,
      // A notice of maintenance is true until the window begins, unless it says otherwise.
      validUntilMs: file.validUntil?.getTime() ?? (Number.isNaN(windowMs) ? null : windowMs),
    };
  }

  async function submit(
    notice: Notice,
    { confirmed, overrides, again }: { confirmed: boolean; overrides: Overrides; again: boolean },
  ): Promise<Campaign> {
    const { name, spec, audienceHash } = notice;
    const key = keyOf(notice);
    const same = await campaigns.find({ key });
    if (same !== null && isFinished(same.state)) throw finished(same);
    // What has begun goes on whenever `send` is typed again; its moment is history.
    if (same === null || same.launchedAtMs === null) refuseMissed(notice.file, notice.start, clock.now());
    const known = {
      confirmed: same?.confirmed === true || confirmed,
      overrides: { ...same?.overrides, ...overrides },
    };
    if (same !== null && same.state !== "draft") {
      await campaigns.prepare(same.id, known);
      return { ...same, ...known };
    }
    for (const other of await campaigns.list())
      if (other.name === name && other.state !== "draft") refuseNamesake(other, notice, again);
    return campaigns.create({
      name,
      key,
      file: notice.file,
      spec,
      templateName: notice.template.name,
      audienceHash,
      ...known,
      tellByMs: notice.tellByMs,
      validUntilMs: notice.validUntilMs,
    });
  }

  async function check(
    notice: Notice,
    { signal, onProgress }: { signal?: AbortSignal; onProgress?: Progress },
  ): Promise<Checked> {
    refuseMissed(notice.file, notice.start, clock.now());
    const importId = await importOf(notice, signal, onProgress);
    const summary = await audiences.summary(importId);
    checkFilter(notice.spec.filter, summary.columns);
    const renderer = createRenderer({
      template: notice.template,
      values: notice.values,
      ...(options.senderName === null ? {} : { senderName: options.senderName }),
    });
    const rendered = await checkRendering({
      audiences,
      importId,
      filter: notice.spec.filter,
      render: renderer,
      suppressed: (after, upTo) =>
        options.history.suppressed({ importId, templateClass: notice.template.class, after, upTo }),
      ...(signal === undefined ? {} : { signal }),
      onProgress: (done) => onProgress?.("render", done),
    });
    const alertDomains = options.alerts?.mail.map(domainOf) ?? [];
    const answers = await options.lookup().providersOf([...rendered.domains.keys(), ...alertDomains]);
    const providerOf = (domain: string) => answers.get(domain)?.provider ?? OTHER;
    const providers = new Map<string, number>();
    for (const [domain, count] of rendered.domains) {
      const provider = providerOf(domain);
      providers.set(provider, (providers.get(provider) ?? 0) + count);
    }
    const largestFirst = [...providers].sort((a, b) => b[1] - a[1]);
    const [routes, sender] = await Promise.all([
      options.probe([...providers.keys()]),
      options.sender(largestFirst.map(([provider, mails]) => ({ provider, mails }))),
    ]);
    const findings = [
      ...rendered.findings,
      ...(await checkMailSize({
        routes,
        large: rendered.large,
        providerOf,
        measure: async ({ address, key }) => {
          const rows = await audiences.of(importId, key);
          const clients = rows.filter((row) => matchesFilter(row, notice.spec.filter));
          return options.measure(notice, { address, clients });
        },
      })),
      ...checkBulkRules({
        templateClass: notice.template.class,
        unsubscribeUrl: options.unsubscribeUrl,
        domains: rendered.domains,
      }),
      ...checkCampaign({
        notice,
        summary,
        refused: await audiences.refused(importId, 0, REFUSED_SHOWN),
        nowMs: clock.now(),
      }),
      ...checkAudience({
        ...rendered,
        answers,
        providers: largestFirst,
        isSandbox: options.alerts === null,
      }),
      ...checkRoutes(routes),
      ...sender,
      ...(options.alerts === null
        ? []
        : checkAlerts({ roads: options.alerts, providers: new Set(providers.keys()), providerOf })),
    ];
    findings.push(...(await checkTimes(notice, routes, largestFirst)));
    findings.push(...(await checkOthers(notice, routes, largestFirst)));
    return {
      importId,
      recipients: rendered.recipients,
      providers: largestFirst,
      findings: arrange(findings),
    };
  }

  /** Will everybody be told in time? */
  async function checkTimes(
    notice: Notice,
    routes: readonly ProbedRoute[],
    providers: [string, number][],
  ): Promise<Finding[]> {
    const { tellByMs, validUntilMs } = notice;
    const nowMs = clock.now();
    const beginsMs = Math.max(nowMs, notice.start?.atMs ?? 0);
    const ends = [tellByMs, validUntilMs].filter((ms) => ms !== null);
    const endMs = ends.length === 0 ? null : Math.min(...ends);
    const forecast = await options.forecast?.(providers);
    const rampMs = forecast === undefined ? 0 : (longestRampMs(forecast.lanes) ?? 0);
    return [
      ...(forecast === undefined ? [] : checkRamp({ forecast, endMs, beginsMs })),
      ...checkDeadline({ routes, providers, rampMs, beginsMs, nowMs, tellByMs, validUntilMs }),
    ];
  }

  /** What other campaigns say of this one. */
  async function checkOthers(
    notice: Notice,
    routes: readonly ProbedRoute[],
    providers: [string, number][],
  ): Promise<Finding[]> {
    const isSandbox = options.alerts === null;
    return checkBefore({
      notice: { ...notice, templateName: notice.template.name },
      again: notice.again,
      campaigns: await campaigns.list(),
      providers,
      held: await options.history.held(),
      told: new Set(routes.flatMap((route) => route.refusing.map((one) => one.provider))),
      known: isSandbox ? null : await options.history.sentSince(clock.now() - FORGOTTEN_AFTER_MS),
    });
  }

  async function importOf(notice: Notice, signal?: AbortSignal, onProgress?: Progress): Promise<number> {
    const { audience } = notice.spec;
    if (audience.kind === "named") {
      const importId = await audiences.named(audience.name);
      if (importId !== null) return importId;
      throw new BellwetherError(
        "audience-missing",
        `There is no audience "${audience.name}".`,
        `Import one: bellwether import ${audience.name} FILE.csv`,
      );
    }
    const imported = await importFile({
      store: audiences,
      file: audience.path,
      ...(signal === undefined ? {} : { signal }),
      onProgress: (rows) => onProgress?.("import", rows),
    });
    if (imported.sha256 === notice.audienceHash) return imported.importId;
    throw new BellwetherError(
      "csv-changed",
      `${audience.path} was changed while it was read.`,
      "Type the command again once the file is complete.",
    );
  }

  return {
    read,
    template: (name) => compileTemplate(readTemplate(options.templateDirs, name)),
    submit,
    importOf,
    check,
    launch: async (campaign, notice, checked) => {
      await campaigns.prepare(campaign.id, { importId: checked.importId, confirmed: true });
      for (const finding of checked.findings) {
        if (finding.severity !== "blocker") continue;
        const given = overrideOf(finding, campaign.overrides, clock.now());
        if (given !== null) await campaigns.note(campaign.id, "override", overrideText(finding, given));
      }
      await campaigns.launch(campaign.id, {
        source: notice.source,
        values: notice.values,
        templateClass: notice.template.class,
        start: notice.start,
      });
    },
  };
}

/** Equal for two notices that are the same campaign. */
export function keyOf({ name, template, spec, audienceHash }: Notice): string {
  const { values, filter } = spec;
  return campaignKey({ name, template: template.name, values, audienceHash, filter });
}

function finished(campaign: Campaign): BellwetherError {
  if (campaign.launchedAtMs === null) {
    return new BellwetherError(
      "campaign-finished",
      `"${campaign.name}" is ${campaign.state}, and was so before it had begun: nobody was told.`,
      'To send it after all: `send FILE --again "NEW NAME"`.',
    );
  }
  return new BellwetherError(
    "campaign-finished",
    `"${campaign.name}" was sent before and is ${campaign.state}.`,
    'To reach those who missed it: `resume`. To send the same once more to everybody: `send FILE --again "NEW NAME"`.',
  );
}

function refuseNamesake(namesake: Campaign, notice: Notice, again: boolean): void {
  const other = `There is a campaign "${namesake.name}" already (${namesake.state})`;
  if (again || !isFinished(namesake.state)) {
    throw new BellwetherError(
      "campaign-name-taken",
      `${other}, and this file asks for something else: template, values, audience or filter differ.`,
      "Finish or cancel that one, or give this one another name.",
    );
  }
  const sameWords =
    JSON.stringify([namesake.templateName, namesake.spec.values, namesake.spec.filter]) ===
    JSON.stringify([notice.template.name, notice.spec.values, notice.spec.filter]);
  if (sameWords) {
    throw new BellwetherError(
      "campaign-name-taken",
      `${other}: the same notice, only its audience was changed since.`,
      'Those who got it would get it twice. If that is wanted: `send FILE --again "NEW NAME"`.',
    );
  }
}
