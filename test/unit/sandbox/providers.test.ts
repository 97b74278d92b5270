import { afterEach, expect, test } from "vitest";
import { SANDBOX_PROVIDERS, type Sandbox, startSandbox } from "../../../src/sandbox/providers.ts";
import { RawClient } from "./client.ts";

let sandbox: Sandbox | null = null;
afterEach(async () => {
  await sandbox?.close();
  sandbox = null;
});

test("each provider of the sandbox has a port of its own and greets", async () => {
  sandbox = await startSandbox();
  expect([...sandbox.providers.keys()]).toEqual(SANDBOX_PROVIDERS);
  const ports = [...sandbox.providers.values()].map((provider) => provider.port);
  expect(new Set(ports).size).toBe(SANDBOX_PROVIDERS.length);
  for (const [id, { port }] of sandbox.providers) {
    const client = new RawClient(port);
    await client.hear(new RegExp(`^220 mx\\.${id}\\.example ESMTP\r\n`));
    client.cut();
  }
});

test("about one address in a hundred is unknown, the same ones each time", async () => {
  const unknown = async () => {
    sandbox = await startSandbox({ providers: ["google"], seed: 5 });
    const google = sandbox.providers.get("google");
    if (google === undefined) throw new Error("no google");
    const client = new RawClient(google.port);
    const rcpts = Array.from({ length: 2000 }, (_, i) => `RCPT TO:<u${i}@gmail.com>\r\n`).join("");
    client.send(`EHLO c\r\nMAIL FROM:<a@b.example>\r\n${rcpts}QUIT\r\n`);
    await client.end();
    await sandbox.close();
    return google.log.filter((entry) => entry.outcome === "refused").map((entry) => entry.recipient);
  };
  const first = await unknown();
  expect(first.length).toBeGreaterThan(5);
  expect(first.length).toBeLessThan(45);
  expect(await unknown()).toEqual(first);
});

test("a provider that the sandbox does not have is refused by name", async () => {
  await expect(startSandbox({ providers: ["nobody"] })).rejects.toMatchObject({
    code: "provider-unknown",
    message: expect.stringContaining("nobody"),
  });
});
