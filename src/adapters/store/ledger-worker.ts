// The thread behind ledger-thread.ts: a ledger on connections of its own, answering in the order of its transactions.
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../clock.ts";
import { BellwetherError } from "../../errors.ts";
import { openSqlite } from "../database/sqlite.ts";
import { createLedger } from "./ledger.ts";
import type { Answer, Request, ThreadSetup } from "./ledger-thread.ts";

const { file, config } = workerData as ThreadSetup;
const port = parentPort;
if (port === null) throw new Error("ledger-worker.ts is the entry of a thread.");

let nowMs = Date.now();
const db = await openSqlite({ file, clock: { ...systemClock, now: () => nowMs } });
const ledger = createLedger(db, config);

port.on("message", (request: Request) => {
  nowMs = request.nowMs;
  answer(request).then(
    (message) => port.postMessage(message),
    (error: unknown) => port.postMessage({ id: request.id, error: plain(error) } satisfies Answer),
  );
});

async function answer({ id, method, argument }: Request): Promise<Answer> {
  if (method === "close") {
    await db.close();
    return { id, result: undefined };
  }
  const work = ledger[method] as (given: unknown) => Promise<unknown>;
  return { id, result: await work(argument) };
}

function plain(error: unknown): { message: string; code?: string; hint?: string } {
  if (error instanceof BellwetherError) {
    const { message, code, hint } = error;
    return { message, code, hint };
  }
  return { message: error instanceof Error ? error.message : String(error) };
}
