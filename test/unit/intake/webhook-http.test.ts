import { describe, expect, it } from "vitest";
import { createWebhookIntake } from "../../../src/adapters/intake/webhook.ts";
import { type PostHandler, startWatchServer } from "../../../src/adapters/observe/http.ts";
import { systemClock } from "../../../src/clock.ts";
import { basket } from "../../world/bookmarks.ts";
import { type Call, type PlayedService, playMailgun, playSendgrid, playSparkpost } from "./mail-services.ts";

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
