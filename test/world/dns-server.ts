// A small authoritative DNS server over UDP, for one test: it answers what its records say at that moment (RFC 1035
// section 4), NXDOMAIN for names that it does not know, and can be told to fail or to be silent for a name.
import { createSocket, type Socket } from "node:dgram";
import { onTestFinished } from "vitest";
import { arpaName } from "../../src/campaign/preflight/address-names.ts";

const TYPES = { A: 1, CNAME: 5, PTR: 12, MX: 15, TXT: 16, AAAA: 28 } as const;
type RecordType = keyof typeof TYPES;

export interface DnsServer {
  /** "127.0.0.1:port" */
  readonly address: string;
  /** Every question so far: "PTR 1.2.0.192.in-addr.arpa". */
  readonly asked: string[];
  /** Replaces what stands there; without values it is gone. */
  set(type: RecordType, name: string, ...values: string[]): void;
  /** The PTR record of an address, and the way back from that name. */
  setReverse(address: string, name: string): void;
  /** SERVFAIL, or nothing at all, for whatever is asked of this name. */
  fail(name: string, how: "servfail" | "silent"): void;
}

/** Ends with the test that made it. */
export async function startDnsServer(): Promise<DnsServer> {
  const records = new Map<string, readonly string[]>();
  const failing = new Map<string, "servfail" | "silent">();
  const asked: string[] = [];
  const socket: Socket = createSocket("udp4");
  socket.on("message", (query, { port, address }) => {
    const { name, type, end } = questionOf(query);
    asked.push(`${type} ${name}`);
    const failure = failing.get(name);
    if (failure === "silent") return;
    // An alias is answered with what it leads to (RFC 1034 section 3.6.2).
    const alias = records.get(`CNAME ${name}`)?.[0];
    const values = records.get(`${type} ${alias ?? name}`) ?? [];
    const isKnown = Object.keys(TYPES).some((one) => records.has(`${one} ${name}`));
    const code = failure === "servfail" ? 2 : isKnown ? 0 : 3;
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8580 | code, 2);
    header.writeUInt16BE(1, 4);
    const answers = code === 0 ? values.map((value) => answer(type as RecordType, value, alias)) : [];
    if (code === 0 && alias !== undefined) answers.unshift(answer("CNAME", alias));
    header.writeUInt16BE(answers.length, 6);
    socket.send(Buffer.concat([header, query.subarray(12, end), ...answers]), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  const server: DnsServer = {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    set: (type, name, ...values) => {
      if (values.length === 0) records.delete(`${type} ${name}`);
      else records.set(`${type} ${name}`, values);
    },
    setReverse: (address, name) => {
      server.set("PTR", arpaName(address), name);
      server.set(address.includes(":") ? "AAAA" : "A", name, address);
    },
    fail: (name, how) => {
      failing.set(name, how);
    },
  };
  return server;
}

function questionOf(query: Buffer): { name: string; type: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length).toLowerCase());
    at += 1 + length;
  }
  const code = query.readUInt16BE(at + 1);
  const [type = String(code)] = Object.entries(TYPES).find(([, one]) => one === code) ?? [];
  return { name: labels.join("."), type, end: at + 5 };
}

/** `owner`: whose record it is, when not that of the name that was asked for. */
function answer(type: RecordType, value: string, owner?: string): Buffer {
  const data = dataOf(type, value);
  const head = Buffer.from([0, TYPES[type], 0, 1, 0, 0, 0, 1, 0, 0]);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner === undefined ? Buffer.from([0xc0, 12]) : nameOf(owner), head, data]);
}

function dataOf(type: RecordType, value: string): Buffer {
  switch (type) {
    case "A":
      return Buffer.from(value.split(".").map(Number));
    case "AAAA":
      return Buffer.from(arpaName(value).replace(".ip6.arpa", "").split(".").reverse().join(""), "hex");
    case "CNAME":
    case "PTR":
      return nameOf(value);
    case "MX":
      return Buffer.concat([Buffer.from([0, 10]), nameOf(value)]);
    case "TXT":
      return Buffer.concat(
        (value.match(/[\s\S]{1,255}/g) ?? [""]).map((piece) =>
          Buffer.from(`${String.fromCharCode(piece.length)}${piece}`, "latin1"),
        ),
      );
  }
}

function nameOf(name: string): Buffer {
  const labels = name.split(".").filter(Boolean);
  return Buffer.from(
    `${labels.map((one) => `${String.fromCharCode(one.length)}${one}`).join("")}\0`,
    "latin1",
  );
}
