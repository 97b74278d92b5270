// import: a CSV file becomes a named audience, whole or not at all.
import type { AudienceStore } from "../client/audience-store.ts";
import type { RefusedRow } from "../client/import.ts";
import { importFile } from "../client/importer.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import { safeText } from "../report/safe-text.ts";
import type { Io } from "./io.ts";
import { type CommonOptions, withBellwether } from "./open.ts";
import { createInterrupt } from "./run.ts";

const SHOWN = 20;
const PAGE = 500;

export async function importAudience(
  io: Io,
  name: string,
  file: string,
  options: CommonOptions,
): Promise<ExitCode> {
  const audience = name.replace(/^audience:/, "").trim();
  if (audience === "" || audience.length > 200) {
    throw new BellwetherError(
      "usage",
      "An audience's name has 1 to 200 characters.",
      "bellwether import NAME FILE.csv",
    );
  }
  return withBellwether(io, options, async (app) => {
    const interrupt = createInterrupt(io);
    let saidAtMs = performance.now();
    try {
      const imported = await importFile({
        store: app.audiences,
        file,
        signal: interrupt.signal,
        onProgress: (rows) => {
          if (performance.now() - saidAtMs < 2_000) return;
          saidAtMs = performance.now();
          io.say(`${rows} rows read ...`);
        },
      });
      await app.audiences.name(audience, imported.importId);
      const { importId, accepted, duplicates, unreachable, rejected } = imported;
      if (options.json === true) {
        await io.out(`${JSON.stringify({ accepted, duplicates, unreachable }).slice(0, -1)},"rejected":[`);
        for await (const { row, first } of refusedRows(app.audiences, importId)) {
          await io.out(`${first ? "" : ","}${JSON.stringify(row)}`);
        }
        await io.out("]}\n");
      }
      io.say(
        `"${audience}": ${accepted} accepted, ${duplicates} duplicates, ${unreachable} without an address, ${rejected} refused.`,
      );
      for (const row of await app.audiences.refused(importId, 0, SHOWN)) {
        io.say(
          `  line ${row.line}, ${row.column || "row"}: ${safeText(row.reason)} (${safeText(row.value.slice(0, 80))})`,
        );
      }
      if (rejected > SHOWN) io.say(`  ... and ${rejected - SHOWN} more; --json lists them all.`);
      return EXIT.done;
    } catch (error) {
      if (!interrupt.signal.aborted) throw error;
      io.say("Interrupted: the audience is as it was.");
      return EXIT.interrupted;
    } finally {
      interrupt.dispose();
    }
  });
}

/** Page by page: a file of which every row is refused may be as long as any. */
async function* refusedRows(
  audiences: AudienceStore,
  importId: number,
): AsyncGenerator<{ row: RefusedRow; first: boolean }> {
  let after = 0;
  for (;;) {
    const page = await audiences.refused(importId, after, PAGE);
    for (const row of page) {
      yield { row, first: after === 0 };
      after = row.line;
    }
    if (page.length < PAGE) return;
  }
}
