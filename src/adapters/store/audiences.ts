// Audiences on SQLite: raw statements, row by row with bound values; duplicates are told apart by the unique row hash.

import type { AudienceStore, ImportSummary, StoredClient } from "../../client/audience-store.ts";
import type { ClientRow as ReadRow } from "../../client/import.ts";
import { type Database, type ManyStatement, sqlTime, type Tx } from "../database/database.ts";
import { insertInto } from "../database/many.ts";
import { readRefused } from "./refused-rows.ts";

/** Rows deleted in one transaction. */
const CHUNK = 5_000;
/** An import that was not finished after so long was abandoned. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

type ClientRow = Omit<StoredClient, "attributes"> & { attributes: string };
const CLIENT_COLUMNS = "line, address, key, domain, name, locale, timezone, account, attributes";
const ADD_CLIENTS = insertInto(
  "client",
  [
    ["import_id", "int"],
    ["hash", "text"],
    ["line", "int"],
    ["address", "text"],
    ["key", "text"],
    ["domain", "text"],
    ["name", "text"],
    ["locale", "text"],
    ["timezone", "text"],
    ["account", "text"],
    ["attributes", "text"],
  ],
  "ON CONFLICT (import_id, hash) DO NOTHING",
);
// "column" and "value" are words of SQL in one place or the other.
const ADD_REFUSED: ManyStatement = {
  sqlite: `INSERT INTO refused_row (import_id, line, column_name, value, reason)
    VALUES (:import_id, :line, :column, :value, :reason) ON CONFLICT (import_id, line) DO NOTHING`,
  postgresql: `INSERT INTO refused_row (import_id, line, column_name, value, reason)
    SELECT s.import_id, s.line, s."column", s."value", s.reason
    FROM jsonb_to_recordset(CAST(? AS jsonb))
      AS s(import_id int, line int, "column" text, "value" text, reason text)
    ON CONFLICT (import_id, line) DO NOTHING`,
};
const SUMMARY_COLUMNS = "accepted, duplicates, unreachable, rejected";

export function createAudienceStore(db: Database): AudienceStore {
  const ask = <Row>(sql: string, ...values: unknown[]) => db.read.$queryRawUnsafe<Row[]>(sql, ...values);

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
    await db.write((tx) => tx.$executeRawUnsafe("DELETE FROM import WHERE id = ?", importId));
  }

  return {
    begin: async ({ path, sha256, columns }) => {
      const abandoned = await ask<{ id: number }>(
        "SELECT id FROM import WHERE state = 'reading' AND created_at < ?",
        sqlTime(db.now() - ABANDONED_MS),
      );
      for (const { id } of abandoned) await discard(id);
      const [row] = await db.write((tx) =>
        tx.$queryRawUnsafe<{ id: number }[]>(
          "INSERT INTO import (file, sha256, columns, created_at) VALUES (?, ?, ?, ?) RETURNING id",
          path,
          sha256,
          JSON.stringify(columns),
          sqlTime(db.now()),
        ),
      );
      if (row === undefined) throw new Error("The import was not written.");
      return row.id;
    },

    add: (importId, { rows, refused }) =>
      db.write(async (tx) => {
        await tx.many(ADD_CLIENTS, clientRows(importId, rows));
        await tx.many(
          ADD_REFUSED,
          refused.map((row) => ({ ...row, import_id: importId })),
        );
        await tx.$executeRawUnsafe(
          // What of them was there before is known at the end.
          "UPDATE import SET duplicates = duplicates + ?, rejected = rejected + ? WHERE id = ?",
          rows.length,
          refused.length,
          importId,
        );
      }),

    finish: (importId) =>
      db.write(async (tx) => {
        await tx.$executeRawUnsafe(
          `UPDATE import SET state = 'ready',
             accepted = (SELECT count(*) FROM client WHERE import_id = import.id AND key > ''),
             unreachable = (SELECT count(*) FROM client WHERE import_id = import.id AND key IS NULL)
           WHERE id = ?`,
          importId,
        );
        await tx.$executeRawUnsafe(
          "UPDATE import SET duplicates = duplicates - accepted - unreachable WHERE id = ?",
          importId,
        );
        return summaryOf(tx, importId, SUMMARY_COLUMNS);
      }),

    discard,

    findReady: async (sha256) => {
      const [row] = await ask<{ id: number }>(
        "SELECT id FROM import WHERE sha256 = ? AND state = 'ready' ORDER BY id DESC LIMIT 1",
        sha256,
      );
      return row?.id ?? null;
    },

    summary: async (importId) => {
      const row = await summaryOf<ImportSummary & { columns: string }>(
        db.read,
        importId,
        `${SUMMARY_COLUMNS}, columns`,
      );
      return { ...row, columns: JSON.parse(row.columns) };
    },

    refused: (importId, afterLine, limit) => readRefused(db.read, { importId, afterLine, limit }),

    name: async (audience, importId) => {
      await db.write((tx) =>
        tx.$executeRawUnsafe(
          `INSERT INTO audience (name, import_id, created_at) VALUES (?, ?, ?)
           ON CONFLICT (name) DO UPDATE SET import_id = excluded.import_id`,
          audience,
          importId,
          sqlTime(db.now()),
        ),
      );
    },

    named: async (audience) => {
      const [row] = await ask<{ import_id: number | null }>(
        "SELECT import_id FROM audience WHERE name = ?",
        audience,
      );
      return row?.import_id ?? null;
    },

    of: async (importId, key) => {
      const rows = await ask<ClientRow>(
        `SELECT ${CLIENT_COLUMNS} FROM client WHERE import_id = ? AND key = ? ORDER BY line`,
        importId,
        key,
      );
      return rows.map(toClient);
    },

    page: async (importId, afterKey, keys) => {
      const rows = await ask<ClientRow>(
        `SELECT ${CLIENT_COLUMNS} FROM client
         WHERE import_id = ? AND key > ? AND key <= coalesce(
           (SELECT max(key) FROM (SELECT DISTINCT key FROM client WHERE import_id = ? AND key > ? ORDER BY key LIMIT ?) AS page), '')
         ORDER BY key, line`,
        importId,
        afterKey,
        importId,
        afterKey,
        keys,
      );
      return rows.map(toClient);
    },
  };
}

/** One at a time: a copy of each row of a chunk would live long enough to be kept by the garbage collector. */
function* clientRows(importId: number, rows: readonly ReadRow[]): Generator<object> {
  for (const row of rows) yield { ...row, import_id: importId, attributes: JSON.stringify(row.attributes) };
}

async function summaryOf<Row = ImportSummary>(tx: Tx, importId: number, columns: string): Promise<Row> {
  const [row] = await tx.$queryRawUnsafe<Row[]>(`SELECT ${columns} FROM import WHERE id = ?`, importId);
  if (row === undefined) throw new Error(`There is no import ${importId}.`);
  return row;
}

function toClient(row: ClientRow): StoredClient {
  return { ...row, attributes: JSON.parse(row.attributes) };
}
