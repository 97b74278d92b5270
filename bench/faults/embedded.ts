// The faults of the embedded mode that leave its process alive, each many times at random moments of real campaigns.
// Usage: npm run build && tsx bench/faults/embedded.ts [times = 20] [seed = 1] [part of a fault's name].
// Its own death is crash.ts. Prints one row a fault; exit 1 when one is not well. A full disk needs root (tmpfs).
import { setTimeout as sleep } from "node:timers/promises";
import DatabaseFile from "better-sqlite3";
import { createCampaignFolder } from "../../test/world/campaign-folder.ts";
import { randomOf, SEND } from "../../test/world/crashes.ts";
import { endMailers, startMailer } from "../../test/world/process.ts";
import { mountSmallDisk, type SmallDisk } from "../../test/world/small-disk.ts";
import { type Fault, MAILS, runFaults, type Scene, SINK } from "./run.ts";
import { smtpDeaths } from "./smtp-deaths.ts";

const times = Number(process.argv[2] ?? 20);
const random = randomOf(Number(process.argv[3] ?? 1));
const only = process.argv[4] ?? "";

async function openEmbedded(disk?: SmallDisk): Promise<Scene> {
  const world = await createCampaignFolder({
    clients: MAILS,
    sink: SINK,
    ...(disk === undefined ? {} : { data: disk.folder }),
  });
  const watcher = startMailer(world.folder, SEND);
  return {
    world,
    watcher,
    taken: async (mails) => {
      while (world.accepted() < mails) {
        if (!watcher.running) throw new Error(`it ended before ${mails} mails: ${watcher.stderr()}`);
        await sleep(20);
      }
    },
    query: async <Row>(sql: string) => {
      const db = new DatabaseFile(world.database, { timeout: 10_000, readonly: true });
      try {
        return db.prepare(sql).all() as Row[];
      } finally {
        db.close();
      }
    },
    close: async () => {
      await endMailers(world.folder);
      await world.close();
      disk?.unmount();
    },
  };
}

interface OnDisk extends Scene {
  disk: SmallDisk;
}

const fullDisk: Fault<OnDisk> = {
  name: "disk full, freed again",
  bound: 0,
  open: async () => {
    const disk = mountSmallDisk(32);
    return { ...(await openEmbedded(disk)), disk };
  },
  strike: async ({ disk }) => {
    disk.fill();
    await sleep(300 + random() * 2_000);
    disk.free();
  },
};

const deaths = await runFaults(smtpDeaths({ open: () => openEmbedded(), random }), { only, times, random });
const disks = await runFaults([fullDisk], { only, times, random });
process.exitCode = deaths && disks ? 0 : 1;
