import { describe, expect, it } from "vitest";
import { createWebhookIntake, type WebhookIntake } from "../../../src/adapters/intake/webhook.ts";
import type { PostAnswer, PostHandler } from "../../../src/adapters/observe/http.ts";
import { startWatchServer } from "../../../src/adapters/observe/http.ts";
import { systemClock } from "../../../src/clock.ts";
import { type Basket, basket } from "../../world/bookmarks.ts";
import { createTestClock, type TestClock } from "../../world/clock.ts";
import {
  type Call,
  CERTIFICATE_URL,
  type PlayedService,
  playBrevo,
  played,
  playMailgun,
  playPostmark,
  playSendgrid,
  playSes,
  playSparkpost,
  TOPIC_ARN,
} from "./mail-services.ts";

const PLAYED: readonly (readonly [string, PlayedService])[] = [
  playSes(),
  playSendgrid(),
  playMailgun(),
  playPostmark(),
  playBrevo(),
  playSparkpost(),
].map((service) => [service.name, service]);

interface Door extends Basket {
  intake: WebhookIntake;
  clock: TestClock;
  routes: Map<string, PostHandler>;
  post(call: Call): Promise<PostAnswer>;
}

async function door(service: PlayedService, bring: Basket = basket()): Promise<Door> {
  const routes = new Map<string, PostHandler>();
  // Amazon's certificate was made now.
  const clock = createTestClock(Date.now());
  const { fetchText } = service;
  const intake = createWebhookIntake({
    ...{ provider: service.name, secret: service.secret, routes, clock },
    ...(fetchText === undefined ? {} : { fetchText }),
  });
  await intake.start(bring.deliver);
  const post = async ({ headers, body }: Call) => {
    const handler = routes.get(`/webhooks/${service.name}`);
    if (handler === undefined) throw new Error("nobody answers there");
    return handler.admit(headers) ?? handler.answer(headers, body);
  };
  return { ...bring, intake, clock, routes, post };
}

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

describe("Amazon SES", () => {
  const notice = (nowMs: number, more: Record<string, string> = {}) => ({
    Type: "Notification",
    MessageId: "1",
    TopicArn: TOPIC_ARN,
    Message: JSON.stringify(playSes().events.bounced),
    Timestamp: new Date(nowMs).toISOString(),
    ...more,
  });

  it("is heard with signatures of version 1 and 2, with and without a subject; the certificate is fetched once", async () => {
    const service = playSes();
    const { post, clock } = await door(service);
    for (const version of ["1", "2"] as const)
      for (const more of [{}, { Subject: "s" }])
        expect((await post(service.sns(notice(clock.now(), more), service.key, version))).status).toBe(200);
    expect(service.fetched).toEqual([CERTIFICATE_URL]);
  });

  it.each([
    "https://sns.eu-west-1.amazonaws.com.example.org/SimpleNotificationService-0123.pem",
    "https://example.org/SimpleNotificationService-0123.pem",
    "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem",
    "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123.pem",
    "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0123.pem",
    "https://user@sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem",
    "https://sns.eu-west-1.amazonaws.com/bucket/SimpleNotificationService-0123.pem",
    "https://s3.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem",
    "",
  ])("is not believed with a certificate from %j, and nothing is fetched there", async (SigningCertURL) => {
    const service = playSes();
    const { post, clock } = await door(service);
    expect((await post(service.sns(notice(clock.now(), { SigningCertURL })))).status).toBe(401);
    expect(service.fetched).toEqual([]);
  });

  it("is asked to try again when its certificate cannot be had", async () => {
    const service = playSes();
    const fetchText = async () => Promise.reject(new Error("no network"));
    const { post, clock } = await door({ ...service, fetchText });
    expect((await post(service.sns(notice(clock.now())))).status).toBe(503);
  });

  it("has the subscription of our topic confirmed, and of no other, at Amazon's address alone", async () => {
    const service = playSes();
    const { post, clock, brought } = await door(service);
    const confirm = (more: Record<string, string>) =>
      post(
        service.sns({
          ...notice(clock.now(), {
            Type: "SubscriptionConfirmation",
            Message: "You have chosen",
            Token: "t",
          }),
          SubscribeURL: `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${TOPIC_ARN}&Token=t`,
          ...more,
        }),
      );
    expect((await confirm({})).status).toBe(200);
    expect(service.fetched).toEqual([CERTIFICATE_URL, expect.stringContaining("Action=ConfirmSubscription")]);
    expect((await confirm({ TopicArn: TOPIC_ARN.replace("bellwether", "other") })).status).toBe(403);
    expect((await confirm({ SubscribeURL: "https://example.org/?Action=ConfirmSubscription" })).status).toBe(
      503,
    );
    expect(service.fetched).toHaveLength(2);
    expect(brought).toEqual([]);
  });

  it("says so when raw message delivery is on", async () => {
    const service = playSes();
    const { post, intake } = await door(service);
    const headers = { "content-type": "text/plain", "x-amz-sns-rawdelivery": "true" };
    expect((await post({ headers, body: Buffer.from("{}") })).status).toBe(401);
    expect(intake.health().trouble).toContain("raw message delivery is on");
  });

  it("has no complaint in a mail that it did not send because of one, nor in one taken out of the spam folder", async () => {
    const service = playSes();
    const { post, clock, brought } = await door(service);
    const complaint = (more: object) => {
      const event = service.events.complained as { complaint: object };
      return post(service.call([{ ...event, complaint: { ...event.complaint, ...more } }], clock.now()));
    };
    await complaint({ complaintSubType: "OnAccountSuppressionList" });
    await complaint({ complaintFeedbackType: "not-spam" });
    expect(brought.map(({ report }) => report.recipients[0]?.classification?.reason)).toEqual([
      "suppressed-by-relay",
    ]);
  });
});

describe("over HTTP", () => {
  async function served(service: PlayedService) {
    const bring = basket();
    const routes = new Map<string, PostHandler>();
    const server = await startWatchServer({
      listen: { host: "127.0.0.1", port: 0 },
      metrics: { text: async () => "", contentType: "text/plain" },
      ready: async () => null,
      clock: systemClock,
      handlers: routes,
    });
    const intake = createWebhookIntake({
      provider: service.name,
      secret: service.secret,
      routes,
      clock: systemClock,
    });
    await intake.start(bring.deliver);
    const url = `http://127.0.0.1:${server.port}/webhooks/${service.name}`;
    const post = ({ headers, body }: Call) =>
      fetch(url, { method: "POST", headers, body: new Uint8Array(body) });
    return { ...bring, intake, server, post, url };
  }

  it("a call is answered when it is recorded, and nobody else gets in", async () => {
    const service = playSendgrid();
    const { post, brought, server, intake, url } = await served(service);
    try {
      const { bounced, delivered } = service.events;
      const answer = await post(service.call([bounced, delivered], Date.now()));
      expect([answer.status, await answer.text()]).toEqual([200, "2 recorded, 0 ignored\n"]);
      expect(brought).toHaveLength(2);
      expect((await post(service.forged([bounced], Date.now()))).status).toBe(401);
      expect((await fetch(url)).status).toBe(404);
      expect((await fetch(url.replace("sendgrid", "other"), { method: "POST", body: "x" })).status).toBe(405);
      await intake.stop();
      expect((await post(service.call([bounced], Date.now()))).status).toBe(405);
    } finally {
      await server.close();
    }
  });

  it("a body that is too long is refused, announced or not, and the next call is answered", async () => {
    const service = playMailgun();
    const { post, brought, server, url, intake } = await served(service);
    try {
      const long = Buffer.alloc(1_000_001, "x");
      expect((await post({ headers: { "content-type": "application/json" }, body: long })).status).toBe(413);
      const pieces = new ReadableStream({
        start(controller) {
          for (let sent = 0; sent < 20; sent++) controller.enqueue(new Uint8Array(100_000));
          controller.close();
        },
      });
      const streamed = await fetch(url, { method: "POST", body: pieces, duplex: "half" } as RequestInit);
      expect(streamed.status).toBe(413);
      expect((await post(service.call([service.events.bounced], Date.now()))).status).toBe(200);
      expect(brought).toHaveLength(1);
    } finally {
      await intake.stop();
      await server.close();
    }
  });

  it("whoever has not the secret is sent away before the body is read", async () => {
    const service = playSparkpost();
    const { post, server, intake } = await served(service);
    try {
      const long = { headers: service.forged([], 0).headers, body: Buffer.alloc(20_000_000, "x") };
      // The answer may come while the body is still on its way, and the connection end there.
      const status = await post(long).then(
        (answer) => answer.status,
        () => "ended",
      );
      expect([401, "ended"]).toContain(status);
      expect(intake.refusals).toBe(1);
    } finally {
      await intake.stop();
      await server.close();
    }
  });
});
