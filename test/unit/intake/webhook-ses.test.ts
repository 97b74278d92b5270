import { describe, expect, it } from "vitest";
import { CERTIFICATE_URL, playSes, TOPIC_ARN } from "./mail-service-ses.ts";
import { door } from "./webhook-door.ts";

describe("Amazon SES", () => {
  const notice = (nowMs: number, more: Record<string, string> = {}) => ({
    Type: "Notification",
    MessageId: "1",
    TopicArn: TOPIC_ARN,
    Message: JSON.stringify(playSes().events.bounced),
    Timestamp: new Date(nowMs).toISOString(),
    ...more,
  });

  it("is heard with signatures of version 1 and 2, with and without a subject; the certificate is fetched once", async () => {
    const service = playSes();
    const { post, clock } = await door(service);
    for (const version of ["1", "2"] as const)
      for (const more of [{}, { Subject: "s" }])
        expect((await post(service.sns(notice(clock.now(), more), service.key, version))).status).toBe(200);
    expect(service.fetched).toEqual([CERTIFICATE_URL]);
  });

  it.each([
    "https://sns.eu-west-1.amazonaws.com.example.org/SimpleNotificationService-0123.pem",
    "https://example.org/SimpleNotificationService-0123.pem",
    "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem",
    "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123.pem",
    "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0123.pem",
    "https://user@sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem",
    "https://sns.eu-west-1.amazonaws.com/bucket/SimpleNotificationService-0123.pem",
    "https://s3.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem",
    "",
  ])("is not believed with a certificate from %j, and nothing is fetched there", async (SigningCertURL) => {
    const service = playSes();
    const { post, clock } = await door(service);
    expect((await post(service.sns(notice(clock.now(), { SigningCertURL })))).status).toBe(401);
    expect(service.fetched).toEqual([]);
  });

  it("is asked to try again when its certificate cannot be had", async () => {
    const service = playSes();
    const fetchText = async () => Promise.reject(new Error("no network"));
    const { post, clock } = await door({ ...service, fetchText });
    expect((await post(service.sns(notice(clock.now())))).status).toBe(503);
  });

  it("has the subscription of our topic confirmed, and of no other, at Amazon's address alone", async () => {
    const service = playSes();
    const { post, clock, brought } = await door(service);
    const confirm = (more: Record<string, string>) =>
      post(
        service.sns({
          ...notice(clock.now(), {
            Type: "SubscriptionConfirmation",
            Message: "You have chosen",
            Token: "t",
          }),
          SubscribeURL: `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${TOPIC_ARN}&Token=t`,
          ...more,
        }),
      );
    expect((await confirm({})).status).toBe(200);
    expect(service.fetched).toEqual([CERTIFICATE_URL, expect.stringContaining("Action=ConfirmSubscription")]);
    expect((await confirm({ TopicArn: TOPIC_ARN.replace("bellwether", "other") })).status).toBe(403);
    expect((await confirm({ SubscribeURL: "https://example.org/?Action=ConfirmSubscription" })).status).toBe(
      503,
    );
    expect(service.fetched).toHaveLength(2);
    expect(brought).toEqual([]);
  });

  it("says so when raw message delivery is on", async () => {
    const service = playSes();
    const { post, intake } = await door(service);
    const headers = { "content-type": "text/plain", "x-amz-sns-rawdelivery": "true" };
    expect((await post({ headers, body: Buffer.from("{}") })).status).toBe(401);
    expect(intake.health().trouble).toContain("raw message delivery is on");
  });

  it("has no complaint in a mail that it did not send because of one, nor in one taken out of the spam folder", async () => {
    const service = playSes();
    const { post, clock, brought } = await door(service);
    const complaint = (more: object) => {
      const event = service.events.complained as { complaint: object };
      return post(service.call([{ ...event, complaint: { ...event.complaint, ...more } }], clock.now()));
    };
    await complaint({ complaintSubType: "OnAccountSuppressionList" });
    await complaint({ complaintFeedbackType: "not-spam" });
    expect(brought.map(({ report }) => report.recipients[0]?.classification?.reason)).toEqual([
      "suppressed-by-relay",
    ]);
  });
});
