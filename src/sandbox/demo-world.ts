// The world of the demo: two thousand clients, six simulated providers on loopback, a configuration that points at
// them, in a folder that is removed at the end. What happens in it is told by demo.ts.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { SimulatedProvider } from "./provider-server.ts";

/** Clients by mail domain: every provider's share is like a European hoster's. */
const CLIENTS: readonly (readonly [string, string, number])[] = [
  ["google", "gmail.com", 780],
  ["outlook", "outlook.com", 440],
  ["yahoo", "yahoo.com", 240],
  ["orange", "orange.fr", 220],
  ["apple", "icloud.com", 180],
  ["unitedinternet", "gmx.de", 140],
];
const NAMES = ["Anna", "Bruno", "Chloé", "Dimitri", "Élise", "Farid", "Greta", "Hugo", "Inès", "Jonas"];
const ZONES = ["Europe/Paris", "Europe/Berlin", "America/New_York", "Asia/Tokyo"];

export interface DemoWorld {
  folder: string;
  campaignFile: string;
  config: Config;
  providers: ReadonlyMap<string, SimulatedProvider>;
  clients: number;
  close(): Promise<void>;
}

export async function createDemoWorld(): Promise<DemoWorld> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "bellwether-demo-"));
  const providers = new Map<string, SimulatedProvider>();
  const close = async () => {
    await Promise.all([...providers.values()].map((provider) => provider.close()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const [id] of CLIENTS)
      providers.set(id, await new SimulatedProvider({ id, replyDelayMs: 2 }).start());
    writeFileSync(path.join(folder, "clients.csv"), clientsCsv());
    writeFileSync(path.join(folder, "bellwether.toml"), configText(providers));
    const campaignFile = path.join(folder, "campaign.toml");
    writeFileSync(campaignFile, campaignText());
    const config = loadConfig({ cwd: folder, env: {} });
    const clients = CLIENTS.reduce((sum, [, , count]) => sum + count, 0);
    return { folder, campaignFile, config, providers, clients, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function clientsCsv(): string {
  const rows = CLIENTS.flatMap(([, domain, count]) =>
    Array.from({ length: count }, (_, i) => {
      const name = NAMES[i % NAMES.length] ?? "";
      const locale = i % 3 === 0 ? "fr" : "en";
      return `${name
        .toLowerCase()
        .normalize("NFD")
        .replace(
          /[^a-z]/g,
          "",
        )}.${i}@${domain},${name},${locale},${ZONES[i % ZONES.length]},C-${domain.slice(0, 2).toUpperCase()}${i},s12`;
    }),
  );
  return `email,name,locale,timezone,account,server\n${rows.join("\n")}\n`;
}

function configText(providers: ReadonlyMap<string, SimulatedProvider>): string {
  const routes = [...providers].map(
    ([id, { host, port }]) =>
      `[[routes]]\nprovider = "${id}"\nurl = "smtp://${host}:${port}"\nfeedback = "final"\nconnections = 20\n`,
  );
  return `[sender]\nfrom = "Example Hosting <support@hosting.example>"\n\n${routes.join("\n")}`;
}

function campaignText(): string {
  const start = new Date(Date.now() + 7 * 24 * 60 * 60 * 1000);
  start.setUTCHours(6, 0, 0, 0);
  const end = new Date(start.getTime() + 7 * 60 * 1000);
  return `name = "Server s12 is replaced"
template = "maintenance-scheduled"
audience = "clients.csv"
filter = { server = ["s12"] }
[values]
window_start = ${start.toISOString()}
window_end = ${end.toISOString()}
`;
}
