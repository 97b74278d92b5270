// A DNS server for MX questions over UDP on loopback (RFC 1035 section 4.1): as much of one as a mailer asks.
import { createSocket } from "node:dgram";

/** The host that takes the mail ("": null MX), no record, no such name, a failure, or no answer at all. */
export type MxAnswer = { host: string } | "empty" | "nx" | "fail" | "silent";

const CODES = { empty: 0, nx: 3, fail: 2 };

export interface DnsServer {
  /** "127.0.0.1:port", as `[dns] servers` takes it. */
  readonly address: string;
  close(): Promise<void>;
}

export async function startDns(answerOf: (domain: string) => MxAnswer): Promise<DnsServer> {
  const socket = createSocket("udp4");
  socket.on("message", (query, { port }) => {
    const labels: string[] = [];
    let end = 12;
    for (let length = query[end] ?? 0; length !== 0; length = query[end] ?? 0) {
      labels.push(query.subarray(end + 1, end + 1 + length).toString());
      end += 1 + length;
    }
    const answer = answerOf(labels.join("."));
    if (answer === "silent") return;
    const host = typeof answer === "string" ? undefined : answer.host;
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180 | (typeof answer === "string" ? CODES[answer] : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(host === undefined ? 0 : 1, 6);
    const parts: Uint8Array[] = [header, query.subarray(12, end + 5)];
    if (host !== undefined) {
      const target = encodeName(host);
      parts.push(Buffer.from([0xc0, 12, 0, 15, 0, 1, 0, 0, 0, 60, 0, 2 + target.length, 0, 5]), target);
    }
    socket.send(Buffer.concat(parts), port, "127.0.0.1");
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function encodeName(name: string): Buffer {
  const labels = name.split(".").filter(Boolean);
  return Buffer.concat([
    ...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.from([0]),
  ]);
}
