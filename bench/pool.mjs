// The other side of pipeline.ts: a bare nodemailer pool. It is given mails that were rendered before (subject, html and
// text, which it composes), or composed before (bytes). Plain JavaScript, so that no loader stands between it and
// Node. Usage: node bench/pool.mjs '{"mails","raw","port","connections","warmUp","composed"}'
// Prints {"tookMs","cpuMs"}: from the first sendMail to the last answer, its connections already made and warm.
import { readFileSync } from "node:fs";
import nodemailer from "nodemailer";

const { mails: list, raw, port, connections, warmUp, composed } = JSON.parse(process.argv[2] ?? "{}");
const bytes = readFileSync(raw);
const mails = JSON.parse(readFileSync(list, "utf8")).map(({ from, to, name, at, length, ...rendered }) =>
  composed
    ? { envelope: { from, to }, raw: bytes.subarray(at, at + length) }
    : {
        envelope: { from, to },
        from: "Support <support@hoster.example>",
        to: { name, address: to },
        ...rendered,
      },
);

const pool = nodemailer.createTransport({
  pool: true,
  host: "127.0.0.1",
  port,
  ignoreTLS: true,
  maxConnections: connections,
  maxMessages: Number.POSITIVE_INFINITY,
});

/** Keeps two mails a connection with the pool: it never waits for one, and its list stays short. */
function send(from, to) {
  return new Promise((resolve, reject) => {
    let next = from;
    let open = to - from;
    const more = () => {
      if (next >= to) return;
      pool.sendMail(mails[next++], (error) => {
        if (error) reject(error);
        open -= 1;
        if (open === 0) resolve();
        else more();
      });
    };
    for (let i = 0; i < 2 * connections; i++) more();
  });
}

await send(0, warmUp);
const cpu = process.cpuUsage();
const begun = performance.now();
await send(0, mails.length);
const tookMs = performance.now() - begun;
const { user, system } = process.cpuUsage(cpu);
console.log(JSON.stringify({ tookMs, cpuMs: (user + system) / 1000 }));
pool.close();
