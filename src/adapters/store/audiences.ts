// Audiences on SQLite: rows go in by one statement a chunk, duplicates are told apart by the unique row hash.
import type { AudienceStore, StoredClient } from "../../client/audience-store.ts";
import type { Database } from "../database/sqlite.ts";

/** Rows deleted in one transaction. */
const CHUNK = 5_000;
/** An import that was not finished after so long was abandoned. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

export function createAudienceStore(db: Database): AudienceStore {
  async function discard(importId: number): Promise<void> {
    for (const table of ["client", "refused_row"]) {
      let gone = CHUNK;
      while (gone === CHUNK) {
        gone = await db.write((tx) =>
          tx.$executeRawUnsafe(
            `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE import_id = ? LIMIT ?)`,
            importId,
            CHUNK,
          ),
        );
      }
    }
    await db.write((tx) => tx.import.deleteMany({ where: { id: importId } }));
  }

  return {
    begin: async ({ path, sha256, columns }) => {
      const abandoned = await db.read.import.findMany({
        where: { state: "reading", createdAt: { lt: new Date(db.now() - ABANDONED_MS) } },
      });
      for (const { id } of abandoned) await discard(id);
      const row = await db.write((tx) =>
        tx.import.create({
          data: { file: path, sha256, columns: JSON.stringify(columns), createdAt: new Date(db.now()) },
        }),
      );
      return row.id;
    },

    add: (importId, chunk) =>
      db.write(async (tx) => {
        const added = await tx.$executeRawUnsafe(
          `INSERT INTO client (import_id, line, hash, address, key, domain, name, locale, timezone, account, attributes)
           SELECT ?, value->>'line', value->>'hash', value->>'address', value->>'key', value->>'domain',
             value->>'name', value->>'locale', value->>'timezone', value->>'account', value->>'attributes'
           FROM json_each(?) WHERE true ON CONFLICT (import_id, hash) DO NOTHING`,
          importId,
          JSON.stringify(chunk.rows.map((row) => ({ ...row, attributes: JSON.stringify(row.attributes) }))),
        );
        if (chunk.refused.length > 0) {
          await tx.$executeRawUnsafe(
            `INSERT INTO refused_row (import_id, line, column_name, value, reason)
             SELECT ?, value->>'line', value->>'column', value->>'value', value->>'reason'
             FROM json_each(?) WHERE true ON CONFLICT (import_id, line) DO NOTHING`,
            importId,
            JSON.stringify(chunk.refused),
          );
        }
        await tx.import.update({
          where: { id: importId },
          data: {
            duplicates: { increment: chunk.rows.length - added },
            rejected: { increment: chunk.refused.length },
          },
        });
      }),

    finish: (importId) =>
      db.write(async (tx) => {
        const [counts] = await tx.$queryRawUnsafe<{ accepted: bigint; unreachable: bigint }[]>(
          `SELECT (SELECT count(*) FROM client WHERE import_id = ? AND key > '') AS accepted,
                  (SELECT count(*) FROM client WHERE import_id = ? AND key IS NULL) AS unreachable`,
          importId,
          importId,
        );
        const accepted = Number(counts?.accepted ?? 0);
        const unreachable = Number(counts?.unreachable ?? 0);
        const row = await tx.import.update({
          where: { id: importId },
          data: { state: "ready", accepted, unreachable },
        });
        return { accepted, unreachable, duplicates: row.duplicates, rejected: row.rejected };
      }),

    discard,

    findReady: async (sha256) => {
      const row = await db.read.import.findFirst({
        where: { sha256, state: "ready" },
        orderBy: { id: "desc" },
      });
      return row?.id ?? null;
    },

    summary: async (importId) => {
      const row = await db.read.import.findUniqueOrThrow({ where: { id: importId } });
      const { accepted, duplicates, unreachable, rejected } = row;
      return { accepted, duplicates, unreachable, rejected, columns: JSON.parse(row.columns) };
    },

    refused: async (importId) => {
      const rows = await db.read.refusedRow.findMany({ where: { importId }, orderBy: { line: "asc" } });
      return rows.map(({ line, column, value, reason }) => ({ line, column, value, reason }));
    },

    name: async (audience, importId) => {
      await db.write((tx) =>
        tx.audience.upsert({
          where: { name: audience },
          create: { name: audience, importId },
          update: { importId },
        }),
      );
    },

    named: async (audience) =>
      (await db.read.audience.findUnique({ where: { name: audience } }))?.importId ?? null,

    of: async (importId, key) => {
      const rows = await db.read.client.findMany({ where: { importId, key }, orderBy: { line: "asc" } });
      return rows.map(({ hash: _, id: __, importId: ___, ...row }) => ({
        ...row,
        attributes: JSON.parse(row.attributes),
      }));
    },

    page: async (importId, afterKey, keys) => {
      const rows = await db.read.$queryRawUnsafe<
        (Omit<StoredClient, "attributes"> & { attributes: string })[]
      >(
        `SELECT line, address, key, domain, name, locale, timezone, account, attributes FROM client
         WHERE import_id = ? AND key > ? AND key <= coalesce(
           (SELECT max(key) FROM (SELECT DISTINCT key FROM client WHERE import_id = ? AND key > ? ORDER BY key LIMIT ?)), '')
         ORDER BY key, line`,
        importId,
        afterKey,
        importId,
        afterKey,
        keys,
      );
      return rows.map((row) => ({ ...row, attributes: JSON.parse(row.attributes) }));
    },
  };
}
