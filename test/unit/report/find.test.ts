// Find: the answer for the telephone, by address or account, over all campaigns, with what the provider said.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sqlTime } from "../../../src/adapters/database/database.ts";
import { createReportStore } from "../../../src/adapters/store/reports.ts";
import { findClient, renderFind } from "../../../src/report/find.ts";
import type { ReportStore } from "../../../src/report/store.ts";
import { MOMENT, NO_REVERSE_DNS, openRows, type Rows } from "../../world/rows.ts";

let world: Rows;
let store: ReportStore;
let first: number;
let second: number;
const REPLY = "550-5.7.25 no PTR\r\n550 5.7.25 record \u001b[2J";

beforeAll(async () => {
  world = await openRows();
  store = createReportStore(world.db);
  const importId = await world.audience(
    ["email", "account", "server"],
    [
      { address: "Ann@gmail.com", account: "C-1", attributes: { server: "s12" } },
      { address: "Ann@gmail.com", account: "C-2", attributes: { server: "s13" } },
      { address: "bo@gmail.com", account: "C-1", attributes: { server: "s12" } },
      { address: null, account: "C-9", attributes: { server: "s12" } },
      { address: "late@gmail.com", account: "C-7", attributes: { server: "s12" } },
    ],
  );
  first = await world.campaign({ name: "First", importId, filter: { server: ["s12"] } });
  await world.delivery(first, { address: "Ann@gmail.com", state: "accepted", attempt: 2 }, [
    { at: "2017-04-28T07:40:02Z", event: "rejected", reply: REPLY, reason: "reverse-dns", fault: "sender" },
    { at: "2017-04-28T08:41:00Z", event: "accepted", attempt: 2, reply: "250 2.0.0 OK" },
  ]);
  await world.delivery(
    first,
    {
      address: "bo@gmail.com",
      state: "bounced",
      reason: "user-unknown",
      fault: "address",
      scope: "recipient",
    },
    [
      {
        at: "2017-04-28T07:42:00Z",
        event: "rejected",
        reply: "550 5.1.1 no such user",
        reason: "user-unknown",
      },
    ],
  );
  second = await world.campaign({
    name: "Second",
    importId,
    lanes: { google: {} },
    holds: { google: NO_REVERSE_DNS },
  });
  await world.delivery(second, { address: "Ann@gmail.com" });
  await world.run(
    "INSERT INTO suppression (key, address, reason, since) VALUES ('bo@gmail.com', 'bo@gmail.com', 'user-unknown', ?)",
    sqlTime(MOMENT),
  );
});
afterAll(() => world.close());

describe("find", () => {
  it("tells by address, in any case, what each campaign said and what was answered", async () => {
    const found = await findClient(store, " ANN@Gmail.COM ");
    expect(found.notices).toMatchObject([
      { campaign: second, name: "Second", state: "pending", account: "C-1, C-2", at: null, attempts: [] },
      {
        campaign: first,
        name: "First",
        address: "Ann@gmail.com",
        account: "C-1",
        state: "accepted",
        at: "2017-04-28T08:41:00.000Z",
        sentence: "Told on 2017-04-28 08:41 UTC: Gmail / Google Workspace accepted it.",
        attempts: [
          { attempt: 1, try: 1, event: "rejected", reply: REPLY, reason: "reverse-dns" },
          { attempt: 2, try: 1, event: "accepted", reply: "250 2.0.0 OK", reason: null },
        ],
      },
    ]);
    expect(found.notices[0]?.sentence).toMatch(/^Not told: mail to Gmail \/ Google Workspace is stopped/);
    expect(found.suppressions).toEqual([]);
  });

  it("tells by account all its addresses, and whether one is suppressed", async () => {
    const found = await findClient(store, "c-1");
    const ofFirst = found.notices.filter((notice) => notice.campaign === first);
    expect(ofFirst.map((notice) => [notice.address, notice.account, notice.state])).toEqual([
      ["Ann@gmail.com", "C-1", "accepted"],
      ["bo@gmail.com", "C-1", "bounced"],
    ]);
    expect(ofFirst[1]?.sentence).toMatch(
      /^Not told: Gmail \/ Google Workspace says: there is no such mailbox/,
    );
    expect(found.suppressions).toMatchObject([
      {
        address: "bo@gmail.com",
        reason: "user-unknown",
        provisional: true,
        since: "2017-04-28T07:40:00.000Z",
      },
    ]);
  });

  it("does not take for an account what another account at the same address was told", async () => {
    const found = await findClient(store, "C-2");
    expect(found.notices.map((notice) => notice.campaign)).toEqual([second]);
  });

  it("tells of clients without an address and of those who are not planned", async () => {
    const [none] = (await findClient(store, "C-9")).notices;
    expect(none).toMatchObject({ state: "no-address", address: null, attempts: [] });
    const [late] = (await findClient(store, "late@gmail.com")).notices;
    expect(late).toMatchObject({
      state: "pending",
      sentence: "Not told: the campaign has not come to this address.",
    });
  });

  it("says when nothing is known", async () => {
    const found = await findClient(store, "nobody@x.test");
    expect(found).toEqual({ asked: "nobody@x.test", known: false, notices: [], suppressions: [] });
    expect(renderFind(found)).toMatch(/^Nothing is known of nobody@x.test/);
    expect((await findClient(store, "")).known).toBe(false);
  });

  it("prints the reply word for word, and obeys nothing in it", async () => {
    const text = renderFind(await findClient(store, "ann@gmail.com"));
    expect(text).toContain("      | 550-5.7.25 no PTR\n      | 550 5.7.25 record \\u{1B}[2J\n");
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(renderFind(await findClient(store, "\u001b[2Jx"))).toContain("\\u{1B}[2Jx");
    expect(renderFind(await findClient(store, "bo@gmail.com"))).toContain(
      "bo@gmail.com is suppressed provisionally since 2017-04-28 07:40 UTC: there is no such mailbox.",
    );
  });
});
