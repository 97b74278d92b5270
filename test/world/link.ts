// A network between two parts that can fail: cut (lines drop, new ones are refused), silent (lines stand, nothing
// passes), stranded (the lines of now are silent for ever, new ones work: a firewall that forgot them). On the way to
// PostgreSQL it can also lose the answer to a COMMIT: what was asked is done, and the line is cut instead of answered.

import { connect, createServer, type Socket } from "node:net";
import { openDoor } from "./loopback.ts";
import { watchStatements } from "./pg-wire.ts";

/** What a transaction has written: intents alone, settles alone, a group of both; or none of them. */
export type CommitKind = "intent" | "settle" | "both" | "other";

export interface Link {
  /** The same server, by this way. */
  urlOf(url: string): string;
  /** All lines drop; until it is mended nobody is let in. */
  cut(): void;
  /** Nothing passes, and nothing is refused; when it is mended what waited goes on its way. */
  hush(): void;
  /** The lines of now never carry anything again, not even their end. New ones do. */
  strand(): void;
  /** After `cut` and `hush`. */
  mend(): void;
  /** The next so many COMMITs of a kind lose their answer; "any": of whatever they are. */
  lose(commits: number, kind?: CommitKind | "any"): void;
  /** Answers lost so far, by what their transactions had written. */
  readonly lost: Readonly<Record<CommitKind, number>>;
  close(): Promise<void>;
}

/** As the ledger writes them: an intent begins to send, a settle leaves its outcome in the log. */
const INTENT = /SET state = 'sending'/;
const SETTLE = /INSERT INTO outcome\b/;

export async function startLink(target: { host: string; port: number }): Promise<Link> {
  const lost: Record<CommitKind, number> = { intent: 0, settle: 0, both: 0, other: 0 };
  let toLose: { left: number; kind: CommitKind | "any" } = { left: 0, kind: "any" };
  let state: "fine" | "cut" | "silent" = "fine";
  const lines = new Set<{ hush(): void; mend(): void; strand(): void; destroy(): void }>();

  function join(client: Socket): void {
    const server = connect(target.port, target.host);
    const ends = [client, server];
    let stranded = false;
    let losing: CommitKind | null = null;
    const written = { intent: false, settle: false };
    const statements = watchStatements((sql) => {
      if (/^BEGIN/.test(sql)) Object.assign(written, { intent: false, settle: false });
      written.intent ||= INTENT.test(sql);
      written.settle ||= SETTLE.test(sql);
      if (!/^COMMIT/.test(sql) || toLose.left === 0 || losing !== null) return;
      const kind = kindOf(written);
      if (toLose.kind !== "any" && toLose.kind !== kind) return;
      toLose.left -= 1;
      losing = kind;
    });
    const line = {
      hush: () => {
        for (const end of ends) end.pause();
      },
      mend: () => {
        if (!stranded) for (const end of ends) end.resume();
      },
      strand: () => {
        stranded = true;
        line.hush();
      },
      destroy: () => {
        for (const end of ends) end.destroy();
      },
    };
    lines.add(line);
    for (const end of ends) {
      end.on("error", () => undefined);
      end.on("close", () => {
        // Whoever hangs up a stranded line is not heard at its other end.
        if (stranded) return;
        lines.delete(line);
        line.destroy();
      });
    }
    client.on("data", (bytes) => {
      statements(bytes);
      server.write(bytes);
    });
    server.on("data", (bytes) => {
      if (losing === null) {
        client.write(bytes);
        return;
      }
      // It has been answered, so it has been done.
      lost[losing] += 1;
      line.destroy();
    });
    if (state === "silent") line.hush();
  }

  const server = createServer((client) => {
    client.on("error", () => undefined);
    if (state === "cut") client.destroy();
    else join(client);
  });
  const urlOf = await openDoor(server);
  return {
    urlOf,
    cut: () => {
      state = "cut";
      for (const line of lines) line.destroy();
    },
    hush: () => {
      state = "silent";
      for (const line of lines) line.hush();
    },
    strand: () => {
      for (const line of lines) line.strand();
    },
    mend: () => {
      state = "fine";
      for (const line of lines) line.mend();
    },
    lose: (commits, kind = "any") => {
      toLose = { left: commits, kind };
    },
    lost,
    close: async () => {
      for (const line of lines) line.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function kindOf({ intent, settle }: { intent: boolean; settle: boolean }): CommitKind {
  if (intent && settle) return "both";
  if (intent) return "intent";
  return settle ? "settle" : "other";
}
