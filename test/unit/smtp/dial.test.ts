import { createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { describe, expect, test } from "vitest";
import { delayAll, dropAt, refuseAll, refuseIf } from "../../../src/sandbox/scripts.ts";
import { makeCertificate } from "../../world/certificate.ts";
import { always, atEnd, connect, connected, mail, provider, refused, relayTo } from "./world.ts";

const certificate = makeCertificate();
const TLS = { starttls: certificate };
const AUTH = { user: "mailer", pass: "secret" };
const localhost = { host: "localhost", addressesOf: async () => ["127.0.0.1"] };

async function listening(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => new Promise((resolve) => server.close(resolve)));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe("TLS as the route asks", () => {
  const { addressesOf } = localhost;
  test("verify: a certificate that is trusted and has the name", async () => {
    const relay = await provider({ features: TLS });
    const route = relayTo(relay.port, { host: "localhost" }, { tls: "verify" });
    const connection = await connected(route, { addressesOf, ca: certificate.cert });
    expect(await connection.send(mail(), always)).toMatchObject({ kind: "accepted" });
  });

  test("verify: a certificate that nobody signed, and one of another name, are refused before any mail", async () => {
    const relay = await provider({ features: TLS });
    const unknown = relayTo(relay.port, { host: "localhost" }, { tls: "verify" });
    expect(await refused(unknown, { addressesOf })).toMatchObject({
      phase: "tls",
      reply: null,
      message: expect.stringMatching(
        /^localhost:\d+ \(127\.0\.0\.1\) could not be spoken to with TLS: self-signed/,
      ),
    });
    const misnamed = relayTo(relay.port, { host: "other.example" }, { tls: "verify" });
    expect(await refused(misnamed, { addressesOf, ca: certificate.cert })).toMatchObject({
      phase: "tls",
      message: expect.stringContaining("other.example"),
    });
    expect(relay.log.filter((entry) => entry.phase !== "tls")).toEqual([]);
  });

  test("require: any certificate will do, but without STARTTLS nothing is sent", async () => {
    const relay = await provider({ features: TLS });
    const connection = await connected(relayTo(relay.port, {}, { tls: "require" }));
    expect(await connection.send(mail(), always)).toMatchObject({ kind: "accepted" });
    const plain = await provider();
    for (const tls of ["require", "verify"] as const)
      expect(await refused(relayTo(plain.port, {}, { tls }))).toMatchObject({
        phase: "tls",
        reply: expect.stringMatching(/^502 /),
      });
    expect(plain.accepted().size).toBe(0);
  });

  test("opportunistic: with TLS where offered, without where not, and in plain text once TLS has failed", async () => {
    const tls = "opportunistic";
    const secure = await provider({ features: TLS, keepMessages: true });
    const plain = await provider();
    const broken = await provider({ features: TLS, script: dropAt("at-tls") });
    const refusing = await provider({
      features: TLS,
      script: refuseAll("454 4.7.0 not now", { phase: "tls" }),
    });
    for (const relay of [secure, plain, broken, refusing]) {
      const connection = await connected(relayTo(relay.port, {}, { tls }));
      expect(await connection.send(mail(), always)).toMatchObject({ kind: "accepted" });
    }
    expect([secure, plain, broken, refusing].map((relay) => relay.connections.total)).toEqual([1, 1, 2, 2]);
  });

  test("verify and require never go on in plain text, and a password never does to a distant server", async () => {
    const broken = await provider({ features: { ...TLS, auth: AUTH }, script: dropAt("at-tls") });
    for (const tls of ["verify", "require"] as const)
      expect(await refused(relayTo(broken.port, {}, { tls }))).toMatchObject({ phase: "tls", reply: null });
    const distant = relayTo(broken.port, { host: "relay.example", ...AUTH }, { tls: "opportunistic" });
    expect(await refused(distant, { addressesOf })).toMatchObject({ phase: "tls" });
    expect(broken.connections.total).toBe(3);
    expect(broken.log.every((entry) => entry.phase === "tls")).toBe(true);
  });

  test("off: STARTTLS is not asked for", async () => {
    const relay = await provider({ features: TLS, script: dropAt("at-tls") });
    const connection = await connected(relayTo(relay.port, {}, { tls: "off" }));
    expect(await connection.send(mail(), always)).toMatchObject({ kind: "accepted" });
    expect(relay.connections.total).toBe(1);
  });

  test("from the first byte: the certificate is checked, and a server without TLS is told apart", async () => {
    const smtps = await listening(
      createTlsServer(certificate, (socket) => {
        socket.on("error", () => {});
        socket.write("220 x\r\n");
        socket.on("data", () => socket.write("250 x\r\n"));
      }),
    );
    const target = { host: "localhost", implicitTls: true };
    const ca = certificate.cert;
    expect(await connect(relayTo(smtps, target, { tls: "verify" }), { addressesOf, ca })).toMatchObject({
      ok: true,
    });
    expect(await connect(relayTo(smtps, target, { tls: "require" }), { addressesOf })).toMatchObject({
      ok: true,
    });
    expect(await refused(relayTo(smtps, target, { tls: "verify" }), { addressesOf })).toMatchObject({
      phase: "tls",
    });
    const plain = await provider();
    expect(await refused(relayTo(plain.port, target, { tls: "require" }), { addressesOf })).toMatchObject({
      phase: "tls",
      reply: null,
    });
  });
});

describe("AUTH", () => {
  test("with the right password mail goes; with a wrong one the server's word is told", async () => {
    const relay = await provider({ features: { auth: AUTH } });
    const connection = await connected(relayTo(relay.port, AUTH));
    expect(await connection.send(mail(), always)).toMatchObject({ kind: "accepted" });
    expect(await refused(relayTo(relay.port, { user: "mailer", pass: "guess" }))).toEqual({
      phase: "auth",
      reply: "535 5.7.8 Authentication credentials invalid",
      message: expect.stringMatching(/^127\.0\.0\.1:\d+ refused us at AUTH: 535 5\.7\.8 /),
    });
    await relay.when((p) => p.connections.now === 1);
  });

  test("a connection cut under AUTH, and a server that offers none", async () => {
    const cut = await provider({ features: { auth: AUTH }, script: dropAt("at-auth") });
    expect(await refused(relayTo(cut.port, AUTH))).toMatchObject({ phase: "auth", reply: null });
    const none = await provider();
    const failure = await refused(relayTo(none.port, AUTH));
    expect(failure).toMatchObject({
      phase: "auth",
      reply: null,
      message: expect.stringContaining("no AUTH"),
    });
    expect(failure.message).not.toContain("secret");
  });
});

describe("a server that does not take us", () => {
  test("nothing listens", async () => {
    const gone = await provider();
    await gone.close();
    expect(await refused(relayTo(gone.port))).toEqual({
      phase: "connect",
      reply: null,
      message: `nothing listens at 127.0.0.1:${gone.port}`,
    });
  });

  test("a name that does not resolve, DNS that is silent, a host without the family of the source address", async () => {
    const no = Object.assign(new Error("no"), { code: "ENOTFOUND" });
    const route = relayTo(25, { host: "relay.example" });
    expect(await refused(route, { addressesOf: () => Promise.reject(no) })).toEqual({
      phase: "connect",
      reply: null,
      message: "the name relay.example does not resolve",
    });
    const silent = { addressesOf: () => new Promise<string[]>(() => {}), timeouts: { dnsMs: 20 } };
    expect((await refused(route, silent)).message).toContain(
      "DNS does not tell the address of relay.example",
    );
    const bound = relayTo(25, { host: "relay.example" }, { sourceAddress: "2001:db8::1" });
    expect((await refused(bound, { addressesOf: localhost.addressesOf })).message).toContain(
      "no IPv6 address",
    );
  });

  test("the refusing banner is heard", async () => {
    const relay = await provider({
      script: refuseAll("554-5.7.1 blocked\n554 see x.example", { phase: "connect" }),
    });
    expect(await refused(relayTo(relay.port))).toMatchObject({
      phase: "connect",
      reply: "554-5.7.1 blocked\n554 see x.example",
    });
    await relay.when((p) => p.connections.now === 0);
  });

  test.each(["550 5.7.1 not you", "421 4.7.0 later"])("a refused EHLO is heard: %s", async (reply) => {
    const relay = await provider({ script: refuseAll(reply, { phase: "ehlo" }) });
    for (const tls of ["off", "require"] as const)
      expect(await refused(relayTo(relay.port, {}, { tls }))).toMatchObject({ phase: "ehlo", reply });
  });

  test.each([
    ["before-banner", "connect"],
    ["after-banner", "ehlo"],
    ["at-ehlo", "ehlo"],
  ] as const)("a connection cut %s has no reply and is told as %s", async (point, phase) => {
    const relay = await provider({ script: dropAt(point) });
    expect(await refused(relayTo(relay.port))).toMatchObject({
      phase,
      reply: null,
      message: expect.stringContaining(`127.0.0.1:${relay.port}`),
    });
  });

  test("one that never greets, one that never answers EHLO, one that never ends the handshake", async () => {
    const mute = await provider({ script: delayAll(60_000, "connect") });
    expect(await refused(relayTo(mute.port), { timeouts: { greetingMs: 30 } })).toMatchObject({
      phase: "connect",
      reply: null,
      message: `127.0.0.1:${mute.port} took the connection and never greeted`,
    });
    const slow = await provider({ script: delayAll(60_000, "ehlo") });
    expect(await refused(relayTo(slow.port), { timeouts: { replyMs: 30 } })).toMatchObject({ phase: "ehlo" });
    const stuck = await listening(createServer((socket) => void socket.on("error", () => {}).resume()));
    const smtps = relayTo(stuck, { implicitTls: true }, { tls: "require" });
    const failure = await refused(smtps, { timeouts: { connectMs: 30 } });
    expect(failure).toMatchObject({ phase: "connect", message: `127.0.0.1:${stuck} does not answer` });
  });

  test("a source address that this machine does not have", async () => {
    const relay = await provider();
    const bound = relayTo(relay.port, {}, { sourceAddress: "192.0.2.1" });
    expect((await refused(bound)).message).toContain("this machine does not have that address");
    expect(await connect(relayTo(relay.port, {}, { sourceAddress: "127.0.0.2" }))).toMatchObject({
      ok: true,
    });
  });

  test("a route without a server", async () => {
    expect(await refused({ ...relayTo(1), target: null })).toMatchObject({
      message: expect.stringContaining("smtp.url"),
    });
  });
});

test("an old server that knows only HELO is spoken to as such", async () => {
  const relay = await provider({
    script: refuseIf((m) => m.connection === 1 && m.nowMs > 0 && first(), "500 5.5.1 what?", {
      phase: "ehlo",
    }),
  });
  let said = false;
  function first(): boolean {
    const is = !said;
    said = true;
    return is;
  }
  const connection = await connected(relayTo(relay.port));
  expect(await connection.send(mail(), always)).toMatchObject({ kind: "accepted" });
  expect(await connection.send(mail("é@x.example", { smtpUtf8: true }), always)).toMatchObject({
    kind: "refused",
  });
});
