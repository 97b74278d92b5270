// serve: drives this database until it is told to stop. Campaigns that other commands submit are sent from here.
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import { safeText } from "../report/safe-text.ts";
import type { Io } from "./io.ts";
import { type CommonOptions, withBellwether } from "./open.ts";
import { createInterrupt } from "./run.ts";

export async function serve(io: Io, options: CommonOptions): Promise<ExitCode> {
  return withBellwether(io, { ...options, sends: true }, async (app) => {
    const interrupt = createInterrupt(io);
    try {
      const driver = await app.drive(({ name, trouble }) => {
        io.say(trouble === null ? `${name}: answers again.` : `${name}: ${safeText(trouble)}`);
      });
      if (driver === null) {
        throw new BellwetherError(
          "driver-elsewhere",
          "Another process drives this database already.",
          "Leave it to that one, or end it first.",
        );
      }
      interrupt.onForce(() => driver.abort());
      io.say("Driving. Submit campaigns with `bellwether send`; Ctrl-C ends it in order.");
      await new Promise<void>((resolve) => {
        interrupt.signal.addEventListener("abort", () => resolve(), { once: true });
      });
      await driver.drain();
      return EXIT.done;
    } finally {
      interrupt.dispose();
    }
  });
}
