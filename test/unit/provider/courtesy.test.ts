import { expect, test } from "vitest";
import { COURTEOUS, courtesyOf } from "../../../src/provider/courtesy.ts";
import { PROVIDER_IDS } from "../../../src/provider/directory.ts";
import { OTHER } from "../../../src/provider/provider.ts";

test("every entry is a provider that lanes know, with a source and numbers that mean something", () => {
  expect(COURTEOUS.filter((id) => !PROVIDER_IDS.includes(id))).toEqual([]);
  for (const id of PROVIDER_IDS) {
    const { connections, mails, source } = courtesyOf(id);
    expect(connections).toBeGreaterThan(0);
    expect(mails).toBeGreaterThan(0);
    expect(source).toMatch(/^https:\/\//);
  }
});

test("who has no entry gets the usual, as the long tail does", () => {
  expect(courtesyOf("free")).toEqual(courtesyOf(OTHER));
  expect(courtesyOf("orange")).toMatchObject({ connections: 2, mails: 100, strict: true });
});
