// URLs of servers: their parts, and how they are shown without their secrets.

import { describe, expect, it } from "vitest";
import { routeTarget, shownSecret } from "../../../src/config/server-kinds.ts";
import { isHost, isLoopback, maskUrl } from "../../../src/config/urls.ts";
import fc from "../../world/property.ts";

const target = (text: string) => {
  const read = routeTarget.read(text, "/");
  return "value" in read ? read.value : read.refused;
};

describe("a URL that is shown", () => {
  it.each([
    ["smtp://user:secret@mail.example:587", "smtp://user:***@mail.example:587"],
    ["smtp://mail.example:587", "smtp://mail.example:587"],
    ["smtp://user@mail.example", "smtp://user@mail.example"],
    ["redis://:secret@cache.example:6379/0", "redis://:***@cache.example:6379/0"],
    ["smtp://user:sec/ret@mail.example", "smtp://user:***@mail.example"],
    ["smtp://user:sec#ret@mail.example", "smtp://user:***@mail.example"],
    ["smtp://user:sec@ret@mail.example", "smtp://user:***@mail.example"],
    ["postgresql://h/db?user=a&password=secret&x=1", "postgresql://h/db?user=a&password=***&x=1"],
    ["https://hooks.example/services/T0/secret", "https://hooks.example/***"],
    ["https://secret@hooks.example/", "https://***@hooks.example/***"],
    ["user:secret@mail.example:587", ":***@mail.example:587"],
    ["direct", "direct"],
  ])("%s becomes %s", (url, masked) => {
    expect(maskUrl(url)).toBe(masked);
  });

  it("never shows the password, whatever it is made of", () => {
    const password = fc.string({ minLength: 1 }).map((text) => `zq${text}qz`);
    fc.assert(
      fc.property(password, fc.constantFrom("smtp", "redis", "postgresql", "imaps"), (pass, scheme) => {
        expect(maskUrl(`${scheme}://user:${pass}@host.example:1/x`)).not.toMatch(/zq|qz/);
        expect(shownSecret(`${scheme}://user:${pass}@host.example:1/x`)).not.toMatch(/zq|qz/);
        expect(shownSecret(pass)).not.toContain(pass);
      }),
    );
  });
});

describe("a route's url", () => {
  const relay = {
    kind: "relay",
    host: "mail.example",
    implicitTls: false,
    user: null,
    pass: null,
    lmtp: false,
  };

  it.each([
    ["smtp://mail.example", { ...relay, port: 25 }],
    ["smtp://mail.example:2525/", { ...relay, port: 2525 }],
    ["smtp://u:p@mail.example", { ...relay, port: 587, user: "u", pass: "p" }],
    ["smtp://a%40b:p%3A%2F%25@mail.example:25", { ...relay, port: 25, user: "a@b", pass: "p:/%" }],
    ["smtps://u:p@mail.example", { ...relay, port: 465, implicitTls: true, user: "u", pass: "p" }],
    ["lmtp://mail.example", { ...relay, port: 24, lmtp: true }],
    ["smtp://[2001:db8::1]:25", { ...relay, host: "2001:db8::1", port: 25 }],
    ["smtp://127.0.0.1:1025", { ...relay, host: "127.0.0.1", port: 1025 }],
    ["smtp://mail_relay", { ...relay, host: "mail_relay", port: 25 }],
    ["smtp://bücher.example", { ...relay, host: "xn--bcher-kva.example", port: 25 }],
    ["direct", { kind: "direct", port: 25 }],
  ])("%s is taken apart", (text, parts) => {
    expect(target(text)).toEqual(parts);
  });

  it.each([
    ["http://mail.example", /not known/],
    ["mail.example:25", /does not begin with smtp:\/\//],
    ["smtp://", /URL|host/],
    ["smtp://mail.example/path", /behind the host/],
    ["smtp://mail.example?x=1", /behind the host/],
    ["smtp://user@mail.example", /go together/],
    ["smtp://u:100%@mail.example", /%25/],
    ["smtp://u:p/w@mail.example", /%2F/],
    ["smtp://u:12/w@mail.example", /%2F/],
    ["smtp://mail.example:0", /port 0/],
    ["smtp://mail.example:70000", /URL/],
    ["smtp://300.1.1.1", /host/],
    ["Direct", /does not begin/],
  ])("%s is refused", (text, why) => {
    expect(target(text)).toMatch(why);
  });

  it("gives back any user and password that was percent-encoded", () => {
    const word = fc.string({ minLength: 1 });
    fc.assert(
      fc.property(word, word, (user, pass) => {
        const url = `smtp://${encodeURIComponent(user)}:${encodeURIComponent(pass)}@mail.example`;
        expect(target(url)).toMatchObject({ user, pass });
      }),
    );
  });
});

it("a host is an address or a name, and loopback is what never leaves the machine", () => {
  for (const host of ["localhost", "a.b", "10.0.0.1", "::1", "a_b", "mail.example."])
    expect(isHost(host)).toBe(true);
  for (const host of ["", "-a.b", "a..b", "1.2.3", "a b", "a/b", "300.0.0.1"])
    expect(isHost(host)).toBe(false);
  for (const host of ["localhost", "LOCALHOST.", "x.localhost", "127.9.0.1", "::1"])
    expect(isLoopback(host)).toBe(true);
  for (const host of ["127.example", "mylocalhost", "10.0.0.1", "::"]) expect(isLoopback(host)).toBe(false);
});
