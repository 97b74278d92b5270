// A corrected text: the next revision of a campaign's content, in one transaction. From then on whatever is claimed is
// sent by it (the claim writes the revision into the row); who has the former one keeps it in their row and is not
// written to again. Claims of the former text become void with their lane's epoch; what is on the wire settles.
import type { CampaignState } from "../../campaign/campaign.ts";
import type { Order, Steered } from "../../campaign/store.ts";
import { BellwetherError } from "../../errors.ts";
import type { Tx } from "../database/database.ts";
import type { CampaignModel } from "../database/generated/sqlite/models.ts";
import { wrongState } from "./campaign-lock.ts";
import { addEvents, readLanes, writeLanes } from "./lane-rows.ts";

/** The same content again changes nothing. `lanes`: those whose next mails say the new text. */
export async function revise(
  tx: Tx,
  campaign: CampaignModel,
  order: Extract<Order, { do: "revise" }>,
  nowMs: number,
): Promise<Steered> {
  const state = campaign.state as CampaignState;
  if (state === "cancelled" || state === "draft") throw wrongState(campaign, "revised");
  const source = JSON.stringify(order.source);
  const values = JSON.stringify(order.values);
  const now = await tx.contentRevision.findUniqueOrThrow({
    where: { campaignId_number: { campaignId: campaign.id, number: campaign.revision } },
  });
  if (now.source === source && now.values === values) return { returned: 0, lanes: [] };
  if (order.from !== campaign.revision) {
    throw new BellwetherError(
      "campaign-state",
      `"${campaign.name}" was revised by somebody else meanwhile: revision ${campaign.revision} is what is sent now.`,
      "Type `revise` again: it shows the difference to that one.",
    );
  }
  const namesake = await tx.campaign.findFirst({ where: { key: order.key, NOT: { id: campaign.id } } });
  if (namesake !== null) {
    throw new BellwetherError(
      "campaign-name-taken",
      `This text was sent before to the same audience, under the same name, as campaign ${namesake.id} (${namesake.state}).`,
      "Who got it there would get it twice.",
    );
  }
  const number = campaign.revision + 1;
  const at = new Date(nowMs);
  await tx.contentRevision.create({
    data: { campaignId: campaign.id, number, source, values, createdAt: at },
  });
  await tx.campaign.update({
    where: { id: campaign.id },
    data: {
      revision: number,
      key: order.key,
      file: order.file,
      spec: JSON.stringify(order.spec),
      templateName: order.templateName,
      tellBy: order.tellByMs === null ? null : new Date(order.tellByMs),
      validUntil: order.validUntilMs === null ? null : new Date(order.validUntilMs),
    },
  });
  const lanes = (await readLanes(tx, { campaignId: campaign.id })).map((one) => one.lane);
  for (const lane of lanes) {
    // Only where something is claimed: an epoch that ends makes reports of its mails mere history.
    if (lane.outstanding > 0) lane.epoch += 1;
    // What was said of the former text is no evidence against this one.
    const recent = lane.pulse.recent.filter((one) => one.fault !== "content");
    lane.pulse = { ...lane.pulse, content: 0, recent };
  }
  await writeLanes(tx, lanes);
  const text = `The text was corrected: from now on revision ${number} is sent. Who has an earlier one is not written to again.`;
  await addEvents(tx, [{ campaignId: campaign.id, laneId: null, atMs: nowMs, event: "revised", text }]);
  return { returned: 0, lanes: lanes.filter((lane) => lane.state !== "done").map((lane) => lane.provider) };
}
