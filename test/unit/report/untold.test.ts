// The untold list: everybody who has not got the notice is on it once a client, nobody else, and no cell is a formula.
import Papa from "papaparse";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createReportStore } from "../../../src/adapters/store/reports.ts";
import { DELIVERY_STATES } from "../../../src/delivery/delivery.ts";
import type { ReportStore } from "../../../src/report/store.ts";
import { csvLine, untoldCsv } from "../../../src/report/untold.ts";
import { NO_REVERSE_DNS, openRows, type Rows } from "../../world/rows.ts";

let world: Rows;
let store: ReportStore;
beforeAll(async () => {
  world = await openRows();
  store = createReportStore(world.db);
});
afterAll(() => world.close());

async function listed(campaignId: number): Promise<{ text: string; rows: Record<string, string>[] }> {
  let text = "";
  for await (const chunk of untoldCsv(store, campaignId)) text += chunk;
  const { data, errors } = Papa.parse<Record<string, string>>(text, { header: true, skipEmptyLines: true });
  expect(errors).toEqual([]);
  return { text, rows: data };
}

describe("the untold list", () => {
  it("has every state but those in which the notice arrived", async () => {
    const each = Object.fromEntries(DELIVERY_STATES.map((state) => [state, 1]));
    const id = await world.campaign({ lanes: { google: each } });
    const { rows } = await listed(id);
    const told = ["accepted", "handed-over", "complained"];
    expect(rows.map((row) => row.state).sort()).toEqual(
      DELIVERY_STATES.filter((state) => !told.includes(state)).sort(),
    );
    for (const row of rows) expect(row.why, row.state).toMatch(/^\w.*\.$/);
  });

  it("has a line for each client of an address that the filter means, with account and attributes", async () => {
    const importId = await world.audience(
      ["email", "name", "account", "plan", "state"],
      [
        { address: "Ann@gmail.com", name: "Ann", account: "1", attributes: { plan: "pro", state: "Jura" } },
        { address: "Ann@gmail.com", name: "Ann", account: "2", attributes: { plan: "pro", state: "" } },
        { address: "Ann@gmail.com", name: "Ann", account: "3", attributes: { plan: "free", state: "" } },
        { address: "bo@gmail.com", account: "4", attributes: { plan: "pro", state: "" } },
        { address: null, name: "Cy", account: "5", attributes: { plan: "pro", state: "" } },
        { address: null, account: "6", attributes: { plan: "free", state: "" } },
      ],
    );
    await world.run(
      `INSERT INTO refused_row (import_id, line, column_name, value, reason)
       VALUES (?, 9, 'email', 'x@@y', 'not an email address: it has more than one @')`,
      importId,
    );
    const id = await world.campaign({ importId, filter: { plan: "pro" } });
    await world.delivery(id, {
      address: "Ann@gmail.com",
      state: "bounced",
      reason: "reverse-dns",
      fault: "sender",
      scope: "provider",
    });
    await world.delivery(id, { address: "bo@gmail.com", state: "accepted" });
    const { text, rows } = await listed(id);
    expect(text.split("\n")[0]).toBe(
      "address,name,account,locale,timezone,provider,state,reason,why,plan,client state",
    );
    const why =
      "Gmail / Google Workspace refused our server: the sending server's address has no reverse DNS name; it is our fault, the mailbox is fine.";
    expect(rows).toMatchObject([
      {
        address: "Ann@gmail.com",
        account: "1",
        provider: "google",
        state: "bounced",
        reason: "reverse-dns",
        why,
      },
      { address: "Ann@gmail.com", account: "2" },
      { address: "", name: "Cy", account: "5", state: "no-address" },
      { address: "", state: "refused-row", reason: "not an email address: it has more than one @" },
    ]);
    expect(rows[0]).toMatchObject({ plan: "pro", "client state": "Jura" });
    expect(rows[3]?.why).toMatch(/^Line 9 of the client list .*"email", "x@@y"/);
  });

  it("tells why those of a held lane still wait", async () => {
    const id = await world.campaign({ lanes: { google: { pending: 1 } }, holds: { google: NO_REVERSE_DNS } });
    const { rows } = await listed(id);
    expect(rows[0]?.why).toMatch(
      /^Not sent: mail to Gmail \/ Google Workspace is stopped.* reverse DNS .*our fault/,
    );
  });

  it("has the clients whom an interrupted plan has not reached", async () => {
    const importId = await world.audience(
      ["email"],
      [{ address: "a@x.test" }, { address: "b@x.test" }, { address: "c@x.test" }],
    );
    const id = await world.campaign({ importId, planned: false, planCursor: "a@x.test" });
    await world.delivery(id, { address: "a@x.test", state: "accepted" });
    // Planned after the list was begun: it has a row, and is no second time among the rest.
    await world.delivery(id, { address: "b@x.test", state: "bounced" });
    const { rows } = await listed(id);
    expect(rows.map((row) => [row.address, row.state])).toEqual([
      ["b@x.test", "bounced"],
      ["c@x.test", "pending"],
    ]);
  });

  it("goes on over its pages, and misses and doubles nobody", async () => {
    const id = await world.campaign({
      lanes: { google: { pending: 2_500, accepted: 3_000, bounced: 1_700 } },
    });
    const { rows } = await listed(id);
    expect(rows).toHaveLength(4_200);
    expect(new Set(rows.map((row) => row.address)).size).toBe(4_200);
  });

  it("has an address whose client rows are gone", async () => {
    const id = await world.campaign({ importId: 4_711 });
    await world.delivery(id, { address: "dee@gmail.com", state: "expired" });
    expect((await listed(id)).rows).toMatchObject([{ address: "dee@gmail.com", state: "expired" }]);
  });
});

describe("a cell", () => {
  it("is never a formula, whatever it is made of", () => {
    for (const evil of [
      "=1+1",
      "+1",
      "-1",
      "@SUM(A1)",
      "\t=1",
      "\r=1",
      "\n=1",
      " =1",
      "＝1",
      "=cmd@x.test",
    ]) {
      const [cell] = Papa.parse<string[]>(csvLine([evil, "x"])).data[0] ?? [];
      expect(cell).toBe(`'${evil}`);
    }
    expect(csvLine(["a-b=c", "ann+tag@x.test", "3-4"])).toBe("a-b=c,ann+tag@x.test,3-4\n");
  });

  it("is read back as it was by a CSV reader", () => {
    const cells = ['say "yes"', "a,b", "two\r\nlines", "a;b", " blank ", "", "é漢🐑"];
    expect(Papa.parse<string[]>(csvLine(cells), { newline: "\n" }).data[0]).toEqual(cells);
  });

  it("is neutral in the header and in every column of the list", async () => {
    const evil = "=HYPERLINK(1)";
    const importId = await world.audience(
      ["email", "name", evil],
      [{ address: "=cmd@x.test", name: evil, account: evil, attributes: { [evil]: "-2+3" } }],
    );
    const id = await world.campaign({ importId });
    await world.delivery(id, { address: "=cmd@x.test" });
    const { text } = await listed(id);
    expect(text).not.toMatch(/(^|[,"\n])[=+\-@]/);
    expect(text).toContain("'=cmd@x.test,'=HYPERLINK(1)");
  });
});
