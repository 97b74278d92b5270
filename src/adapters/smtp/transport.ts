// The transport of the delivery protocol over SMTP and LMTP: a relay's host, or the mail hosts of each domain. It puts
// a route's configuration into the words of dial.ts and decides what may share a connection.
import { type Clock, systemClock } from "../../clock.ts";
import type { RouteConfig } from "../../config/config.ts";
import { isLoopback } from "../../config/urls.ts";
import type { Connected, Transport } from "../../delivery/transport.ts";
import type { MxResolver } from "../../provider/lookup.ts";
import { type Manner, TIMEOUTS, type Timeouts } from "./dial.ts";
import { courteous, createMailHosts, refusingConnection } from "./direct.ts";
import { type AddressesOf, connectToAny, nowhere, systemAddresses } from "./hosts.ts";

export interface SmtpTransportOptions {
  /** By name. */
  routes: ReadonlyMap<string, RouteConfig>;
  /** Name for EHLO; null: the host's own. */
  helo: string | null;
  /** Needed by routes that go direct to MX. */
  mx?: MxResolver;
  addressesOf?: AddressesOf;
  clock?: Clock;
  timeouts?: Partial<Timeouts>;
  /** Reports that come by mail are read: relays are asked for one of each mail. Default: no. */
  readsReports?: boolean;
  /** PEM of the authorities that `tls = "verify"` trusts; the system's when left out. */
  ca?: string;
}

export function createSmtpTransport(options: SmtpTransportOptions): Transport {
  const { routes, mx, addressesOf = systemAddresses, clock = systemClock } = options;
  const timeouts: Timeouts = { ...TIMEOUTS, ...options.timeouts };
  const mailHosts =
    mx === undefined ? null : createMailHosts({ mx, addressesOf, clock, timeoutMs: timeouts.dnsMs });

  async function direct(domain: string, port: number, manner: Manner): Promise<Connected> {
    if (mailHosts === null) return { ok: false, failure: nowhere("nothing here can ask DNS for mail hosts") };
    const answer = await mailHosts(domain);
    switch (answer.kind) {
      case "hosts": {
        const connected = await connectToAny(answer.hosts, { port, manner, addressesOf });
        if (!connected.ok) return connected;
        return { ok: true, connection: courteous(connected.connection, answer.hosts) };
      }
      case "none":
        return { ok: true, connection: refusingConnection(answer.reply) };
      case "failed":
        return { ok: false, failure: answer.failure };
    }
  }

  return {
    destination: (route, domain) =>
      routes.get(route)?.target?.kind === "direct" ? domain.toLowerCase() : "",
    connect: async (name, destination) => {
      const route = routes.get(name);
      const target = route?.target;
      if (route === undefined || !target)
        return { ok: false, failure: nowhere(`the route ${name} has no server: smtp.url is not set`) };
      const common = {
        tls: route.tls,
        sourceAddress: route.sourceAddress,
        helo: options.helo,
        ca: options.ca ?? null,
        asksForReports: options.readsReports === true && route.feedback === "relay",
        timeouts,
      };
      if (target.kind === "direct") {
        const plain = { implicitTls: false, lmtp: false, login: null, plainAgain: true };
        return direct(destination, target.port, { ...common, ...plain });
      }
      const { host, port, implicitTls, lmtp, user, pass } = target;
      const login = user === null || pass === null ? null : { user, pass };
      // A password is not told in plain text to a server with which TLS has just failed.
      const plainAgain = login === null || isLoopback(host);
      const manner = { ...common, implicitTls, lmtp, login, plainAgain };
      return connectToAny([host], { port, manner, addressesOf });
    },
  };
}
