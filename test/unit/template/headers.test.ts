import { describe, expect, it } from "vitest";
import { notificationHeaders } from "../../../src/template/headers.ts";

const BASE = {
  templateClass: "service" as const,
  campaignId: "c42",
  deliveryToken: "tok/en+1",
  feedback: { customer: "example", sender: "examplehost" },
  unsubscribeUrl: "https://example.com/u/{token}",
};
const of = (part: Partial<Parameters<typeof notificationHeaders>[0]>) =>
  Object.fromEntries(notificationHeaders({ ...BASE, ...part }));

describe("the headers of a notice", () => {
  it("offer one click to unsubscribe where the class allows it, with the token in the address", () => {
    for (const templateClass of ["service", "optional"] as const)
      expect(of({ templateClass })).toMatchObject({
        "List-Unsubscribe": "<https://example.com/u/tok%2Fen%2B1>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
      });
  });

  it("offer nothing to unsubscribe when everybody must be reached", () => {
    const names = Object.keys(
      of({ templateClass: "required", unsubscribeMail: "u@example.com", listDomain: "example.com" }),
    );
    expect(names.filter((name) => name.startsWith("List-"))).toEqual([]);
  });

  it.each([
    ["plain http", { unsubscribeUrl: "http://example.com/u/{token}" }, true],
    ["an address that does not say whom", { unsubscribeUrl: "https://example.com/u" }, true],
    ["a preview without a token", { deliveryToken: undefined }, false],
    ["nothing configured", { unsubscribeUrl: "" }, false],
  ])("promise no one-click for %s", (_, part, offered) => {
    const headers = of(part as Partial<typeof BASE>);
    expect(headers["List-Unsubscribe-Post"]).toBeUndefined();
    expect(headers["List-Unsubscribe"] !== undefined).toBe(offered);
  });

  it("name the mail address beside the web address", () => {
    expect(of({ unsubscribeMail: "u+{token}@example.com", deliveryToken: "t1" })["List-Unsubscribe"]).toBe(
      "<https://example.com/u/t1>, <mailto:u+t1@example.com>",
    );
  });

  it("have a Feedback-ID that is the same for every recipient, with a sender of 5 to 15 characters", () => {
    const one = of({ deliveryToken: "a" })["Feedback-ID"];
    expect(one).toBe(of({ deliveryToken: "b" })["Feedback-ID"]);
    expect(one).toBe("c42:example:service:examplehost");
    expect(of({ feedback: { customer: "a:b\r\nc", sender: "x" } })["Feedback-ID"]).toBe(
      "c42:a-b-c:service:x0000",
    );
    expect(
      of({ feedback: { customer: "a", sender: "s".repeat(40) } })["Feedback-ID"]?.split(":")[3],
    ).toHaveLength(15);
  });

  it("silence answering machines but not the reports that we live by", () => {
    const headers = of({});
    expect(headers["Auto-Submitted"]).toBe("auto-generated");
    const suppressed = headers["X-Auto-Response-Suppress"]?.split(", ");
    expect(suppressed).toEqual(expect.arrayContaining(["OOF", "AutoReply"]));
    expect(suppressed).not.toEqual(expect.arrayContaining(["All"]));
    expect(suppressed).not.toEqual(expect.arrayContaining(["NDR"]));
    expect(suppressed).not.toEqual(expect.arrayContaining(["DR"]));
    expect(headers["X-Bellwether-Delivery"]).toBe("tok/en+1");
  });

  it("refuse an unsubscribe address that would end its own header", () => {
    expect(() => of({ unsubscribeUrl: "https://example.com/>\r\nBcc: x@example.com" })).toThrow(
      expect.objectContaining({ code: "config-value" }),
    );
  });
});
