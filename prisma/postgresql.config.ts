import path from "node:path";
import { defineConfig } from "prisma/config";

// `prisma generate` only wants to see that the schema engine is there; it does not run it. Where the engine could
// not be downloaded (an offline build) the Node binary stands in, and generating still works.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

export default defineConfig({
  schema: path.join(import.meta.dirname, "postgresql"),
  migrations: { path: path.join(import.meta.dirname, "postgresql", "migrations") },
  datasource: { url: process.env.BELLWETHER_DATABASE_URL ?? "postgresql://localhost/bellwether" },
});
