// Facts of the installation: the secret that signs tokens, made once and kept with the data that it protects.
import { randomBytes } from "node:crypto";
import type { Database, Tx } from "../database/database.ts";

/** The installation's signing secret; made at the first call. 64 hex characters. */
export async function signingSecret(db: Database): Promise<string> {
  const key = "secret";
  const ask = async (on: Tx) => {
    const [row] = await on.$queryRawUnsafe<{ value: string }[]>(
      "SELECT value FROM setting WHERE key = ?",
      key,
    );
    return row?.value ?? null;
  };
  const known = await ask(db.read);
  if (known !== null) return known;
  return db.write(async (tx) => {
    await tx.$executeRawUnsafe(
      "INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING",
      key,
      randomBytes(32).toString("hex"),
    );
    const made = await ask(tx);
    if (made === null) throw new Error("The installation's secret cannot be written.");
    return made;
  });
}
