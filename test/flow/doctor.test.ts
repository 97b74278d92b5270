// What would have been refused is known before the first mail leaves: the incident's own zone, over real SMTP and a real
// DNS server, by the commands as they are typed.
import { describe, expect, test } from "vitest";
import { arpaName } from "../../src/campaign/preflight/address-names.ts";
import { doctor } from "../../src/cli/doctor.ts";
import { check, type SendOptions, send } from "../../src/cli/send.ts";
import { type Clock, systemClock } from "../../src/clock.ts";
import { createShiftedClock } from "../world/clock.ts";
import { type DnsServer, startDnsServer } from "../world/dns-server.ts";
import { answered, createWorld, type Ran, type World, type WorldOptions } from "../world/world.ts";

const [IPV4, IPV6] = ["192.0.2.25", "2001:db8::25"];
const PTR = "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";

/** All is well with the sender but what a test breaks: two addresses, SPF, DMARC. */
async function worldWithZone(options: WorldOptions = {}): Promise<{ world: World; dns: DnsServer }> {
  const dns = await startDnsServer();
  dns.setReverse(IPV4, "mail.hosting.example");
  dns.setReverse(IPV6, "mail.hosting.example");
  dns.set("MX", "hosting.example", "mail.hosting.example");
  dns.set("TXT", "hosting.example", `v=spf1 ip4:${IPV4} ip6:${IPV6} -all`);
  dns.set("TXT", "_dmarc.hosting.example", "v=DMARC1; p=none");
  const world = await createWorld({ clients: { "gmail.com": 12, "example.net": 3 }, ...options });
  configure(world, dns.address);
  return { world, dns };
}

function configure(world: World, server: string, more = `addresses = ["${IPV4}", "${IPV6}"]\n`): void {
  world.write(
    "bellwether.toml",
    `[sender]\nfrom = "Example Hosting <support@hosting.example>"\nhelo = "mail.hosting.example"\n${more}` +
      `[dns]\nservers = ["${server}"]\ntimeout = "1s"\n` +
      `[smtp]\nurl = "smtp://127.0.0.1:${world.server().port}"\nfeedback = "final"\n`,
  );
}

function types(world: World, more: SendOptions = {}, clock?: Clock): Promise<Ran> {
  return world.does(
    (io, options) => send(io, world.path("campaign.toml"), { ...options, yes: true, json: true, ...more }),
    clock,
  );
}

const examined = (world: World) => world.does((io, options) => doctor(io, { ...options, json: true }));
const checked = (world: World) =>
  world.does((io, options) => check(io, world.path("campaign.toml"), { ...options, json: true }));
const findings = ({ stdout }: Ran) => JSON.parse(stdout).findings as { code: string; severity: string }[];
const about = (ran: Ran, prefix: string) => findings(ran).filter(({ code }) => code.startsWith(prefix));

describe("the incident's zone: A with PTR, AAAA without", () => {
  async function incident(options?: WorldOptions) {
    const made = await worldWithZone(options);
    made.dns.set("PTR", PTR);
    return made;
  }

  test("with Gmail recipients nothing is sent, and it is said what to do", async () => {
    const { world } = await incident();
    const ran = await types(world);
    expect(ran.exit).toBe(3);
    expect(world.log()).toEqual([]);
    expect(about(ran, "reverse")).toEqual([
      {
        code: "reverse-dns-missing",
        severity: "blocker",
        basis: "measured",
        subject: IPV6,
        providers: ["google"],
        message: expect.stringMatching(
          /^2001:db8::25 has no reverse DNS name.* Every mail from 2001:db8::25 to these is refused: Gmail.* \(12 here\)\. By Gmail's email sender guidelines, since 2024-02-01\.$/,
        ),
        hint: expect.stringContaining(`"${PTR}. PTR mail.hosting.example."`),
      },
    ]);
    expect(ran.stdout).toContain(`source_address = \\"${IPV4}\\"`);
    for (const run of [checked, examined]) {
      const again = await run(world);
      expect(again.exit).toBe(3);
      expect(again.stderr).toContain("BLOCKER reverse-dns-missing");
    }
  });

  test("an override launches, and stands in the timeline", async () => {
    const { world } = await incident();
    const ran = answered(await types(world, { override: ["reverse-dns-missing=the relay sends by IPv4"] }));
    expect(ran.exit).toBe(0);
    expect(world.accepted().size).toBe(15);
    const [line] = ran.report.timeline.filter(({ event }) => event === "override");
    expect(line?.text).toMatch(
      /2001:db8::25 has no reverse DNS name.* was overridden by .+: the relay sends by IPv4/,
    );
  });

  test("an override is for what was found then, and for a day", async () => {
    const { world, dns } = await incident();
    const override = ["reverse-dns-missing=the relay sends by IPv4"];
    const clock = createShiftedClock();
    const refusedFor = async (more?: SendOptions) => {
      const { exit, stderr } = await types(world, more, clock);
      expect(exit).toBe(3);
      return stderr.match(/BLOCKER \S+|Overridden/g);
    };
    // Refused for another reason, so that the draft stays with what was overridden.
    dns.set("MX", "hosting.example");
    dns.set("A", "hosting.example");
    const seen = ["BLOCKER reverse-dns-missing:", "Overridden"];
    expect(await refusedFor({ override })).toEqual([...seen, "BLOCKER sender-domain-unknown:"]);
    // The same at another address is another blocker, for which nobody has given a reason.
    dns.set("MX", "hosting.example", "mail.hosting.example");
    dns.set("PTR", arpaName(IPV4));
    expect(await refusedFor()).toEqual([...seen, "BLOCKER reverse-dns-missing:"]);
    dns.setReverse(IPV4, "mail.hosting.example");
    clock.forward(24 * 3_600_000);
    expect(await refusedFor()).toEqual(["BLOCKER reverse-dns-missing:"]);
    expect(world.log()).toEqual([]);
  });

  test("nobody is kept waiting whose provider has no such rule, nor once mail leaves by IPv4 alone", async () => {
    const { world, dns } = await incident({ clients: { "example.net": 3 } });
    const small = await checked(world);
    expect([small.exit, about(small, "reverse")]).toEqual([
      0,
      [expect.objectContaining({ severity: "warning", basis: "measured" })],
    ]);
    configure(world, dns.address, `addresses = ["${IPV4}"]\n`);
    expect(await examined(world)).toMatchObject({ exit: 0, stdout: '{"findings":[]}\n' });
  });
});

test("a relay on this machine of which nothing is written down blocks nobody", async () => {
  const { world, dns } = await worldWithZone();
  configure(world, dns.address, "");
  dns.set("TXT", "hosting.example");
  const ran = await examined(world);
  expect(ran.exit).toBe(0);
  expect(about(ran, "s")).toEqual([
    expect.objectContaining({ code: "sender-addresses-unknown", severity: "info", basis: "assumed" }),
    expect.objectContaining({ code: "spf-missing", severity: "warning", basis: "assumed" }),
  ]);
});

test.each(["servfail", "silent"] as const)(
  "a DNS that is %s is neither fine nor missing, and keeps nobody waiting",
  async (how) => {
    const { world, dns } = await worldWithZone();
    for (const name of [PTR, "hosting.example", "_dmarc.hosting.example"]) dns.fail(name, how);
    const beganMs = systemClock.monotonic();
    const ran = await examined(world);
    expect(systemClock.monotonic() - beganMs).toBeLessThan(3_000);
    expect(ran.exit).toBe(0);
    expect(findings(ran)).toEqual([
      expect.objectContaining({ code: "dns-unanswered", severity: "warning", basis: "assumed" }),
    ]);
  },
);

test("a watch says what is new and what is gone", async () => {
  const { world, dns } = await worldWithZone();
  const ended = new AbortController();
  const watching = world.does((io, options) => {
    const say = (text: string) => {
      io.say(text);
      if (text.startsWith("Nothing is wrong") && heard++ === 0) dns.set("PTR", PTR);
      if (text.startsWith("BLOCKER")) dns.setReverse(IPV6, "mail.hosting.example");
      if (text.startsWith("Gone")) ended.abort();
    };
    return doctor({ ...io, say }, { ...options, watch: true, everyMs: 20, signal: ended.signal });
  });
  let heard = 0;
  const { exit, stderr } = await watching;
  expect(exit).toBe(130);
  expect(stderr.match(/^(Nothing|BLOCKER|Gone) \S+/gm)).toEqual([
    "Nothing is",
    "BLOCKER reverse-dns-missing:",
    "Gone reverse-dns-missing:",
    "Nothing is",
  ]);
});

test("a sandbox asks nobody and has nothing to find", async () => {
  const { world } = await worldWithZone();
  world.write("bellwether.toml", "");
  const ran = await examined(world);
  expect([ran.exit, ran.stdout]).toEqual([0, '{"findings":[]}\n']);
});
