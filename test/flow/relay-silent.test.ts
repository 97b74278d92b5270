// Whether anything tells what becomes of the mails that a relay takes is said before the launch.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { createCampaignFolder } from "../world/campaign-folder.ts";
import { endMailers, runMailer } from "../world/process.ts";

test("a relay is silent until an intake is configured", async ({ onTestFinished }) => {
  const world = await createCampaignFolder({ clients: 3 });
  onTestFinished(async () => {
    await endMailers(world.folder);
    await world.close();
  });
  const file = path.join(world.folder, "bellwether.toml");
  const codesWith = async (config: string): Promise<string[]> => {
    writeFileSync(file, config);
    const { stdout } = await runMailer(world.folder, ["check", "campaign.toml", "--json"]);
    return (JSON.parse(stdout).findings as { code: string }[]).map((one) => one.code);
  };
  const relay = readFileSync(file, "utf8").replace('feedback = "final"', 'feedback = "relay"');
  expect(await codesWith(relay)).toContain("relay-silent");
  expect(await codesWith(`${relay}[bounces.log]\nfile = "mail.log"\n`)).not.toContain("relay-silent");
});
