// Facts of the installation: the secret that signs tokens, made once and kept with the data that it protects.
import { randomBytes } from "node:crypto";
import type { Database } from "../database/sqlite.ts";

/** The installation's signing secret; made at the first call. 64 hex characters. */
export async function signingSecret(db: Database): Promise<string> {
  const key = "secret";
  const known = await db.read.setting.findUnique({ where: { key } });
  if (known !== null) return known.value;
  return db.write(async (tx) => {
    await tx.$executeRawUnsafe(
      "INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING",
      key,
      randomBytes(32).toString("hex"),
    );
    return (await tx.setting.findUniqueOrThrow({ where: { key } })).value;
  });
}
