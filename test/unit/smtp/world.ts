// What the tests of the SMTP transport share: simulated providers, a route to one, a mail. All is closed after each
// test.
import { afterEach, expect } from "vitest";
import { createSmtpTransport, type SmtpTransportOptions } from "../../../src/adapters/smtp/transport.ts";
import type { RouteConfig } from "../../../src/config/config.ts";
import type { Connected, ConnectFailure, Mail, MailConnection } from "../../../src/delivery/transport.ts";
import {
  type SimulatedProvider,
  type SimulatedProviderOptions,
  startProvider,
} from "../../../src/sandbox/provider-server.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

export function atEnd(end: () => unknown): void {
  ends.push(end);
}

export async function provider(options: Partial<SimulatedProviderOptions> = {}): Promise<SimulatedProvider> {
  const started = await startProvider({ id: "google", ...options });
  atEnd(() => started.close());
  return started;
}

type Relay = Extract<RouteConfig["target"], { kind: "relay" }>;

export function relayTo(
  port: number,
  target: Partial<Relay> = {},
  route: Partial<RouteConfig> = {},
): RouteConfig {
  const relay = { kind: "relay", host: "127.0.0.1", port, implicitTls: false, lmtp: false } as const;
  return { ...ROUTE, target: { ...relay, user: null, pass: null, ...target }, ...route };
}

export const ROUTE: RouteConfig = {
  name: "default",
  provider: null,
  target: null,
  kind: "generic",
  feedback: "final",
  connections: 20,
  rate: null,
  dailyLimit: null,
  sourceAddress: null,
  tls: "off",
};

export async function connect(
  route: RouteConfig,
  options: Partial<SmtpTransportOptions> & { destination?: string } = {},
): Promise<Connected> {
  const { destination = "", ...rest } = options;
  const transport = createSmtpTransport({ routes: new Map([["r", route]]), helo: "client.example", ...rest });
  const answer = await transport.connect("r", destination);
  if (answer.ok) atEnd(() => answer.connection.close());
  return answer;
}

export async function connected(...args: Parameters<typeof connect>): Promise<MailConnection> {
  const answer = await connect(...args);
  if (!answer.ok) throw new Error(`no connection: ${answer.failure.message}`);
  return answer.connection;
}

export async function refused(...args: Parameters<typeof connect>): Promise<ConnectFailure> {
  const answer = await connect(...args);
  expect(answer.ok).toBe(false);
  if (answer.ok) throw new Error("connected");
  return answer.failure;
}

export function mail(to = "u@gmail.com", more: Partial<Mail> = {}): Mail {
  const raw = Buffer.from("Subject: x\r\nX-Bellwether-Delivery: 1.1\r\n\r\n.dots\r\n..\r\nbody\r\n");
  return { from: "b@sender.example", to, raw, smtpUtf8: false, ...more };
}

/** One that no socket takes in one piece. */
export function bigMail(to = "u@gmail.com"): Mail {
  return mail(to, { raw: Buffer.from(`Subject: big\r\n\r\n${"x".repeat(78)}\r\n`.repeat(120_000)) });
}

export const always = (): boolean => true;
