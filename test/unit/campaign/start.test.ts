// The moment at which a campaign begins: what a local time means in a zone, how long a start is still a start, and how
// a moment is told.
import { describe, expect, it } from "vitest";
import {
  GRACE_MS,
  isMissed,
  isZone,
  momentsIn,
  shownStart,
  shownWait,
  withOffset,
} from "../../../src/campaign/start.ts";

const momentsOf = (zone: string, local: string) =>
  momentsIn(zone, Date.parse(`${local}Z`)).map((ms) => new Date(ms).toISOString().replace(".000Z", "Z"));

describe("a local time in a zone", () => {
  it.each([
    ["Europe/Paris", "2027-01-15T09:00:00", ["2027-01-15T08:00:00Z"]],
    ["Europe/Paris", "2027-07-15T09:00:00", ["2027-07-15T07:00:00Z"]],
    ["UTC", "2027-07-15T09:00:00", ["2027-07-15T09:00:00Z"]],
    ["Asia/Kathmandu", "2027-07-15T09:00:00", ["2027-07-15T03:15:00Z"]],
    ["Pacific/Kiritimati", "2027-07-15T09:00:00", ["2027-07-14T19:00:00Z"]],
    ["America/New_York", "2027-12-31T23:59:59", ["2028-01-01T04:59:59Z"]],
  ])("%s %s is one moment", (zone, local, moments) => {
    expect(momentsOf(zone, local)).toEqual(moments);
  });

  it.each([
    ["Europe/Paris", "2027-03-28T02:00:00"],
    ["Europe/Paris", "2027-03-28T02:59:59"],
    ["America/New_York", "2027-03-14T02:30:00"],
    // Half an hour is skipped there.
    ["Australia/Lord_Howe", "2027-10-03T02:15:00"],
    // A whole day was.
    ["Pacific/Apia", "2011-12-30T12:00:00"],
  ])("%s %s does not exist", (zone, local) => {
    expect(momentsOf(zone, local)).toEqual([]);
  });

  it.each([
    ["Europe/Paris", "2027-10-31T02:00:00", ["2027-10-31T00:00:00Z", "2027-10-31T01:00:00Z"]],
    ["Europe/Paris", "2027-10-31T02:59:59", ["2027-10-31T00:59:59Z", "2027-10-31T01:59:59Z"]],
    ["Australia/Lord_Howe", "2027-04-04T01:45:00", ["2027-04-03T14:45:00Z", "2027-04-03T15:15:00Z"]],
  ])("%s %s comes twice", (zone, local, moments) => {
    expect(momentsOf(zone, local)).toEqual(moments);
  });

  it("next to a change of the clocks is one moment", () => {
    for (const local of [
      "2027-03-28T01:59:59",
      "2027-03-28T03:00:00",
      "2027-10-31T01:59:59",
      "2027-10-31T03:00:00",
    ])
      expect(momentsOf("Europe/Paris", local), local).toHaveLength(1);
  });

  it("through a year is the moment that it came from", () => {
    for (const zone of ["Europe/Paris", "Africa/Casablanca", "Australia/Lord_Howe"]) {
      for (let hour = 0; hour < 365 * 24; hour += 61) {
        const atMs = Date.UTC(2027, 0, 1, hour);
        const local = withOffset(zone, atMs).slice(0, 19);
        expect(momentsIn(zone, Date.parse(`${local}Z`)), `${zone} ${local}`).toContain(atMs);
      }
    }
  });

  it("is asked in zones that there are, by name alone", () => {
    expect(["Europe/Paris", "europe/paris", "UTC", "Asia/Kolkata"].every(isZone)).toBe(true);
    expect(["Europe/Pari", "", "+02:00", "2", "local"].some(isZone)).toBe(false);
  });
});

describe("a start", () => {
  const start = { atMs: Date.parse("2027-04-27T07:00:00Z"), zone: "Europe/Paris" };

  it("is missed when its grace is over, and not before", () => {
    expect(isMissed(start, start.atMs - 1)).toBe(false);
    expect(isMissed(start, start.atMs + GRACE_MS)).toBe(false);
    expect(isMissed(start, start.atMs + GRACE_MS + 1)).toBe(true);
  });

  it.each([
    ["Europe/Paris", "27 April 2027 09:00 Europe/Paris"],
    ["+05:30", "27 April 2027 12:30 +05:30"],
    ["-03:30", "27 April 2027 03:30 -03:30"],
    ["UTC", "27 April 2027 07:00 UTC"],
  ])("in %s is told as its file has it", (zone, text) => {
    expect(shownStart({ ...start, zone })).toBe(text);
  });

  it("has its seconds where there are any", () => {
    expect(shownStart({ atMs: start.atMs + 5_000, zone: "UTC" })).toBe("27 April 2027 07:00:05 UTC");
  });

  it.each([
    [40_000, "in 40 s"],
    [99_001, "in 2 min"],
    [89 * 60_000, "in 89 min"],
    [3 * 3_600_000 + 60_000, "in 3 h"],
    [4 * 86_400_000, "in 4 days"],
    [0, "now"],
    [-GRACE_MS, "now"],
    [-GRACE_MS - 1, "missed"],
  ])("that is %i ms away is %s", (awayMs, text) => {
    expect(shownWait(start, start.atMs - awayMs)).toBe(text);
  });
});
