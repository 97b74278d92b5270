// The audience of a follow-up notice: exactly those clients who have not got the first one, as a CSV file that `send`
// takes, with the columns that they came with. Values stand as they are, without the guard that spreadsheets need.
import type { ReportClient, ReportStore } from "./store.ts";
import { outlineOf, plainCell, untoldPages } from "./untold.ts";

export interface FollowUpAudience {
  /** The header first; each chunk ends with a line end. */
  lines: AsyncGenerator<string>;
  /** To be read when the lines are at their end. */
  counted: {
    /** Client rows written; of these without an address. */
    clients: number;
    unreachable: number;
    /** Rows of the first file that were refused: nothing is kept of them to be written. */
    refused: number;
  };
}

/** @throws BellwetherError("campaign-missing") */
export async function followUpAudience(store: ReportStore, campaignId: number): Promise<FollowUpAudience> {
  const outline = await outlineOf(store, campaignId);
  const counted = { clients: 0, unreachable: 0, refused: 0 };
  const columns = outline.columns.includes("email") ? outline.columns : ["email", ...outline.columns];
  const line = (cells: readonly string[]) => `${cells.map(plainCell).join(",")}\n`;
  async function* lines(): AsyncGenerator<string> {
    yield line(columns);
    for await (const page of untoldPages(store, outline)) {
      let chunk = "";
      for (const { client, place } of page) {
        if (place.state === "refused-row") {
          counted.refused += 1;
          continue;
        }
        counted.clients += 1;
        if (client.address === null || client.address === undefined) counted.unreachable += 1;
        chunk += line(columns.map((column) => cellOf(client, column)));
      }
      if (chunk !== "") yield chunk;
    }
  }
  return { lines: lines(), counted };
}

function cellOf(client: Partial<ReportClient>, column: string): string {
  switch (column) {
    case "email":
      return client.address ?? "";
    case "name":
    case "locale":
    case "timezone":
    case "account":
      return client[column] ?? "";
    default:
      return client.attributes?.[column] ?? "";
  }
}
