import { createServer, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { type DropPoint, delayAll, dropAt, refuseAll, refuseIf } from "../../../src/sandbox/scripts.ts";
import { always, atEnd, bigMail, connected, mail, provider, relayTo } from "./world.ts";

/** A server that says what it is told at the n-th chunk that it hears, and remembers all of them. */
async function scripted(...says: (string | ((socket: Socket) => void))[]) {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    let at = 0;
    const next = () => {
      const say = says[at++];
      if (typeof say === "string") socket.write(say);
      else say?.(socket);
    };
    next();
    socket.on("data", (chunk) => {
      heard.push(chunk.toString());
      next();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return { heard, port: typeof address === "object" && address !== null ? address.port : 0 };
}

const modes = [
  { pipelining: true, lmtp: false },
  { pipelining: false, lmtp: false },
  { pipelining: true, lmtp: true },
  { pipelining: false, lmtp: true },
];

describe.each(modes)("with %o", (features) => {
  const route = (port: number) => relayTo(port, { lmtp: features.lmtp });

  test("a mail is accepted with the reply and the id, its dots come out as they were, and the next one goes too", async () => {
    const google = await provider({ features, keepMessages: true });
    const connection = await connected(route(google.port));
    for (const to of ["a@gmail.com", "b@gmail.com"]) {
      const heard = await connection.send(mail(to), always);
      expect(heard).toMatchObject({
        kind: "accepted",
        reply: expect.stringContaining("250 2.0.0 Ok: queued"),
      });
      expect(heard).toMatchObject({ relayId: expect.stringMatching(/^[0-9A-F]{10}$/) });
    }
    expect([...google.accepted()]).toEqual([
      ["a@gmail.com", 1],
      ["b@gmail.com", 1],
    ]);
    expect(google.log[1]?.raw?.toString()).toBe(mail().raw.toString());
    expect(google.connections.total).toBe(1);
    expect(connection.usable).toBe(true);
  });

  const phases = ["mail", "rcpt", "data", "dot"] as const;
  const replies = [
    "550-5.7.25 no PTR\n550 5.7.25 record. x1 - gsmtp",
    "451 4.3.0 later",
    "421 4.7.0 go away",
  ];
  test.each(phases.flatMap((phase) => replies.map((reply) => [phase, reply] as const)))(
    "a refusal at %s is heard verbatim: %j",
    async (phase, reply) => {
      const to = "no@gmail.com";
      const google = await provider({
        features,
        script: refuseIf(
          (m) => m.recipient === to || (phase === "mail" && m.sender === "no@x.example"),
          reply,
          {
            phase,
          },
        ),
      });
      const connection = await connected(route(google.port));
      const from = phase === "mail" ? "no@x.example" : "b@sender.example";
      expect(await connection.send(mail(to, { from }), always)).toEqual({ kind: "refused", phase, reply });
      expect(google.accepted().size).toBe(0);
      if (reply.startsWith("421")) {
        await google.when((p) => p.connections.now === 0);
        expect(connection.usable).toBe(false);
        return;
      }
      // The session goes on: the server has forgotten the transaction, and takes the next.
      expect(connection.usable).toBe(true);
      for (const next of ["a@gmail.com", "b@gmail.com"])
        expect(await connection.send(mail(next), always)).toMatchObject({ kind: "accepted" });
      expect(google.connections.total).toBe(1);
    },
  );

  const drops: [DropPoint, string, boolean][] = [
    ["at-mail", "mail", false],
    ["at-rcpt", "rcpt", false],
    ["at-data", "data", false],
    ["after-354", "dot", true],
    ["mid-data", "dot", true],
    ["at-dot", "dot", true],
    ["at-dot-taken", "dot", true],
  ];
  test.each(drops)("a connection cut %s is lost at %s, handed over: %s", async (point, phase, handedOver) => {
    const google = await provider({ features, script: dropAt(point) });
    const connection = await connected(route(google.port));
    const heard = await connection.send(mail(), always);
    // The small mail may or may not have gone to the socket before its end was seen.
    if (point === "after-354") expect(heard).toMatchObject({ kind: "lost" });
    else expect(heard).toMatchObject({ kind: "lost", phase, handedOver });
    expect(heard).toMatchObject({ message: expect.stringContaining(`127.0.0.1:${google.port} `) });
    expect(connection.usable).toBe(false);
    expect(google.accepted().size).toBe(point === "at-dot-taken" ? 1 : 0);
    // And whoever tries all the same hears of it, and nothing is sent.
    expect(await connection.send(mail(), always)).toMatchObject({ kind: "lost", handedOver: false });
  });

  test("a big mail cut in the middle was not handed over", async () => {
    const google = await provider({ features, script: dropAt("mid-data") });
    const connection = await connected(route(google.port));
    expect(await connection.send(bigMail(), always)).toMatchObject({
      kind: "lost",
      phase: "data",
      handedOver: false,
    });
  });

  test("a big mail arrives whole", async () => {
    const google = await provider({ features });
    const connection = await connected(route(google.port));
    expect(await connection.send(bigMail(), always)).toMatchObject({ kind: "accepted" });
    expect(google.log[0]?.bytes).toBe(bigMail().raw.length);
  });

  test("a reply that was given counts although the connection is cut after it", async () => {
    const google = await provider({ features, script: dropAt("after-dot-reply") });
    const connection = await connected(route(google.port));
    expect(await connection.send(mail(), always)).toMatchObject({ kind: "accepted" });
    await google.when((p) => p.connections.now === 0);
    await expect.poll(() => connection.usable).toBe(false);
  });
});

describe("mayBegin", () => {
  test("is looked at right before MAIL: a no sends nothing and leaves the connection as it was", async () => {
    const google = await provider();
    const connection = await connected(relayTo(google.port));
    expect(await connection.send(mail(), () => false)).toEqual({ kind: "returned" });
    expect(google.log).toEqual([]);
    expect(await connection.send(mail(), always)).toMatchObject({ kind: "accepted" });
  });

  test("is looked at after the RSET that a refusal needs, not before", async () => {
    let goOn: () => void = () => {};
    const google = await scripted("220 x\r\n", "250 x\r\n", "250 ok\r\n", "550 5.1.1 no\r\n", (socket) => {
      goOn = () => socket.write("250 reset\r\n");
      order.push("RSET heard");
    });
    const order: string[] = [];
    const connection = await connected(relayTo(google.port));
    expect(await connection.send(mail(), always)).toMatchObject({ kind: "refused", phase: "rcpt" });
    const second = connection.send(mail(), () => {
      order.push("asked");
      return false;
    });
    await expect.poll(() => order).toEqual(["RSET heard"]);
    goOn();
    expect(await second).toEqual({ kind: "returned" });
    expect(order).toEqual(["RSET heard", "asked"]);
    expect(google.heard.at(-1)).toBe("RSET\r\n");
  });
});

describe("a server that is out of order", () => {
  const ehlo = "250-x\r\n250 PIPELINING\r\n";
  test("a refused RSET ends the connection, the refusal stays", async () => {
    const google = await scripted(
      "220 x\r\n",
      "250 x\r\n",
      "250 ok\r\n",
      "550 5.1.1 no\r\n",
      "500 what?\r\n",
    );
    const connection = await connected(relayTo(google.port));
    expect(await connection.send(mail(), always)).toMatchObject({ kind: "refused", reply: "550 5.1.1 no" });
    expect(await connection.send(mail(), always)).toMatchObject({
      kind: "lost",
      phase: "mail",
      handedOver: false,
    });
    expect(connection.usable).toBe(false);
  });

  test("a connection that dies under RSET leaves nobody waiting", async () => {
    const google = await scripted("220 x\r\n", "250 x\r\n", "250 ok\r\n", "550 5.1.1 no\r\n", (socket) =>
      socket.destroy(),
    );
    const connection = await connected(relayTo(google.port));
    expect(await connection.send(mail(), always)).toMatchObject({ kind: "refused" });
    expect(await connection.send(mail(), always)).toMatchObject({ kind: "lost", handedOver: false });
  });

  test("354 after a refused RCPT: the empty message is ended, the refusal is told, the session goes on", async () => {
    const google = await scripted(
      "220 x\r\n",
      ehlo,
      "250 ok\r\n550 5.1.1 no\r\n354 go\r\n",
      "554 no recipients\r\n",
      "250 reset\r\n",
    );
    const connection = await connected(relayTo(google.port));
    expect(await connection.send(mail(), always)).toEqual({
      kind: "refused",
      phase: "rcpt",
      reply: "550 5.1.1 no",
    });
    await expect.poll(() => google.heard.slice(2)).toEqual([".\r\n", "RSET\r\n"]);
    expect(connection.usable).toBe(true);
  });

  test("354 after a refused RCPT and then nothing more: still the refusal", async () => {
    const google = await scripted("220 x\r\n", ehlo, "250 ok\r\n550 5.1.1 no\r\n354 go\r\n", (socket) =>
      socket.destroy(),
    );
    const connection = await connected(relayTo(google.port));
    expect(await connection.send(mail(), always)).toEqual({
      kind: "refused",
      phase: "rcpt",
      reply: "550 5.1.1 no",
    });
  });

  test("354 after a refused MAIL: the connection is given up, the refusal is told", async () => {
    const google = await scripted("220 x\r\n", ehlo, "550 5.7.1 not you\r\n503 no\r\n354 go\r\n");
    const connection = await connected(relayTo(google.port));
    expect(await connection.send(mail(), always)).toMatchObject({
      phase: "mail",
      reply: "550 5.7.1 not you",
    });
    expect(connection.usable).toBe(false);
  });

  test("a 421 to RCPT with pipelining is an answer to RCPT", async () => {
    const google = await scripted("220 x\r\n", ehlo, (socket) =>
      socket.end("250 ok\r\n421 4.7.0 enough\r\n"),
    );
    const connection = await connected(relayTo(google.port));
    expect(await connection.send(mail(), always)).toEqual({
      kind: "refused",
      phase: "rcpt",
      reply: "421 4.7.0 enough",
    });
    expect(connection.usable).toBe(false);
  });

  test("a last line that is cut short after its code is an answer too", async () => {
    const google = await scripted("220 x\r\n", ehlo, "250 ok\r\n250 ok\r\n354 go\r\n", (socket) =>
      socket.end("550 5.7.1 we do not"),
    );
    const connection = await connected(relayTo(google.port));
    expect(await connection.send(mail(), always)).toEqual({
      kind: "refused",
      phase: "dot",
      reply: "550 5.7.1 we do not",
    });
  });

  test("half of a reply after the final dot is no answer", async () => {
    const google = await scripted("220 x\r\n", ehlo, "250 ok\r\n250 ok\r\n354 go\r\n", (socket) =>
      socket.end("550-5.7.1 first line\r\n"),
    );
    const connection = await connected(relayTo(google.port));
    expect(await connection.send(mail(), always)).toMatchObject({
      kind: "lost",
      phase: "dot",
      handedOver: true,
    });
  });

  test("words that are no reply, after the final dot, leave it uncertain and end the connection", async () => {
    const google = await scripted("220 x\r\n", ehlo, "250 ok\r\n250 ok\r\n354 go\r\n", "hello?\r\n");
    const connection = await connected(relayTo(google.port));
    expect(await connection.send(mail(), always)).toMatchObject({
      kind: "lost",
      handedOver: true,
      message: expect.stringContaining("hello?"),
    });
    expect(connection.usable).toBe(false);
  });

  test("a refusal while the message is still on its way is heard, and the connection is not used again", async () => {
    const google = await scripted("220 x\r\n", ehlo, "250 ok\r\n250 ok\r\n354 go\r\n", (socket) => {
      socket.pause();
      socket.write("552 5.3.4 too big\r\n");
    });
    const connection = await connected(relayTo(google.port));
    expect(await connection.send(bigMail(), always)).toEqual({
      kind: "refused",
      phase: "data",
      reply: "552 5.3.4 too big",
    });
    expect(connection.usable).toBe(false);
  });

  test("a 421 to nobody ends an idle connection without an error", async () => {
    let say: (text: string) => void = () => {};
    const google = await scripted((socket) => {
      say = (text) => socket.end(text);
      socket.write("220 x\r\n");
    }, ehlo);
    const connection = await connected(relayTo(google.port));
    say("421 4.4.2 idle\r\n");
    await expect.poll(() => connection.usable).toBe(false);
    expect(await connection.send(mail(), always)).toMatchObject({
      kind: "lost",
      phase: "mail",
      handedOver: false,
    });
  });
});

describe("time", () => {
  const phases = [
    ["mail", false, "mail"],
    ["rcpt", false, "rcpt"],
    ["data", false, "data"],
    ["dot", true, "dot"],
  ] as const;
  test.each(phases)("a server that is silent at %s is given up", async (at, handedOver, phase) => {
    const google = await provider({ script: delayAll(60_000, at) });
    const timeouts = at === "dot" ? { dotMs: 40 } : { replyMs: 40 };
    const connection = await connected(relayTo(google.port), { timeouts });
    expect(await connection.send(mail(), always)).toMatchObject({
      kind: "lost",
      phase,
      handedOver,
      message: expect.stringContaining("silent too long"),
    });
    expect(connection.usable).toBe(false);
  });

  test("after the final dot the longer limit holds, and after the answer the shorter one again", async () => {
    const google = await provider({ script: delayAll(150, "dot") });
    const connection = await connected(relayTo(google.port), { timeouts: { replyMs: 60, dotMs: 5_000 } });
    expect(await connection.send(mail(), always)).toMatchObject({ kind: "accepted" });
    google.setScript(delayAll(60_000, "mail"));
    expect(await connection.send(mail(), always)).toMatchObject({ kind: "lost", phase: "mail" });
  });

  test("a server that dribbles without end is given up as well", async () => {
    const google = await scripted("220 x\r\n", "250 x\r\n", (socket) => {
      const drip = setInterval(() => socket.write("250-wait\r\n"), 10);
      socket.on("close", () => clearInterval(drip));
    });
    const connection = await connected(relayTo(google.port), { timeouts: { mailMs: 80 } });
    expect(await connection.send(mail(), always)).toMatchObject({
      kind: "lost",
      phase: "mail",
      message: expect.stringContaining("longer than"),
    });
  });

  test("QUIT is said, and not waited for", async () => {
    const google = await scripted("220 x\r\n", "250 x\r\n");
    const connection = await connected(relayTo(google.port), { timeouts: { quitMs: 20 } });
    connection.close();
    await expect.poll(() => connection.usable).toBe(false);
    expect(google.heard.at(-1)).toBe("QUIT\r\n");
    connection.close();
  });

  test("closing under a mail ends it", async () => {
    const google = await provider({ script: delayAll(60_000, "dot") });
    const connection = await connected(relayTo(google.port));
    const sending = connection.send(mail(), always);
    await google.when((p) => p.connections.now === 1 && p.log.length === 0);
    connection.close();
    expect(await sending).toMatchObject({ kind: "lost" });
  });
});

describe("what the server has said that it does not take is not sent", () => {
  test("internationalised addresses without SMTPUTF8", async () => {
    const plain = await provider({ features: { smtpUtf8: false } });
    const connection = await connected(relayTo(plain.port));
    expect(await connection.send(mail("rené@gmail.com", { smtpUtf8: true }), always)).toMatchObject({
      kind: "refused",
      phase: "rcpt",
      reply: expect.stringMatching(/^550 5\.6\.7 /),
    });
    expect(plain.log).toEqual([]);
    expect(await connection.send(mail(), always)).toMatchObject({ kind: "accepted" });
    const able = await provider();
    const other = await connected(relayTo(able.port));
    expect(await other.send(mail("rené@gmail.com", { smtpUtf8: true }), always)).toMatchObject({
      kind: "accepted",
    });
    expect([...able.accepted().keys()]).toEqual(["rené@gmail.com"]);
  });

  test("a message beyond SIZE", async () => {
    const google = await provider({ features: { size: 1_000 } });
    const connection = await connected(relayTo(google.port));
    expect(
      await connection.send(mail("u@gmail.com", { raw: Buffer.alloc(1_001, "x") }), always),
    ).toMatchObject({
      kind: "refused",
      phase: "data",
      reply: expect.stringMatching(/^552 5\.3\.4 /),
    });
    expect(google.log).toEqual([]);
    expect(await connection.send(mail(), always)).toMatchObject({ kind: "accepted" });
  });

  test("an address that would break the dialogue", async () => {
    const google = await provider();
    const connection = await connected(relayTo(google.port));
    expect(await connection.send(mail("a@x.example>\r\nDATA"), always)).toMatchObject({
      kind: "refused",
      phase: "rcpt",
      reply: expect.stringMatching(/^553 5\.1\.3 /),
    });
    expect(await connection.send(mail(), always)).toMatchObject({ kind: "accepted" });
    expect(google.counts.refused).toBe(0);
  });
});

test("2,000 mails over 20 connections each arrive once, a tenth of them after a refusal", async () => {
  const google = await provider({
    script: refuseIf((m) => m.recipient?.startsWith("no") === true, "user-unknown"),
  });
  const addresses = Array.from({ length: 2_000 }, (_, i) => `${i % 10 === 0 ? "no" : "u"}${i}@gmail.com`);
  const next = addresses[Symbol.iterator]();
  const counts = { accepted: 0, refused: 0, lost: 0, returned: 0 };
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      const connection = await connected(relayTo(google.port));
      for (let to = next.next(); !to.done; to = next.next())
        counts[(await connection.send(mail(to.value), always)).kind]++;
    }),
  );
  expect(counts).toEqual({ accepted: 1_800, refused: 200, lost: 0, returned: 0 });
  expect(google.accepted().size).toBe(1_800);
  expect([...google.accepted().values()].every((times) => times === 1)).toBe(true);
  expect(google.connections.total).toBe(20);
});

test("a provider that refuses everybody is heard each time", async () => {
  const google = await provider({ script: refuseAll("google-no-ptr") });
  const connection = await connected(relayTo(google.port));
  for (let i = 0; i < 3; i++)
    expect(await connection.send(mail(), always)).toMatchObject({
      kind: "refused",
      phase: "dot",
      reply: expect.stringMatching(/^550-5\.7\.25 [\s\S]*\n550 5\.7\.25 .* - gsmtp$/),
    });
});
