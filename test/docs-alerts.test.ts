// The page about alerts is compared with the code, and what it tells receivers to do is done: with its own example, and
// with a post of ours.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { createWebhookRoad } from "../src/adapters/alert/webhook.ts";
import { ALERT_KINDS } from "../src/alert/alert.ts";
import { payloadOf } from "../src/alert/message.ts";
import { systemClock } from "../src/clock.ts";
import { ALERT_VARIABLES } from "../src/config/command-line.ts";
import { loadConfig } from "../src/config/load.ts";
import { ALERT } from "./conformance/alert-roads.ts";

type Verify = (headers: IncomingHttpHeaders, body: string, secret: string, nowSeconds?: number) => boolean;

const text = readFileSync(path.resolve(import.meta.dirname, "../docs/alerts.md"), "utf8");
const block = (tag: string) => new RegExp(`^\`\`\`${tag}\n([\\s\\S]*?)^\`\`\`$`, "m").exec(text)?.[1] ?? "";
const firstCells = (header: string) =>
  (text.split("\n\n").find((part) => part.startsWith(header)) ?? "")
    .split("\n")
    .slice(2)
    .map((line) => /^\| `([^`]+)`/.exec(line)?.[1]);
const [secret = "", body = "", signature = ""] = block("text signed").split("\n");

let folder: string;
let verify: Verify;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "bellwether-docs-"));
  const file = path.join(folder, "verify.mjs");
  writeFileSync(file, block("js verify"));
  verify = (await import(pathToFileURL(file).href)).verify;
});
afterAll(() => rmSync(folder, { recursive: true }));

it("has every kind, every variable, and an example that loads", () => {
  expect(firstCells("| Kind |")).toEqual([...ALERT_KINDS]);
  expect(firstCells("| Variable |")).toEqual([...ALERT_VARIABLES]);
  writeFileSync(path.join(folder, "bellwether.toml"), block("toml bellwether"));
  const { alert } = loadConfig({ cwd: folder, env: {} });
  expect(alert.command).toEqual(["/usr/local/bin/page", "--team", "mail"]);
  expect(alert.webhookSecret).toBe(secret);
});

it("shows the fields of a post, in their order", () => {
  const shown = JSON.parse(block("json"));
  const real = payloadOf(ALERT, false) as { data: object };
  expect(Object.keys(shown)).toEqual(Object.keys(real));
  expect(Object.keys(shown.data)).toEqual(Object.keys(real.data));
});

it("has a signature that its own check takes, and no other post, key or time", () => {
  const atSeconds = 1_804_916_400;
  const headers = {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(atSeconds),
    "webhook-signature": signature,
  };
  const check = (changed: object, given = body, key = secret, now = atSeconds) =>
    verify({ ...headers, ...changed }, given, key, now);
  expect(check({})).toBe(true);
  expect(check({ "webhook-signature": `v1,AAAA ${signature}` })).toBe(true);
  expect(check({ "webhook-id": "msg_2" })).toBe(false);
  expect(check({ "webhook-timestamp": String(atSeconds + 1) })).toBe(false);
  expect(check({ "webhook-signature": undefined })).toBe(false);
  expect(check({}, body.replace("test", "Test"))).toBe(false);
  expect(check({}, body, `whsec_${Buffer.alloc(24).toString("base64")}`)).toBe(false);
  expect(check({}, body, secret, atSeconds + 301)).toBe(false);
});

it("checks what we post", async () => {
  let heard: { headers: IncomingHttpHeaders; body: string } | null = null;
  const server = createServer((request, response) => {
    let given = "";
    request.setEncoding("utf8").on("data", (part: string) => {
      given += part;
    });
    request.on("end", () => {
      heard = { headers: request.headers, body: given };
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  onTestFinished(() => {
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const road = createWebhookRoad({ url, secret, clock: systemClock });
  const message = { alert: ALERT, target: "", deputy: false, id: "alert_1" };
  expect(await road.tell(message, new AbortController().signal)).toMatchObject({ ok: true });
  const post = heard as { headers: IncomingHttpHeaders; body: string } | null;
  expect(post !== null && verify(post.headers, post.body, secret)).toBe(true);
  expect(JSON.parse(post?.body ?? "{}")).toEqual(JSON.parse(JSON.stringify(payloadOf(ALERT, false))));
});
