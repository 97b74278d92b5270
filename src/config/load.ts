// Finds and reads the configuration: which file it is, and that the environment goes before it.
import { existsSync } from "node:fs";
import path from "node:path";
import { collect } from "./collect.ts";
import { assemble, type Config } from "./config.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { throwProblems } from "./problems.ts";
import { SCHEMA } from "./schema.ts";
import { readTomlFile } from "./toml.ts";

const USUAL_FILE = "bellwether.toml";

/**
 * The configuration of this run. The file is `file` (the option --config), else BELLWETHER_CONFIG, else
 * bellwether.toml in `cwd` if it is there. Throws `file-unreadable`, `config-syntax`, `config-unknown-key` or
 * `config-value`, with everything that is wrong in one error.
 */
export function loadConfig({
  cwd,
  file,
  env,
}: {
  cwd: string;
  file?: string | undefined;
  env: Environment;
}): Config {
  const named = file ?? (env.BELLWETHER_CONFIG?.trim() || undefined);
  const name = named ?? USUAL_FILE;
  const absolute = path.resolve(cwd, name);
  const present = named !== undefined || existsSync(absolute);
  const { table, lineOf } = present
    ? readTomlFile(absolute, name, "config-syntax")
    : { table: {}, lineOf: () => null };

  const directory = present ? path.dirname(absolute) : path.resolve(cwd);
  const { variables, problems: inEnvironment } = readEnvironment(env, SCHEMA, directory);
  const read = collect(SCHEMA, { name, table, lineOf, variables, directory });
  const { config, problems } = assemble(read, { file: present ? absolute : null, name, directory });
  throwProblems([...problems, ...inEnvironment], {
    subject: "the configuration",
    docs: "docs/configuration.md",
  });
  return config;
}
