// A campaign file is taken whole, or refused with everything that is wrong with it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CampaignFile, readCampaignFile } from "../../../src/campaign/campaign-file.ts";
import { BellwetherError } from "../../../src/errors.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "bellwether-campaign-"));
  file = path.join(folder, "move.toml");
  writeFileSync(path.join(folder, "clients.csv"), "email\n");
});
afterEach(() => rmSync(folder, { recursive: true }));

const GOOD = {
  name: '"Server s12 is replaced"',
  template: '"maintenance-scheduled"',
  audience: '"clients.csv"',
};

function read(keys: Record<string, string>, below = ""): CampaignFile {
  const lines = Object.entries({ ...GOOD, ...keys }).map(([key, value]) =>
    value === "" ? "" : `${key} = ${value}`,
  );
  writeFileSync(file, `${lines.join("\n")}\n${below}`);
  return readCampaignFile(file);
}

function refusal(keys: Record<string, string>, below = ""): { code: string; text: string; hint: string } {
  try {
    read(keys, below);
  } catch (error) {
    if (!(error instanceof BellwetherError)) throw error;
    return { code: error.code, text: error.message.replaceAll(file, "FILE"), hint: error.hint };
  }
  throw new Error("the campaign file was accepted");
}

describe("a campaign file", () => {
  it("is read with its paths made absolute, its dates in UTC and its filter as lists", () => {
    const campaign = read(
      {
        filter: '{ server = ["s12", "s13"], plan = "pro", note = "" }',
        tell_by: "2027-04-27T20:00:00+02:00",
        valid_until: "2027-04-28 06:00:00Z",
      },
      `[values]
window_start = 2027-04-28T08:00:00.5+02:00
minutes = 7
urgent = true
text = "2027-04-28"
steps = [{ at = 2027-04-28T06:00:00Z }]
[values.contact]
phone = "+33 1"
`,
    );
    expect(campaign).toEqual({
      file,
      name: "Server s12 is replaced",
      template: "maintenance-scheduled",
      audience: { kind: "file", path: path.join(folder, "clients.csv") },
      filter: { server: ["s12", "s13"], plan: ["pro"], note: [""] },
      start: null,
      tellBy: new Date("2027-04-27T18:00:00Z"),
      validUntil: new Date("2027-04-28T06:00:00Z"),
      values: {
        window_start: "2027-04-28T06:00:00.500Z",
        minutes: 7,
        urgent: true,
        text: "2027-04-28",
        steps: [{ at: "2027-04-28T06:00:00.000Z" }],
        contact: { phone: "+33 1" },
      },
    });
  });

  it("needs only a name, a template and an audience", () => {
    expect(read({ audience: '"audience: everybody "', name: '"  x "' })).toMatchObject({
      name: "x",
      audience: { kind: "named", name: "everybody" },
      filter: {},
      tellBy: null,
      validUntil: null,
      values: {},
    });
  });

  it.each<[Record<string, string>, string, string]>([
    [{ at: "2027-04-27T09:00:00+02:00" }, "2027-04-27T07:00:00Z", "+02:00"],
    [{ at: "2027-04-27T09:00:00Z" }, "2027-04-27T09:00:00Z", "UTC"],
    [{ at: "2027-04-27T09:00:00", zone: '"Europe/Paris"' }, "2027-04-27T07:00:00Z", "Europe/Paris"],
    [{ at: "2027-01-27T09:00:00", zone: '"Europe/Paris"' }, "2027-01-27T08:00:00Z", "Europe/Paris"],
    [{ at: "2027-01-27T09:00:00", zone: '"UTC"' }, "2027-01-27T09:00:00Z", "UTC"],
  ])("may say when it begins: %j", (keys, moment, zone) => {
    expect(read(keys).start).toEqual({ atMs: Date.parse(moment), zone, line: 4 });
  });

  it("may begin after its window only where it says that it is true for longer", () => {
    const below = "[values]\nwindow_start = 2027-04-28T06:00:00Z";
    expect(refusal({ at: "2027-04-28T07:00:00Z" }, below).text).toContain("is not before window_start");
    const longer = { at: "2027-04-28T07:00:00Z", valid_until: "2027-04-28T08:00:00Z" };
    expect(read(longer, below).start).not.toBe(null);
  });

  it("may have values that are called as its own keys are", () => {
    expect(read({}, '[values]\nname = "Ada"\ntemplate = "t"').values).toEqual({ name: "Ada", template: "t" });
  });

  it("that is not there, or not TOML, is refused", () => {
    expect(() => readCampaignFile(path.join(folder, "none.toml"))).toThrow(
      /none\.toml: there is no such file/,
    );
    expect(refusal({ name: '"x' })).toMatchObject({
      code: "campaign-syntax",
      text: expect.stringMatching(/^FILE:1:\d+: /),
    });
  });
});

describe("a bad key of a campaign file", () => {
  it.each<[Record<string, string>, string, string]>([
    [{ name: "" }, "FILE: the key name is missing", "Give the campaign a name"],
    [{ template: "" }, "FILE: the key template is missing", "folder of templates"],
    [{ audience: "" }, "FILE: the key audience is missing", "audience:NAME"],
    [{ name: '" "' }, "FILE:1: name is empty", "Give the campaign a name"],
    [{ name: "7" }, 'FILE:1: name is 7, not a text in "quotes"', "Give the campaign a name"],
    [{ name: `"${"é".repeat(201)}"` }, "FILE:1: name has 201 characters", "200 at most"],
    [
      { name: '"a\\u0007b"' },
      "FILE:1: name has a control character in it, such as a line break or a tab",
      "one line",
    ],
    [{ template: '"../x"' }, 'FILE:2: template is "../x"', "not a path"],
    [{ audience: '"audience:"' }, 'FILE:3: audience is "audience:" without a name', "imported"],
    [{ filter: '"s12"' }, 'FILE:4: filter is "s12"', "{ server ="],
    [{ filter: "{ server = 12 }" }, "FILE:4: filter.server is 12", "quotes"],
    [{ filter: '{ server = ["a", 12] }' }, 'FILE:4: filter.server is ["a",12]', "quotes"],
    [{ filter: "{ server = [] }" }, "FILE:4: filter.server is an empty list", "nobody"],
    [{ tell_by: '"2027-04-27T18:00:00Z"' }, 'FILE:4: tell_by is "2027-04-27T18:00:00Z"', "without quotes"],
    [
      { tell_by: "2027-04-27T18:00:00" },
      "FILE:4: tell_by is 2027-04-27T18:00:00.000: without an offset",
      "+02:00",
    ],
    [{ valid_until: "2027-04-27" }, "FILE:4: valid_until is 2027-04-27: without an offset", "+02:00"],
    [
      { tell_by: "2027-04-28T00:00:00Z", valid_until: "2027-04-28T01:00:00+02:00" },
      "FILE:4: tell_by (2027-04-28T00:00:00.000Z) is later than valid_until (2027-04-27T23:00:00.000Z)",
      "earlier",
    ],
    [{ at: '"2027-04-27T09:00:00Z"' }, 'FILE:4: at is "2027-04-27T09:00:00Z"', "without quotes"],
    [{ at: "2027-04-27" }, "FILE:4: at is 2027-04-27", "09:00:00+02:00"],
    [{ at: "09:00:00" }, "FILE:4: at is 09:00:00", "09:00:00+02:00"],
    [{ at: "2027-04-27T09:00:00" }, "FILE:4: at is 2027-04-27T09:00:00: without a zone", "Europe/Paris"],
    [{ zone: '"Europe/Paris"' }, "FILE:4: zone stands without at", "leave zone out"],
    [
      { at: "2027-04-27T09:00:00Z", zone: '"Europe/Paris"' },
      "FILE:5: zone stands beside at = 2027-04-27T09:00:00Z, which has an offset",
      "Leave out the one",
    ],
    [
      { at: "2027-04-27T09:00:00", zone: '"Europe/Pariss"' },
      'FILE:5: zone is "Europe/Pariss"',
      'Did you mean "Europe/Paris"?',
    ],
    [{ at: "2027-04-27T09:00:00", zone: '"+02:00"' }, 'FILE:5: zone is "+02:00"', "Europe/Paris"],
    [{ at: "2027-04-27T09:00:00", zone: "2" }, "FILE:5: zone is 2", "Europe/Paris"],
    [
      { at: "2027-03-28T02:30:00", zone: '"Europe/Paris"' },
      "FILE:4: at is 2027-03-28T02:30:00: in Europe/Paris the clocks go forward over that time",
      "before or after",
    ],
    [
      { at: "2027-10-31T02:30:00", zone: '"Europe/Paris"' },
      "FILE:4: at is 2027-10-31T02:30:00: in Europe/Paris the clocks go back then",
      "at = 2027-10-31T02:30:00+02:00, or at = 2027-10-31T02:30:00+01:00",
    ],
    [
      { at: "2027-04-28T06:00:00Z", valid_until: "2027-04-28T08:00:00+02:00" },
      "FILE:4: at (2027-04-28T06:00:00.000Z) is not before valid_until (2027-04-28T06:00:00.000Z)",
      "earlier",
    ],
    [{ tellBy: "2027-04-28T00:00:00Z" }, "FILE:4: there is no key tellBy", "Did you mean tell_by?"],
    [{ window_start: "2027-04-28T00:00:00Z" }, "FILE:4: there is no key window_start", "below [values]"],
    [{ values: "3" }, "FILE:4: values is 3", "Write [values]"],
  ])("%j is told with its line and a remedy", (keys, text, hint) => {
    const told = refusal(keys);
    expect(told.code).toBe("campaign-key");
    expect(told.text).toContain(text);
    expect(told.hint).toContain(hint);
  });

  it("is an audience file that is not there, or is a folder", () => {
    mkdirSync(path.join(folder, "lists"));
    expect(refusal({ audience: '"other.csv"' })).toMatchObject({
      code: "file-unreadable",
      text: `FILE:3: audience is "other.csv": there is no such file (${path.join(folder, "other.csv")})`,
    });
    expect(refusal({ audience: '"lists"' }).text).toContain("this is a folder");
  });

  it("is a local date anywhere among the values", () => {
    const told = refusal({}, "[values]\na = [{ b = 2027-04-28T06:00:00 }]");
    expect(told.text).toContain("FILE:5: values.a.0.b is 2027-04-28T06:00:00.000: without an offset");
    expect(told.hint).toContain("in quotes");
  });

  it.each([
    "at = 2027-04-27T09:00:00Z",
    "tell_by = 2027-04-27T18:00:00Z",
    "valid_until = 2027-04-27T18:00:00Z",
    'filter = { server = "s12" }',
  ])("is %s below [values], where nobody would heed it", (line) => {
    const told = refusal({}, `[values]\n${line}`);
    expect(told.text).toMatch(/^FILE:5: \w+ stands below \[values\]/);
    expect(told.hint).toContain("move this line above [values]");
  });

  it("is an audience that slipped below [values]", () => {
    const told = refusal({ audience: "" }, '[values]\naudience = "clients.csv"');
    expect(told.text).toBe("FILE:5: audience stands below [values], and the campaign has none");
  });

  it("is told together with the others", () => {
    const told = refusal({ name: "", template: '""', tellby: "1" });
    expect(told.text).toContain("3 things are wrong in the campaign file:");
    expect(told.text.match(/^ {2}FILE/gm)).toHaveLength(3);
  });
});
