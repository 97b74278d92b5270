// A webhook intake that is called as the HTTP server calls it, by a service that a test plays.
import { createWebhookIntake, type WebhookIntake } from "../../../src/adapters/intake/webhook.ts";
import type { PostAnswer, PostHandler } from "../../../src/adapters/observe/http.ts";
import { type Basket, basket } from "../../world/bookmarks.ts";
import { createTestClock, type TestClock } from "../../world/clock.ts";
import type { Call, PlayedService } from "./mail-services.ts";

export interface Door extends Basket {
  intake: WebhookIntake;
  clock: TestClock;
  routes: Map<string, PostHandler>;
  post(call: Call): Promise<PostAnswer>;
}

export async function door(service: PlayedService, bring: Basket = basket()): Promise<Door> {
  const routes = new Map<string, PostHandler>();
  // Amazon's certificate was made now.
  const clock = createTestClock(Date.now());
  const { fetchText } = service;
  const intake = createWebhookIntake({
    ...{ provider: service.name, secret: service.secret, routes, clock },
    ...(fetchText === undefined ? {} : { fetchText }),
  });
  await intake.start(bring.deliver);
  const post = async ({ headers, body }: Call) => {
    const handler = routes.get(`/webhooks/${service.name}`);
    if (handler === undefined) throw new Error("nobody answers there");
    return handler.admit(headers) ?? handler.answer(headers, body);
  };
  return { ...bring, intake, clock, routes, post };
}
