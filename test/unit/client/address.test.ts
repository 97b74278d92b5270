import { describe, expect, it } from "vitest";
import { parseAddress, readAddress } from "../../../src/client/address.ts";
import { BellwetherError } from "../../../src/errors.ts";
import fc from "../../world/property.ts";

describe("an address", () => {
  it.each([
    ["anna@example.com", "anna@example.com", "anna@example.com"],
    ["  Anna.Dupont@Example.COM\t", "Anna.Dupont@example.com", "anna.dupont@example.com"],
    ["o'neil+tag@mail.example.co.uk", "o'neil+tag@mail.example.co.uk", "o'neil+tag@mail.example.co.uk"],
    ["anna@BÜCHER.example", "anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"],
    ["anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"],
    ["anna@例え。jp", "anna@xn--r8jz45g.jp", "anna@xn--r8jz45g.jp"],
  ])("%j keeps its local part and gets an ASCII domain", (text, address, key) => {
    expect(parseAddress(text)).toEqual({ address, key, domain: address.split("@")[1], ascii: true });
  });

  it("with letters beyond ASCII before the @ needs SMTPUTF8, and its key is composed and lower case", () => {
    const decomposed = parseAddress("E\u0301lodie@example.fr");
    expect(decomposed).toMatchObject({
      ascii: false,
      key: "\u00e9lodie@example.fr",
      address: "E\u0301lodie@example.fr",
    });
    expect(parseAddress("\u00c9LODIE@Example.fr").key).toBe(decomposed.key);
  });

  it.each([
    ["", "it is empty"],
    ["anna.example.com", "no @"],
    ["anna@b@example.com", "more than one @"],
    ["@example.com", "nothing stands before the @"],
    ["anna@", "nothing stands after the @"],
    ["anna dupont@example.com", "blank"],
    ["anna@example.com\r\nRCPT TO:<x@example.org>", "invisible character U+000D"],
    ["anna\u0000@example.com", "U+0000"],
    ["anna\u200b@example.com", "U+200B"],
    ["anna\ud800@example.com", "U+D800"],
    ["anna\u2028@example.com", "U+2028"],
    ["Anna<anna@example.com>", "angle bracket"],
    ["anna@example.com,bob@example.com", "comma"],
    ["anna@example.com;bob", "semicolon"],
    ['"anna.d"@example.com', "quoted addresses are not taken"],
    ["an(na)@example.com", '"(" may not stand before the @'],
    ["an\\na@example.com", "may not stand before the @"],
    ["ann\uff1ca@example.com", "look-alike"],
    [".anna@example.com", "begins with a dot"],
    ["anna.@example.com", "dot right before the @"],
    ["an..na@example.com", "two dots in a row before"],
    [`${"a".repeat(65)}@example.com`, "longer than 64 octets"],
    [`${"é".repeat(33)}@example.com`, "longer than 64 octets"],
    [`${"a".repeat(64)}@${`${"b".repeat(61)}.`.repeat(3)}example.com`, "longer than 254 octets"],
    ["anna@localhost", "no dot"],
    ["anna@example.com.", "ends with a dot"],
    ["anna@example..com", "two dots in a row"],
    ["anna@.example.com", "begins with one"],
    ["anna@-example.com", "hyphen"],
    ["anna@example-.com", "hyphen"],
    ["anna@exa_mple.com", '"_" may not stand in a domain'],
    ["anna@ex%61mple.com", '"%" may not stand in a domain'],
    [`anna@${"b".repeat(64)}.com`, "longer than 63"],
    ["anna@192.0.2.1", "ends in a number"],
    ["anna@[192.0.2.1]", "bare IP address"],
    ["anna@xn--a.com", "IDNA"],
  ])("%j is refused because: %s", (text, reason) => {
    expect(readAddress(text)).toContain(reason);
    expect(() => parseAddress(text)).toThrow(BellwetherError);
  });

  it("of exactly 64 + 1 + 189 octets is the longest that is taken", () => {
    const domain = `${"b".repeat(61)}.${"c".repeat(61)}.${"d".repeat(61)}.fr`;
    expect(`${"a".repeat(64)}@${domain}`).toHaveLength(253);
    expect(typeof readAddress(`${"a".repeat(64)}@e${domain.slice(1)}`)).toBe("object");
    expect(typeof readAddress(`${"a".repeat(64)}@e${domain}`)).toBe("object");
    expect(typeof readAddress(`${"a".repeat(64)}@ee${domain}`)).toBe("string");
  });

  it("that is taken can never end a command or begin another recipient, whatever the text was", () => {
    const piece = fc.oneof(
      fc.string({ unit: "binary", maxLength: 6 }),
      fc.constantFrom("@", ".", "example.com", "\r\n", "<", ">", ",", " ", '"', "é", "a", "＠", "xn--"),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const parsed = readAddress(pieces.join(""));
        if (typeof parsed === "string") return;
        expect(parsed.address).not.toMatch(/[\s<>,;:"()[\]\\\p{Cc}]/u);
        expect(parsed.address.split("@")).toHaveLength(2);
        expect(parsed.domain).toMatch(/^[a-z0-9.-]+$/);
        expect(readAddress(parsed.address)).toEqual(parsed);
        expect(readAddress(parsed.key)).toMatchObject({ key: parsed.key });
      }),
    );
  });
});
