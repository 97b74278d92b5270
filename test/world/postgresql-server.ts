// One PostgreSQL server for a test file, started when a test first needs it; and the loud reason when there can be none.
import { afterAll } from "vitest";
import { postgresMissing } from "./service-binaries.ts";
import { type PostgresService, postgresService } from "./services.ts";

export const withoutPostgres = postgresMissing();
if (withoutPostgres !== null) console.warn(`Without PostgreSQL some tests are skipped: ${withoutPostgres}`);

let service: Promise<PostgresService> | null = null;

/** To be called once in a file that uses `postgresServer`. */
export function endServerAfterAll(): void {
  afterAll(async () => (await service)?.end());
}

export function postgresServer(): Promise<PostgresService> {
  service ??= postgresService();
  return service;
}
