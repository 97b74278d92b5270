// The mailbox intake and servers that no good server plays: they hang up, never greet, refuse the login, or want the
// password in the clear. The rest is shown against a real one, in test/stack.
import { createServer, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { afterEach, expect, test } from "vitest";
import { createImapIntake, type ImapTiming } from "../../../src/adapters/intake/imap.ts";
import { type Clock, systemClock } from "../../../src/clock.ts";
import { readSmall, until } from "../../world/reports.ts";

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** What clients say, in all their connections. */
async function serverThat(answers: (socket: Socket) => void, host = "127.0.0.1") {
  const heard: string[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => heard.push(chunk.toString()));
    answers(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  ends.push(() => void server.close());
  const address = server.address();
  return { heard, port: typeof address === "object" && address !== null ? address.port : 0 };
}

function intakeFor(
  host: string,
  port: number,
  options: { clock?: Clock; timing?: Partial<ImapTiming> } = {},
) {
  const intake = createImapIntake({
    mailbox: { host, port, implicitTls: false, user: "bounces", pass: "open sesame", folder: "INBOX" },
    read: readSmall,
    bookmarks: { load: async () => null, save: async () => {} },
    clock: options.clock ?? systemClock,
    timing: { retryFirstMs: 10, retryLongestMs: 50, ...options.timing },
  });
  ends.push(() => intake.stop());
  return intake;
}

/** Every wait is noted, and is over at once. */
function impatientClock(): { clock: Clock; waits: number[] } {
  const waits: number[] = [];
  const sleep: Clock["sleep"] = (ms, signal) => {
    waits.push(ms);
    return systemClock.sleep(1, signal);
  };
  return { clock: { ...systemClock, sleep }, waits };
}

test("waits between tries double from one second to sixty, each moved by up to half", async () => {
  const { port } = await serverThat((socket) => socket.destroy());
  const { clock, waits } = impatientClock();
  const timing = { retryFirstMs: 1_000, retryLongestMs: 60_000 };
  const intake = intakeFor("127.0.0.1", port, { clock, timing });
  await intake.start(async () => {});
  await until("it has tried ten times", () => waits.length >= 10);
  await intake.stop();
  const wholes = [1, 2, 4, 8, 16, 32, 60, 60, 60, 60].map((seconds) => seconds * 1_000);
  for (const [index, whole] of wholes.entries()) {
    expect(waits[index]).toBeGreaterThanOrEqual(whole / 2);
    expect(waits[index]).toBeLessThanOrEqual(whole);
  }
  expect(intake.health().trouble).toBe(`127.0.0.1:${port} hung up`);
});

test("a refused login waits the longest at once, and what the server repeats of it is not shown", async () => {
  const { port } = await serverThat((socket) => {
    socket.write("* OK [CAPABILITY IMAP4rev1] here\r\n");
    socket.on("data", (chunk) => {
      const tag = chunk.toString().split(" ")[0];
      socket.write(`${tag} NO [AUTHENTICATIONFAILED] "open sesame" is wrong\r\n`);
    });
  });
  const { clock, waits } = impatientClock();
  const intake = intakeFor("127.0.0.1", port, {
    clock,
    timing: { retryFirstMs: 1_000, retryLongestMs: 60_000 },
  });
  await intake.start(async () => {});
  await until("it was refused", () => waits.length > 0);
  expect(waits[0]).toBeGreaterThanOrEqual(30_000);
  expect(intake.health()).toMatchObject({
    state: "failing",
    trouble: `127.0.0.1:${port} refuses the user or password of [bounces.imap] url (""***" is wrong")`,
  });
});

test("a server that takes the connection and says nothing is given up", async () => {
  const { port } = await serverThat(() => {});
  const intake = intakeFor("127.0.0.1", port, { timing: { greetingMs: 50 } });
  await intake.start(async () => {});
  await until("it is given up", () => intake.health().state === "failing");
  expect(intake.health().trouble).toContain("took the connection and never greeted");
  expect(intake.health()).toMatchObject({ seenAtMs: null, lagMs: null });
});

test("stop does not wait for a server that says nothing, and nothing starts after it", async () => {
  const { port, heard } = await serverThat(() => {});
  const intake = intakeFor("127.0.0.1", port);
  await intake.start(async () => {});
  await new Promise((resolve) => setTimeout(resolve, 50));
  const begun = Date.now();
  await Promise.all([intake.stop(), intake.stop()]);
  expect(Date.now() - begun).toBeLessThan(4_000);
  const never = intakeFor("127.0.0.1", port);
  await never.stop();
  await never.start(async () => {});
  expect(never.health().state).toBe("starting");
  expect(heard).toEqual([]);
});

const elsewhere = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

// Skipped on a machine that has no address but loopback.
test.skipIf(elsewhere === undefined)(
  "a server on another machine that offers no STARTTLS never hears the password",
  async () => {
    const host = elsewhere ?? "";
    const { port, heard } = await serverThat((socket) => {
      socket.write("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] here\r\n");
      socket.on("data", (chunk) => {
        const tag = chunk.toString().split(" ")[0];
        socket.write(`* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n${tag} OK\r\n`);
      });
    }, host);
    const intake = intakeFor(host, port);
    await intake.start(async () => {});
    await until("it is refused", () => intake.health().state === "failing");
    expect(intake.health().trouble).toContain("offers no STARTTLS");
    expect(heard.join("")).not.toMatch(/LOGIN|AUTHENTICATE|sesame/);
  },
);
