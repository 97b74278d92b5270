// import: a CSV file becomes a named audience, whole or not at all.
import { importFile } from "../client/importer.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import { safeText } from "../report/safe-text.ts";
import type { Io } from "./io.ts";
import { type CommonOptions, withBellwether } from "./open.ts";
import { createInterrupt } from "./run.ts";

const SHOWN = 20;

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
      const rejected = await app.audiences.refused(imported.importId);
      const { accepted, duplicates, unreachable } = imported;
      if (options.json === true) {
        await io.out(`${JSON.stringify({ accepted, duplicates, unreachable, rejected })}\n`);
      }
      io.say(
        `"${audience}": ${accepted} accepted, ${duplicates} duplicates, ${unreachable} without an address, ${rejected.length} refused.`,
      );
      for (const row of rejected.slice(0, SHOWN)) {
        io.say(
          `  line ${row.line}, ${row.column || "row"}: ${safeText(row.reason)} (${safeText(row.value.slice(0, 80))})`,
        );
      }
      if (rejected.length > SHOWN)
        io.say(`  ... and ${rejected.length - SHOWN} more; --json lists them all.`);
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
