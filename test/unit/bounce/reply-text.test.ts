// How a reply is read before any rule sees it.
import { describe, expect, it } from "vitest";
import { readReply } from "../../../src/bounce/reply-text.ts";

describe("reading a reply", () => {
  it("joins the lines and keeps the codes once", () => {
    const reply = readReply(
      "550-5.7.1 [192.0.2.1] Our system has\r\n550-5.7.1 detected that\r\n550 5.7.1 this message",
    );
    expect(reply.folded).toBe("550 5.7.1 [192.0.2.1] our system has detected that this message");
    expect(reply).toMatchObject({ code: 550, enhanced: "5.7.1", replyClass: 5, phase: null, quoted: false });
  });

  it("joins lines without enhanced codes", () => {
    expect(readReply("554-Rejected because\n554-of a list\n554 see there").folded).toBe(
      "554 rejected because of a list see there",
    );
  });

  it("keeps what a line says with another enhanced code", () => {
    expect(readReply("550-5.1.1 first\n550 5.7.1 second").folded).toBe("550 5.1.1 first 5.7.1 second");
  });

  it("undoes the prefixes that relays leave in mid text", () => {
    expect(
      readReply(
        "421 4.7.28 unusual rate of mail originating 421-4.7.28 from your address. 421 4.7.28 - gsmtp",
      ).folded,
    ).toBe("421 4.7.28 unusual rate of mail originating from your address. - gsmtp");
    expect(readReply("550-Rejected 550-for good  550 and all").folded).toBe("550 rejected for good and all");
  });

  it("leaves numbers alone that only look like the code", () => {
    expect(readReply("550 5.1.1 order 550 units").folded).toBe("550 5.1.1 order 550 units");
    expect(readReply("550 see 192.0.2.1").enhanced).toBeNull();
    expect(readReply("421 4.7.0 deferred - 4.16.55.1; see").enhanced).toBe("4.7.0");
    expect(readReply("554 mail from 5.7.1.9 refused").enhanced).toBeNull();
  });

  it("finds codes behind what relays write in front", () => {
    expect(readReply("smtp; 550 5.1.1 no such user")).toMatchObject({ code: 550, enhanced: "5.1.1" });
    expect(
      readReply("host mx.example.com[192.0.2.1] said: 451 4.7.1 later (in reply to RCPT TO command)"),
    ).toMatchObject({
      code: 451,
      enhanced: "4.7.1",
      phase: "rcpt",
      quoted: true,
    });
    expect(readReply("5.2.3 Message too large")).toMatchObject({
      code: null,
      enhanced: "5.2.3",
      replyClass: 5,
    });
    expect(readReply("X-Unix; 255")).toMatchObject({ code: 255, enhanced: null, replyClass: null });
  });

  it.each([
    ["(in reply to MAIL FROM command)", "mail"],
    ["(in reply to end of DATA command)", "dot"],
    ["(in reply to DATA command)", "data"],
    ["(in reply to EHLO command)", "ehlo"],
    ["(in reply to AUTH command)", "auth"],
    ["(in reply to the king)", null],
  ])("reads the phase from %s", (suffix, phase) => {
    expect(readReply(`550 no ${suffix}`).phase).toBe(phase);
  });

  it("writes addresses as @ so that their words are not taken for the reply's", () => {
    expect(readReply("550 <spam.quota@virus.example>: gone").folded).toBe("550 <@>: gone");
  });

  it("folds accents and quotes", () => {
    expect(readReply('550 Boîte archivée, it "doesn’t" exist').folded).toBe(
      "550 boite archivee, it 'doesn't' exist",
    );
  });

  it("looks at the first 4096 characters only", () => {
    expect(readReply(`550 ${"x".repeat(100_000)}`).folded.length).toBe(4096);
  });
});
