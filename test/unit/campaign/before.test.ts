// What former campaigns say of a new one.
import { describe, expect, it } from "vitest";
import { checkBefore } from "../../../src/campaign/preflight/before.ts";

const NOTICE = {
  name: "Server s12, once more",
  templateName: "maintenance-scheduled",
  audienceHash: "abc",
  spec: { values: { window_start: "2027-04-28T06:00:00.000Z" }, filter: { server: ["s12"] } },
};
const FORMER = {
  ...NOTICE,
  spec: { ...NOTICE.spec, audience: { kind: "named", name: "clients" } as const },
  name: "Server s12",
  state: "completed" as const,
  launchedAtMs: Date.parse("2027-04-20T10:00:00Z"),
};

const of = (given: Partial<Parameters<typeof checkBefore>[0]>) =>
  checkBefore({
    notice: NOTICE,
    again: false,
    campaigns: [],
    providers: [
      ["google", 5_000],
      ["other", 3_000],
      ["yahoo", 999],
    ],
    held: [],
    told: new Set(),
    known: null,
    ...given,
  });

describe("the same notice", () => {
  it("under another name is told of, with day and name", () => {
    const [finding] = of({ campaigns: [FORMER] });
    expect(finding).toMatchObject({ code: "told-before", severity: "warning" });
    expect(finding?.message).toContain('on 2027-04-20, as "Server s12" (completed)');
  });

  it("is another one when a value, the audience, the filter or the template differs, or when it never began", () => {
    const spec = (change: object) => ({ spec: { ...FORMER.spec, ...change } });
    const others = [
      { ...FORMER, ...spec({ values: { window_start: "2027-05-28T06:00:00.000Z" } }) },
      { ...FORMER, ...spec({ filter: {} }) },
      { ...FORMER, audienceHash: "def" },
      { ...FORMER, templateName: "incident-report" },
      { ...FORMER, launchedAtMs: null },
      { ...FORMER, name: NOTICE.name },
    ];
    for (const other of others) expect(of({ campaigns: [other] })).toEqual([]);
  });

  it("is nobody's mistake when it was asked for", () => {
    expect(of({ campaigns: [FORMER], again: true })).toEqual([]);
  });
});

describe("a held provider", () => {
  const lane = { provider: "google", campaign: "Another", why: "no reverse DNS" };

  it("is told of once, the person's hold first, and only where this campaign writes to it", () => {
    const hand = { provider: "google", campaign: null, why: "we ask Gmail first" };
    const [finding, ...others] = of({ held: [hand, lane, { ...lane, provider: "apple" }] });
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ code: "provider-held", severity: "warning", subject: "google" });
    expect(finding?.message).toContain("held by a person (we ask Gmail first); its 5000 mails wait.");
  });

  it("is not told of twice when it has refused us lately", () => {
    expect(of({ held: [lane] })[0]?.message).toContain('in the campaign "Another": no reverse DNS');
    expect(of({ held: [lane], told: new Set(["google"]) })).toEqual([]);
  });
});

it("names providers with a thousand addresses to which nothing went for long", () => {
  const [finding] = of({ known: new Set(["yahoo"]) });
  expect(finding).toMatchObject({ code: "provider-first-volume", severity: "info" });
  expect(finding?.message).toBe("Nothing went from here to Gmail / Google Workspace (5000) within 30 days.");
  expect(of({ known: new Set(["google"]) })).toEqual([]);
  expect(of({ known: null })).toEqual([]);
});
