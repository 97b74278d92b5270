import os from "node:os";
import { describe, expect, it } from "vitest";
import { createLog, type LogFields, type LogLevel, logSettings } from "../../../src/adapters/observe/log.ts";
import { createTestClock } from "../../world/clock.ts";
import fc from "../../world/property.ts";

function logging({ level = "debug" as LogLevel, showAddresses = false } = {}) {
  const lines: string[] = [];
  const log = createLog({
    level,
    showAddresses,
    clock: createTestClock(),
    destination: { write: (line) => lines.push(line) },
  });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? "null") };
}

describe("the log", () => {
  it("writes one JSON object a line, with the time of its clock", () => {
    const { log, lines, last } = logging();
    log.warn("lane held", { campaign: 3, lane: 7, provider: "google", reason: "reverse-dns", address: null });
    expect(lines).toHaveLength(1);
    expect(lines[0]?.match(/\n/g)).toHaveLength(1);
    expect(last()).toEqual({
      level: "warn",
      time: "2027-04-27T08:00:00.000Z",
      pid: process.pid,
      host: os.hostname(),
      campaign: 3,
      lane: 7,
      provider: "google",
      reason: "reverse-dns",
      msg: "lane held",
    });
  });

  it("stays one line whatever a server said", () => {
    const { log, lines, last } = logging();
    log.info("refused\n{}", { reply: '550-one\r\n550 two "%s" \u2028' });
    expect(lines[0]?.trimEnd()).not.toContain("\n");
    expect(last()).toMatchObject({ msg: "refused\n{}", reply: '550-one\r\n550 two "%s" \u2028' });
  });

  it.each([
    ["silent", []],
    ["error", ["error"]],
    ["warn", ["error", "warn"]],
    ["info", ["error", "warn", "info"]],
    ["debug", ["error", "warn", "info", "debug"]],
  ] as const)("at the level %s writes %j", (level, written) => {
    const { log, lines } = logging({ level });
    for (const name of ["error", "warn", "info", "debug"] as const) log[name]("it is so");
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(written);
  });

  it("hides addresses in the message, in every field, in errors and their stacks", () => {
    const { log, lines, last } = logging();
    const error = Object.assign(new Error("550 5.1.1 <jdoe@client.example> unknown"), {
      code: "EENVELOPE",
      rejected: ["jdoe@client.example"],
      envelope: { to: "jdoe@client.example" },
    });
    log.error("sending to jdoe@client.example failed", {
      address: "jdoe@client.example",
      reply: "552 mailbox jdoe is full; bounces+x=jdoe=client.example@h.example",
      route: "jdoe@client.example",
      error,
    });
    expect(lines[0]).not.toMatch(/jdoe|client\.example/);
    expect(last()).toMatchObject({
      msg: "sending to [address] failed",
      reply: "552 mailbox [address] is full; [address]",
      error: { code: "EENVELOPE", message: "550 5.1.1 <[address]> unknown" },
    });
    expect(last().error.stack).toContain("log.test.ts");
    expect(Object.keys(last().error)).toEqual(["code", "message", "stack"]);
    expect(last()).not.toHaveProperty("address");
  });

  it("shows them when asked to", () => {
    const { log, last } = logging({ showAddresses: true });
    log.info("sent to jdoe@client.example", {
      address: "jdoe@client.example",
      error: "no jdoe@client.example",
    });
    expect(last()).toMatchObject({
      msg: "sent to jdoe@client.example",
      address: "jdoe@client.example",
      error: { message: "no jdoe@client.example" },
    });
  });

  it("has no stack above the level debug", () => {
    const { log, last } = logging({ level: "info" });
    log.error("failed", { error: new Error("gone") });
    expect(last().error).toEqual({ message: "gone" });
  });

  it("lets no address through, wherever it stands", () => {
    const word = fc.stringMatching(/^[a-z0-9]{3,12}$/);
    const around = fc.constantFrom("", " ", "<", '"', "=", "\n", "to: ", "mailto:", "é");
    fc.assert(
      fc.property(word, word, around, around, (local, domain, before, after) => {
        const address = `q9${local}@x7${domain}.example`;
        const text = `${before}${address}${after} refused`;
        const { log, lines } = logging();
        const fields: LogFields = { reply: text, route: text, reason: text, error: new Error(text), address };
        log.warn(text, fields);
        log.warn(text, { error: text });
        expect(lines).toHaveLength(2);
        for (const line of lines) expect(line).not.toMatch(new RegExp(`q9${local}|x7${domain}`, "i"));
      }),
    );
  });
});

describe("BELLWETHER_LOG", () => {
  it.each([
    [undefined, "info", false],
    ["", "info", false],
    ["debug", "debug", false],
    ["warn, addresses", "warn", true],
  ])("%j is read", (text, level, showAddresses) => {
    expect(logSettings(text)).toEqual({ level, showAddresses });
  });

  it.each(["loud", "addresses", "info,", "info,adresses", "info,addresses,x"])("%j is refused", (text) => {
    expect(() => logSettings(text)).toThrow(expect.objectContaining({ code: "config-value" }));
  });
});
