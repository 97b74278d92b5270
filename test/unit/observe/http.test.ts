import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { startWatchServer, type WatchServer } from "../../../src/adapters/observe/http.ts";
import { systemClock } from "../../../src/clock.ts";
import { createTestClock, type TestClock } from "../../world/clock.ts";

const open: WatchServer[] = [];
afterEach(() => Promise.all(open.splice(0).map((server) => server.close())));

async function serve(
  options: { ready?: () => Promise<string | null>; clock?: TestClock; text?: string } = {},
) {
  const server = await startWatchServer({
    listen: { host: "127.0.0.1", port: 0 },
    metrics: { text: async () => options.text ?? "a 1\n", contentType: "text/plain; version=0.0.4" },
    ready: options.ready ?? (async () => null),
    clock: options.clock ?? systemClock,
  });
  open.push(server);
  const url = `http://127.0.0.1:${server.port}`;
  return { server, url, ask: (path: string, method = "GET") => fetch(url + path, { method }) };
}

describe("the watch server", () => {
  it("answers /healthz and /metrics", async () => {
    const { ask } = await serve({ text: "mails 3\n" });
    const health = await ask("/healthz");
    expect([health.status, await health.text()]).toEqual([200, "ok\n"]);
    const metrics = await ask("/metrics?name[]=mails");
    expect(metrics.headers.get("content-type")).toBe("text/plain; version=0.0.4");
    expect(await metrics.text()).toBe("mails 3\n");
  });

  it("is ready only while the check says so, and /healthz goes on without it", async () => {
    let trouble: string | null = null;
    const { ask } = await serve({ ready: async () => trouble });
    expect((await ask("/readyz")).status).toBe(200);
    trouble = "the database does not answer";
    const answer = await ask("/readyz");
    expect([answer.status, await answer.text()]).toEqual([503, "not ready: the database does not answer\n"]);
    expect((await ask("/healthz")).status).toBe(200);
  });

  it.each([
    ["rejects", async () => Promise.reject(new Error("connect to postgresql://bellwether:secret@db failed"))],
    [
      "throws",
      () => {
        throw new Error("secret");
      },
    ],
  ])("does not repeat the error of a check that %s", async (_how, ready) => {
    const { ask } = await serve({ ready: ready as () => Promise<null> });
    const answer = await ask("/readyz");
    expect([answer.status, await answer.text()]).toEqual([503, "not ready: the check failed\n"]);
  });

  it("waits a second for a check that hangs, asks it once for all who wait, and again when it came back", async () => {
    const clock = createTestClock();
    let asked = 0;
    let answer: (trouble: null) => void = () => undefined;
    const { ask } = await serve({
      clock,
      ready: () => {
        asked += 1;
        return new Promise((resolve) => {
          answer = resolve;
        });
      },
    });
    let waiting = true;
    const first = ask("/readyz").finally(() => {
      waiting = false;
    });
    // Real requests take real time; only the server's second is moved by hand.
    while (waiting) {
      clock.advance(500);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(await (await first).text()).toBe("not ready: no answer within a second\n");
    expect(asked).toBe(1);
    const second = ask("/readyz");
    await (await ask("/healthz")).text();
    answer(null);
    expect((await second).status).toBe(200);
    expect(asked).toBe(1);
    const third = ask("/readyz");
    while (asked === 1) await new Promise((resolve) => setTimeout(resolve, 5));
    answer(null);
    expect((await third).status).toBe(200);
  });

  it("knows no other path and no other method", async () => {
    const { ask } = await serve();
    expect((await ask("/")).status).toBe(404);
    expect((await ask("/metrics/")).status).toBe(404);
    expect((await ask("/../metrics/..")).status).toBe(404);
    const post = await fetch(`${(await serve()).url}/metrics`, { method: "POST", body: "x".repeat(100_000) });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    const head = await ask("/healthz", "HEAD");
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "3", ""]);
  });

  it("survives what is no HTTP", async () => {
    const { server, ask } = await serve();
    const socket = connect(server.port, "127.0.0.1");
    const ended = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => undefined);
    socket.write("EHLO example.com\r\n\r\n");
    await ended;
    expect((await ask("/healthz")).status).toBe(200);
  });

  it("closes at once with a connection open and a check that hangs, and twice is once", async () => {
    let asked: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const { server, ask } = await serve({
      ready: () => {
        asked();
        return new Promise(() => undefined);
      },
    });
    const cut = expect(ask("/readyz")).rejects.toThrow();
    await begun;
    await Promise.all([server.close(), server.close()]);
    await cut;
    await expect(ask("/healthz")).rejects.toThrow();
  });

  it("says which address is taken", async () => {
    const { server } = await serve();
    const again = startWatchServer({
      listen: { host: "127.0.0.1", port: server.port },
      metrics: { text: async () => "", contentType: "text/plain" },
      ready: async () => null,
      clock: systemClock,
    });
    await expect(again).rejects.toMatchObject({
      code: "listen-failed",
      message: `127.0.0.1:${server.port} cannot be listened on: EADDRINUSE.`,
    });
  });
});
