// A real DNS server of the test's own: Debian's Knot, authoritative for the zones that it is given, over UDP and TCP on
// a free port of loopback. Where it comes from is service-binaries.ts.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createRecordResolver } from "../../src/adapters/dns.ts";
import { knotBinary } from "./service-binaries.ts";
import { type Faults, freePort, startServer } from "./services.ts";

export interface KnotService extends Faults {
  /** "127.0.0.1:port" */
  readonly address: string;
}

/** `zones`: by domain, the records of a zone file without its SOA and NS, names relative to it. */
export async function knotService(zones: Readonly<Record<string, string>>): Promise<KnotService> {
  const binary = knotBinary();
  if (binary.missing !== null) throw new Error(binary.missing);
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const [probe = ""] = Object.keys(zones);
  const server = await startServer({
    name: "knot",
    prepare: async (folder) => {
      for (const name of ["run", "db"]) mkdirSync(path.join(folder, name));
      const listed = Object.entries(zones).map(([domain, records]) => {
        const file = path.join(folder, `${domain}.zone`);
        const head = `$ORIGIN ${domain}.\n$TTL 60\n@ SOA ns.invalid. hostmaster.invalid. 1 60 60 60 60\n@ NS ns.invalid.\n`;
        writeFileSync(file, `${head}${records}\n`);
        return `  - domain: ${domain}\n    file: ${file}\n`;
      });
      // The smallest limit for UDP that it takes: what is longer comes truncated, and again over TCP.
      const conf = `server:
  rundir: ${folder}/run
  listen: 127.0.0.1@${port}
  udp-max-payload: 1220
log:
  - target: stderr
    any: warning
database:
  storage: ${folder}/db
zone:
${listed.join("")}`;
      writeFileSync(path.join(folder, "knot.conf"), conf);
    },
    command: (folder) => [binary.path, "-c", path.join(folder, "knot.conf")],
    gentle: "SIGTERM",
    answers: async () => {
      const { kind } = await createRecordResolver({ servers: [address], timeoutMs: 500 }).ask("TXT", probe);
      if (kind === "failed") throw new Error("Knot does not answer yet");
    },
    port,
  });
  return { address, ...server };
}
