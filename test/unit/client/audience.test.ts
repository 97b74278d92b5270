import { describe, expect, it } from "vitest";
import { checkFilter, type FilterableRow, matchesFilter } from "../../../src/client/audience.ts";

const anna: FilterableRow = {
  key: "anna@example.com",
  domain: "example.com",
  name: "Anna",
  locale: "fr-FR",
  timezone: "Europe/Paris",
  account: "A7",
  attributes: { server: "s12", plan: "", Région: "Île" },
};

describe("a filter", () => {
  it.each([
    [{}, true],
    [{ server: "s12" }, true],
    [{ server: " s12 " }, true],
    [{ server: "S12" }, false],
    [{ server: ["s11", "s12"] }, true],
    [{ server: [] }, false],
    [{ server: "s12", plan: "pro" }, false],
    [{ server: "s12", plan: "" }, true],
    [{ Région: "I\u0302le" }, true],
    [{ locale: "fr_FR" }, true],
    [{ locale: "fr" }, false],
    [{ timezone: "Europe/Paris", account: "A7", name: "Anna" }, true],
    [{ domain: "Example.com" }, true],
    [{ email: "ANNA@example.com" }, true],
    [{ nothing: "x" }, false],
    [{ constructor: "x" }, false],
  ])("%j takes the client: %s", (filter, expected) => {
    expect(matchesFilter(anna, filter)).toBe(expected);
  });

  it("prefers a column of the list to what is known by itself", () => {
    const row = { ...anna, attributes: { domain: "Site.example.org" } };
    expect(matchesFilter(row, { domain: "Site.example.org" })).toBe(true);
    expect(matchesFilter(row, { domain: "example.com" })).toBe(false);
  });

  it("that names a column which the audience does not have is refused, with the near one in the hint", () => {
    const columns = ["email", "name", "Server"];
    expect(() => checkFilter({ Server: "s12", domain: "example.com" }, columns)).not.toThrow();
    expect(() => checkFilter({ server: "s12" }, columns)).toThrow(
      expect.objectContaining({ code: "filter-unknown-column", exit: 2, hint: 'Write "Server".' }),
    );
    expect(() => checkFilter({ locale: "fr" }, columns)).toThrow(
      /"locale", but the audience has email, name, Server/,
    );
  });
});
