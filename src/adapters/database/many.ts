// Statements for many rows at once, made from a list of columns: what changes a row by its id, what adds rows.
import type { ManyStatement } from "./database.ts";

/** PostgreSQL's name of what a column holds; SQLite takes what it is given. */
type ColumnType = "int" | "text" | "timestamp" | "bool";
export type Columns = readonly (readonly [name: string, type: ColumnType])[];

/** Sets these columns of the rows with these ids. */
export function updateById(table: string, columns: Columns): ManyStatement {
  return updateBy(table, ["id", "int"], columns);
}

/** The same by another column that names one row. */
export function updateBy(table: string, by: Columns[number], columns: Columns): ManyStatement {
  const [key] = by;
  return {
    sqlite: `UPDATE ${table} SET ${columns.map(([name]) => `${name} = :${name}`).join(", ")} WHERE ${key} = :${key}`,
    postgresql: `UPDATE ${table} SET ${columns.map(([name]) => `${name} = s.${name}`).join(", ")}
      FROM ${recordset([by, ...columns])} WHERE ${table}.${key} = s.${key}`,
  };
}

/** `tail`: ON CONFLICT, RETURNING. */
export function insertInto(table: string, columns: Columns, tail = ""): ManyStatement {
  const names = columns.map(([name]) => name);
  return {
    sqlite: `INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map((name) => `:${name}`).join(", ")}) ${tail}`,
    postgresql: `INSERT INTO ${table} (${names.join(", ")})
      SELECT ${names.map((name) => `s.${name}`).join(", ")} FROM ${recordset(columns)} ${tail}`,
  };
}

/** The rows of a statement on PostgreSQL, as `s`. */
export function recordset(columns: Columns): string {
  return `jsonb_to_recordset(CAST(? AS jsonb)) AS s(${columns.map(([name, type]) => `${name} ${type}`).join(", ")})`;
}
