import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { compileTemplate } from "../../../src/template/template.ts";
import { checkValues } from "../../../src/template/values.ts";
import { source } from "./world.ts";

const template = compileTemplate(
  source(
    {},
    `start = { type = "datetime", required = true, description = "when it begins" }
end = { type = "datetime", after = "start" }
day = { type = "date" }
reason = { type = "text", max_length = 10 }
page = { type = "url" }
minutes = { type = "number" }
loud = { type = "boolean" }
servers = { type = "list", max_length = 2 }`,
  ),
);
const problems = (toml: string): string => {
  try {
    checkValues(template, parse(toml));
  } catch (error) {
    expect(error).toMatchObject({ code: "template-value" });
    return (error as Error).message;
  }
  return "";
};

describe("the values of a campaign", () => {
  it("are the same after a snapshot was written as JSON and read back", () => {
    const toml = `start = 2027-04-28T08:00:00+02:00
end = 2027-04-28T06:07:00.5Z
day = 2027-04-28
reason = "a\\nb"
page = "https://example.com/?a=1"
minutes = 7
loud = true
servers = ["s12", "s13"]`;
    const checked = checkValues(template, parse(toml));
    expect(checked).toEqual({
      start: "2027-04-28T06:00:00.000Z",
      end: "2027-04-28T06:07:00.500Z",
      day: "2027-04-28",
      reason: "a\nb",
      page: "https://example.com/?a=1",
      minutes: 7,
      loud: true,
      servers: ["s12", "s13"],
    });
    expect(checkValues(template, JSON.parse(JSON.stringify(checked)))).toEqual(checked);
    expect(checkValues(template, { start: new Date("2027-04-28T06:00:00Z"), day: null })).toEqual({
      start: "2027-04-28T06:00:00.000Z",
    });
  });

  it("are refused all at once, each with what was given", () => {
    const message = problems(`reson = "typo"
day = 2027-04-28T06:00:00Z
page = "javascript:alert(1)"
minutes = "7"
loud = 1
servers = "s12"`);
    for (const part of [
      '"reson" is not a value of this template (did you mean "reason"?)',
      '"start" (datetime) is missing: when it begins',
      '"day" wants a date, such as 2027-04-28, but was given the date 2027-04-28T06:00:00.000Z',
      '"page" wants a web address that begins with https:// but was given the text "javascript:alert(1)"',
      '"minutes" wants a number but was given the text "7"',
      '"loud" wants true or false but was given the number 1',
      '"servers" wants a list of texts, such as ["s12", "s13"], but was given the text "s12"',
    ])
      expect(message).toContain(part);
  });

  it.each([
    ["start = 2027-04-28T06:00:00", "says no time zone"],
    ['start = "2027-02-30T06:00:00Z"', "not a moment that exists"],
    ["start = 2027-04-28", "wants a date with a time"],
    ["start = 06:00:00", "wants a date with a time"],
    ['start = "soon"', 'given the text "soon"'],
    [
      "start = 2027-04-28T06:00:00Z\nend = 2027-04-28T05:00:00Z",
      '"end" (2027-04-28T05:00:00.000Z) is before "start"',
    ],
    ['start = 2027-04-28T06:00:00Z\nreason = "0123456789a"', "longer than 10 characters"],
    ['start = 2027-04-28T06:00:00Z\nservers = ["a","b","c"]', "longer than 2 entries"],
    ["start = 2027-04-28T06:00:00Z\nservers = [1]", "has an entry that wants a text"],
    ['start = 2027-04-28T06:00:00Z\nreason = "a\\u0000"', "control character"],
    ['start = 2027-04-28T06:00:00Z\npage = "https://example.com/ x"', "wants a web address"],
  ])("are refused: %s", (toml, expected) => {
    expect(problems(toml)).toContain(expected);
  });

  it("cannot be reached by a name that every object has", () => {
    expect(() => checkValues(template, { start: "2027-04-28T06:00:00Z", constructor: "x" })).toThrow(
      /"constructor" is not/,
    );
  });
});
