// The faults of a cluster, each many times at random moments of real campaigns.
// Usage: npm run build && tsx bench/faults/cluster.ts [times = 20] [seed = 1] [part of a fault's name].
// A lost answer to COMMIT comes five times as often. Prints one row a fault; exit 1 when one is not well (run.ts says
// what that is). A full disk needs root (tmpfs).
import { randomOf } from "../../test/world/crashes.ts";
import { deaths } from "./cluster-deaths.ts";
import { fullDisks } from "./cluster-disks.ts";
import { cutNetworks, lostCommits } from "./cluster-network.ts";
import { closePlace, openPlace } from "./cluster-place.ts";
import { sleepers } from "./cluster-sleepers.ts";
import { runFaults } from "./run.ts";
import { smtpDeaths } from "./smtp-deaths.ts";

const times = Number(process.argv[2] ?? 20);
const random = randomOf(Number(process.argv[3] ?? 1));
const only = process.argv[4] ?? "";

const place = await openPlace();
try {
  const setting = { place, random };
  const few = await runFaults(
    [
      ...deaths(setting),
      ...smtpDeaths({ open: () => place.open(), random }),
      ...cutNetworks(setting),
      ...fullDisks(setting),
      ...sleepers(setting),
    ],
    { only, times, random },
  );
  const many = await runFaults(lostCommits(setting), { only, times: 5 * times, random });
  process.exitCode = few && many ? 0 : 1;
} finally {
  await closePlace(place);
}
