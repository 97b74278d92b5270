import { describe, expect, it } from "vitest";
import { createWebhookIntake } from "../../../src/adapters/intake/webhook.ts";
import type { PostHandler } from "../../../src/adapters/observe/http.ts";
import { systemClock } from "../../../src/clock.ts";
import { basket } from "../../world/bookmarks.ts";
import { playSes } from "./mail-service-ses.ts";
import {
  type PlayedService,
  playBrevo,
  played,
  playMailgun,
  playPostmark,
  playSendgrid,
  playSparkpost,
} from "./mail-services.ts";
import { door } from "./webhook-door.ts";

const PLAYED: readonly (readonly [string, PlayedService])[] = [
  playSes(),
  playSendgrid(),
  playMailgun(),
  playPostmark(),
  playBrevo(),
  playSparkpost(),
].map((service) => [service.name, service]);

describe.each(PLAYED)("the webhook of %s", (name, service) => {
  const { delivered, bounced, complained, dropped, delayed, opened } = service.events;

  it("brings what the service says, with the marks that it has", async () => {
    const { post, brought, intake, clock } = await door(service);
    for (const event of [delivered, bounced, complained, dropped, delayed])
      expect(await post(service.call([event], clock.now()))).toMatchObject({
        status: 200,
        text: "1 recorded, 0 ignored",
      });
    expect(brought.map(({ report }) => [report.kind, report.recipients[0]?.action])).toEqual([
      ["notice", "delivered"],
      ["bounce", "failed"],
      ["feedback", "complained"],
      ["bounce", "failed"],
      ["notice", "delayed"],
    ]);
    expect(brought.map(({ report }) => report.recipients[0]?.classification?.reason)).toEqual([
      undefined,
      "user-unknown",
      "complaint",
      "suppressed-by-relay",
      "rate-limited",
    ]);
    expect(brought.map(({ report }) => report.recipients[0]?.classification?.hard)).toEqual([
      undefined,
      true,
      true,
      true,
      false,
    ]);
    for (const { report, intake: by, key, excerpt } of brought) {
      expect(report.recipients).toHaveLength(1);
      expect(report.recipients[0]?.address).toBe(played.address);
      expect(report.marks.tokens).toEqual([played.token]);
      expect(report).toMatchObject({ reporter: name, atMs: expect.any(Number) });
      expect(Math.abs((report.atMs ?? 0) - Date.parse("2026-11-22T05:00:00Z"))).toBeLessThan(2 * 86_400_000);
      expect(by).toBe(`webhook:${name}`);
      expect(key).toMatch(/^\S{20,100}$/);
      expect(excerpt.length).toBeGreaterThan(10);
    }
    expect(new Set(brought.map(({ key }) => key)).size).toBe(5);
    expect(intake.health()).toMatchObject({ state: "alive", trouble: null, broughtAtMs: clock.now() });
  });

  it("says yes to what is no news, and brings nothing", async () => {
    const { post, brought, clock } = await door(service);
    expect(await post(service.call([opened], clock.now()))).toMatchObject({
      status: 200,
      text: "0 recorded, 1 ignored",
    });
    expect(brought).toEqual([]);
  });

  it("refuses a forgery, counts it and says so", async () => {
    const { post, brought, intake, clock } = await door(service);
    expect((await post(service.forged([bounced], clock.now()))).status).toBe(401);
    const call = service.call([bounced], clock.now());
    const withoutProof = {
      headers: { "content-type": "application/json" },
      body: Buffer.from(JSON.stringify(bounced)),
    };
    // A call of SNS without its envelope is of no topic.
    expect((await post(withoutProof)).status).toBe(name === "ses" ? 403 : 401);
    expect(brought).toEqual([]);
    expect(intake.refusals).toBe(2);
    expect(intake.health().trouble).toMatch(/^2 calls were refused; the last one: \w.*\.$/);
    expect((await post(call)).status).toBe(200);
    expect(intake.health().trouble).toBeNull();
    expect(intake.refusals).toBe(2);
  });

  it("refuses what is cut short, changed on the way, no JSON or packed", async () => {
    const { post, brought, clock } = await door(service);
    const call = service.call([bounced], clock.now());
    const cut = { ...call, body: call.body.subarray(0, call.body.length - 7) };
    expect([400, 401, 403]).toContain((await post(cut)).status);
    const broken = { ...call, body: Buffer.from([0xff, 0xfe, 0]) };
    expect([400, 401, 403]).toContain((await post(broken)).status);
    const deep = { ...call, body: Buffer.from("[".repeat(100_000)) };
    expect([400, 401, 403]).toContain((await post(deep)).status);
    for (const headers of [
      { ...call.headers, "content-type": "multipart/form-data; boundary=x" },
      { ...call.headers, "content-type": "" },
      { ...call.headers, "content-encoding": "gzip" },
    ])
      expect((await post({ ...call, headers })).status).toBe(415);
    expect(brought).toEqual([]);
  });

  it("knows the same event again, however often it comes", async () => {
    const { post, brought, clock } = await door(service);
    const call = service.call([bounced], clock.now());
    expect((await post(call)).status).toBe(200);
    clock.advance(60_000);
    expect((await post(call)).status).toBe(200);
    expect((await post(service.call([bounced], clock.now()))).status).toBe(200);
    expect(new Set(brought.map(({ key }) => key)).size).toBe(1);
  });

  it.runIf(service.signsTime)("takes a retry of hours, and no signature of another time", async () => {
    const { post, brought, clock } = await door(service);
    const call = service.call([bounced], clock.now());
    clock.advance(45 * 60_000);
    expect((await post(call)).status).toBe(200);
    clock.advance(26 * 3_600_000);
    expect((await post(call)).status).toBe(401);
    expect((await post(service.call([bounced], clock.now() + 3_600_000))).status).toBe(401);
    expect(brought).toHaveLength(1);
  });

  it("asks to try again when it cannot be recorded, and says so without secrets", async () => {
    let isAway = true;
    const { post, brought, intake, clock } = await door(
      service,
      basket(async () => {
        if (isAway) throw new Error("postgresql://bellwether:secret@db is away");
      }),
    );
    const call = service.call([bounced], clock.now());
    const answer = await post(call);
    expect(answer).toMatchObject({ status: 503, retryAfterSeconds: expect.any(Number) });
    expect(intake.health()).toMatchObject({ state: "failing" });
    expect(JSON.stringify([answer, intake.health()])).not.toContain("secret");
    isAway = false;
    expect((await post(call)).status).toBe(200);
    expect(brought).toHaveLength(1);
    expect(intake.health()).toMatchObject({ state: "alive", trouble: null });
  });

  it("stops after what is being recorded, and answers nobody then", async () => {
    let record = (): void => undefined;
    const recording = new Promise<void>((resolve) => {
      record = resolve;
    });
    const { post, brought, intake, clock, routes } = await door(
      service,
      basket(() => recording),
    );
    const answer = post(service.call([bounced], clock.now()));
    await new Promise((resolve) => setImmediate(resolve));
    const stopped = intake.stop();
    expect(routes.size).toBe(0);
    record();
    await stopped;
    expect(brought).toHaveLength(1);
    expect((await answer).status).toBe(200);
    await intake.stop();
  });

  it("does not begin with a secret that can be none", async () => {
    const routes = new Map<string, PostHandler>();
    const intake = createWebhookIntake({
      provider: service.name,
      secret: "short",
      routes,
      clock: systemClock,
    });
    await expect(intake.start(async () => undefined)).rejects.toMatchObject({ code: "config-value" });
    await intake.stop();
    expect(routes.size).toBe(0);
  });
});

describe("the marks", () => {
  const marksOf = async (service: PlayedService) => {
    const { post, brought, clock } = await door(service);
    await post(service.call([service.events.bounced], clock.now()));
    const { relayIds, messageIds } = brought[0]?.report.marks ?? { relayIds: [], messageIds: [] };
    return { relayIds, messageIds };
  };

  it("are what the service's 250 named, and the Message-ID where it tells it", async () => {
    expect(await marksOf(playSes())).toEqual({
      relayIds: ["0102018b5c3c0a4f-aaaa-bbbb-000000"],
      messageIds: ["m1@bulk.example"],
    });
    expect(await marksOf(playSendgrid())).toEqual({
      relayIds: ["YpXxVHzuTsqoE0dHcq6hBQ", "YpXxVHzuTsqoE0dHcq6hBQ.filter0077p1las1.21536.5717FC482.0"],
      messageIds: ["m1@bulk.example"],
    });
    expect(await marksOf(playMailgun())).toEqual({ relayIds: [], messageIds: ["m1@bulk.example"] });
    expect(await marksOf(playPostmark())).toEqual({
      relayIds: ["883953f4-6105-42a2-a16a-77a8eac79483"],
      messageIds: ["883953f4-6105-42a2-a16a-77a8eac79483@mtasv.net"],
    });
    expect(await marksOf(playBrevo())).toEqual({
      relayIds: ["202611220200.27287306012@smtp-relay.mailin.fr"],
      messageIds: ["202611220200.27287306012@smtp-relay.mailin.fr"],
    });
    expect(await marksOf(playSparkpost())).toEqual({
      relayIds: ["000443ee14578172be22", "65832150921904138"],
      messageIds: [],
    });
  });
});

describe("Mailgun", () => {
  it("cannot be played with a token that was seen on another event: its signature does not cover the event", async () => {
    const service = playMailgun();
    const { post, brought, clock } = await door(service);
    const call = service.call([service.events.delivered], clock.now());
    expect((await post(call)).status).toBe(200);
    const { signature } = JSON.parse(call.body.toString()) as { signature: object };
    const body = Buffer.from(JSON.stringify({ signature, "event-data": service.events.bounced }));
    expect((await post({ ...call, body })).status).toBe(401);
    expect(brought).toHaveLength(1);
  });
});
