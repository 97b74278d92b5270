// What handing one mail over costs the SMTP transport alone: a 3 kB mail, again and again, to a sink in a process of
// its own; and what signing it costs. Usage: tsx bench/smtp.ts [mails] [connections]. Prints one line of JSON per case.
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createDkimSigner } from "../src/adapters/smtp/dkim.ts";
import { createSmtpTransport } from "../src/adapters/smtp/transport.ts";
import type { RouteConfig } from "../src/config/config.ts";
import { startSinkProcess } from "../test/world/sink.ts";

const mails = Number(process.argv[2] ?? 10_000);
const connections = Number(process.argv[3] ?? 20);

const raw = Buffer.from(
  [
    "From: support@hoster.example",
    "To: client@gmail.com",
    "Subject: Maintenance",
    "Message-ID: <1@hoster.example>",
    "",
    ...Array.from(
      { length: 40 },
      () => "Seventy characters of text, as a line of a mail has them in the middle.",
    ),
    "",
  ].join("\r\n"),
);

async function send(port: number, count: number): Promise<void> {
  const route: RouteConfig = {
    name: "default",
    provider: null,
    target: {
      kind: "relay",
      host: "127.0.0.1",
      port,
      implicitTls: false,
      lmtp: false,
      user: null,
      pass: null,
    },
    kind: "generic",
    feedback: "relay",
    connections,
    rate: null,
    dailyLimit: null,
    sourceAddress: null,
    tls: "off",
  };
  const transport = createSmtpTransport({ routes: new Map([["default", route]]), helo: "bench.example" });
  let left = count;
  const one = async () => {
    const answer = await transport.connect("default", "");
    if (!answer.ok) throw new Error(answer.failure.message);
    while (left-- > 0) {
      const mail = { from: "b@hoster.example", to: `u${left % 1000}@gmail.com`, raw, smtpUtf8: false };
      const heard = await answer.connection.send(mail, () => true);
      if (heard.kind !== "accepted") throw new Error(JSON.stringify(heard));
    }
    answer.connection.close();
  };
  await Promise.all(Array.from({ length: connections }, one));
}

for (const pipelining of [true, false]) {
  const sink = await startSinkProcess({ keepLog: false, features: { pipelining } });
  await send(sink.port, Math.min(mails, 2_000));
  const cpu = process.cpuUsage();
  const begun = performance.now();
  await send(sink.port, mails);
  const tookMs = performance.now() - begun;
  const { user, system } = process.cpuUsage(cpu);
  await sink.stop();
  console.log(
    JSON.stringify({
      pipelining,
      connections,
      mailsPerSecond: Math.round((mails / tookMs) * 1000),
      userMicrosecondsPerMail: Math.round(user / mails),
      systemMicrosecondsPerMail: Math.round(system / mails),
    }),
  );
}

const folder = mkdtempSync(path.join(tmpdir(), "bellwether-bench-"));
const keyFile = path.join(folder, "dkim.pem");
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
writeFileSync(keyFile, privateKey.export({ type: "pkcs8", format: "pem" }));
const sign = createDkimSigner({ domain: "hoster.example", selector: "s1", keyFile });
rmSync(folder, { recursive: true });
for (let i = 0; i < 200; i++) sign(raw);
const begun = performance.now();
for (let i = 0; i < 1_000; i++) sign(raw);
console.log(JSON.stringify({ dkimMicrosecondsPerMail: Math.round(performance.now() - begun) }));
