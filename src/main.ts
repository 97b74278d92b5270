#!/usr/bin/env node
// The command line: which commands there are and what they take. Each loads its own code only when it runs, so
// that --help answers at once.
import { Command, CommanderError } from "commander";
import { createIo, tellError } from "./cli/io.ts";
import { EXIT } from "./errors.ts";

const io = createIo(async (options) => (await import("./compose.ts")).openBellwether(options));
let exitCode: number = EXIT.done;

const program = new Command("bellwether")
  .description(
    "Tells clients about maintenance by mail, and stops by itself when a mailbox provider turns against it.",
  )
  .showHelpAfterError("(bellwether --help lists the commands)")
  .configureHelp({ sortSubcommands: false })
  .exitOverride();

type Options = Record<string, unknown> & { config?: string; json?: boolean };

function command(name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option("--config <file>", "configuration file (default: bellwether.toml here)");
}

function sub(group: Command, name: string, description: string): Command {
  return group
    .command(name)
    .description(description)
    .option("--config <file>", "configuration file (default: bellwether.toml here)");
}

/** Runs a command's work and remembers its exit code. */
function runs<A extends unknown[]>(work: (...args: A) => Promise<number>) {
  return async (...args: A): Promise<void> => {
    exitCode = await work(...args);
  };
}

const json = ["--json", "machine output on stdout"] as const;

command("serve", "drive this database until told to stop; without configuration a sandbox").action(
  runs(async (options: Options) => (await import("./cli/serve.ts")).serve(io, options)),
);
command("worker", "send as one of a cluster's workers until told to stop").action(
  runs(async (options: Options) => (await import("./cli/serve.ts")).worker(io, options)),
);
command("migrate", "bring the database to this program's version").action(
  runs(async (options: Options) => (await import("./cli/look.ts")).migrate(io, options)),
);
command("demo", "play the day that this program was made for, on simulated providers").action(
  runs(async () => (await import("./sandbox/demo.ts")).demo(io.open)),
);
command("send", "import, check, and send a campaign until it is done or held")
  .argument("<campaign.toml>")
  .option("--yes", "launch without asking")
  .option("--override <CODE=why>", "launch in spite of a finding, with a reason", collect, [])
  .option("--again <name>", "send a finished campaign once more, under another name")
  .option(...json)
  .action(
    runs(async (file: string, options: Options) => (await import("./cli/send.ts")).send(io, file, options)),
  );
command("check", "every check before a launch, and nothing else")
  .argument("<campaign.toml>")
  .option(...json)
  .action(
    runs(async (file: string, options: Options) => (await import("./cli/send.ts")).check(io, file, options)),
  );
command("import", "make a CSV file a named audience")
  .argument("<audience>")
  .argument("<file.csv>")
  .option(...json)
  .action(
    runs(async (name: string, file: string, options: Options) =>
      (await import("./cli/import.ts")).importAudience(io, name, file, options),
    ),
  );
command("preview", "write the mail that one client would get")
  .argument("<campaign.toml>")
  .requiredOption("--to <address>", "an address of the audience")
  .option("--out <folder>", "where to write it", ".")
  .option(...json)
  .action(
    runs(async (file: string, options: Options & { to: string }) =>
      (await import("./cli/preview.ts")).preview(io, file, options),
    ),
  );
command("status", "how far a campaign is")
  .argument("[campaign]", "id or name; the latest when left out")
  .option("--all", "list all campaigns")
  .option(...json)
  .action(
    runs(async (which: string | undefined, options: Options) =>
      (await import("./cli/look.ts")).status(io, which, options),
    ),
  );
command("pause", "pause a campaign; what is on the way is finished")
  .argument("[campaign]")
  .option(
    "--provider <id>",
    "only this provider's lane; without a campaign: this provider for every campaign",
  )
  .option(...json)
  .action(
    runs(async (which: string | undefined, options: Options) =>
      (await import("./cli/steer.ts")).pause(io, which, options),
    ),
  );
command("resume", "go on with whatever was paused, held or interrupted, to the end")
  .argument("[campaign]")
  .option("--provider <id>", "only this provider's lane, and the provider if a person holds it")
  .option("--organisation <domain>", "what this organisation's own rule refused, by its name")
  .option("--yes", "launch an interrupted draft, or try a refusing provider early, without asking")
  .option("--override <CODE=why>", "go on in spite of what DNS still shows, with a reason", collect, [])
  .option(...json)
  .action(
    runs(async (which: string | undefined, options: Options) =>
      (await import("./cli/resume.ts")).resume(io, which, options),
    ),
  );
command("revise", "send a corrected text from now on, to those who have not been told")
  .argument("<campaign.toml>")
  .option("--yes", "approve the new text without asking")
  .option("--again <name>", "the name under which the file was sent, if not its own")
  .option(...json)
  .action(
    runs(async (file: string, options: Options) =>
      (await import("./cli/revise.ts")).revise(io, file, options),
    ),
  );
command("cancel", "end a campaign; who was not told is listed by untold")
  .argument("[campaign]")
  .option(...json)
  .action(
    runs(async (which: string | undefined, options: Options) =>
      (await import("./cli/steer.ts")).cancel(io, which, options),
    ),
  );
command("stop", "stop everything, at once")
  .option(...json)
  .action(runs(async (options: Options) => (await import("./cli/steer.ts")).stop(io, options)));
command("report", "what came of a campaign")
  .argument("[campaign]")
  .option("--markdown", "its post-mortem as Markdown: the short version, then all to the minute")
  .option("--html", "the same as one HTML file")
  .option("--out <file>", "write the document there, not to stdout")
  .option("--incident <folder>", "make it a campaign that tells clients, ready to be read and sent")
  .option("--affected", "with --incident: only to those who were refused, told late, or not told")
  .option(...json)
  .action(
    runs(async (which: string | undefined, options: Options) =>
      (await import("./cli/look.ts")).report(io, which, options),
    ),
  );
command("untold", "everybody who has not got the notice, as CSV")
  .argument("[campaign]")
  .option("--follow-up <folder>", "write them as the audience of a new campaign file, into this folder")
  .option("--template <name>", "with --follow-up: another template than that of the campaign")
  .action(
    runs(async (which: string | undefined, options: Options) =>
      (await import("./cli/look.ts")).untold(io, which, options),
    ),
  );
command("uncertain", "mails of which nobody knows whether they arrived")
  .argument("[campaign]")
  .option("--resend", "send them once more")
  .option("--mark-sent", "count them as told")
  .option(...json)
  .action(
    runs(async (which: string | undefined, options: Options) =>
      (await import("./cli/look.ts")).uncertain(io, which, options),
    ),
  );
command("find", "what was this client told, when, and what did their provider say")
  .argument("<address|account>")
  .option(...json)
  .action(
    runs(async (text: string, options: Options) => (await import("./cli/look.ts")).find(io, text, options)),
  );
command("export", "the outcome log, JSON lines")
  .argument("[campaign]")
  .action(
    runs(async (which: string | undefined, options: Options) =>
      (await import("./cli/look.ts")).exportLog(io, which, options),
    ),
  );
command("replay", "an outcome log through the breaker: where it would have stopped")
  .argument("[events.jsonl]", 'a file, or "-" for standard input')
  .option("--explain", "what each detector costs: mails until it holds, and false alarms")
  .option(...json)
  .action(
    runs(async (file: string | undefined, options: Options) =>
      (await import("./cli/replay.ts")).replay(io, file, options),
    ),
  );
const suppressions = program
  .command("suppressions")
  .description("addresses that are not written to, and why");
const listed = () => import("./cli/suppressions.ts");
sub(suppressions, "list", "who is suppressed, since when and why")
  .argument("[address]", "only this one")
  .option("--all", "also those whose time is over")
  .option(...json)
  .action(
    runs(async (address: string | undefined, options: Options) =>
      (await listed()).list(io, address, options),
    ),
  );
sub(suppressions, "add", "write to an address no more")
  .argument("<address>")
  .option("--class <class>", "only mail of this class of templates: required, service or optional")
  .option("--note <why>", "why, for whoever asks later")
  .option(...json)
  .action(runs(async (address: string, options: Options) => (await listed()).add(io, address, options)));
sub(suppressions, "remove", "write to addresses again")
  .argument("<address...>")
  .option(...json)
  .action(
    runs(async (addresses: string[], options: Options) => (await listed()).remove(io, addresses, options)),
  );
sub(suppressions, "undo", "take back what a campaign has suppressed")
  .argument("[campaign]")
  .option("--provider <id>", "only what this provider said")
  .option(...json)
  .action(
    runs(async (which: string | undefined, options: Options) => (await listed()).undo(io, which, options)),
  );
sub(suppressions, "export", "all of them as CSV").action(
  runs(async (options: Options) => (await listed()).exportCsv(io, options)),
);

const bounces = program.command("bounces").description("what came back by report");
sub(bounces, "ingest", "read reports from mails, mboxes, folders or a pipe")
  .argument("<file...>", 'files, folders, or "-"')
  .option(...json)
  .action(
    runs(async (files: string[], options: Options) =>
      (await import("./cli/bounces.ts")).ingest(io, files, options),
    ),
  );
sub(bounces, "list", "the newest reports, and what each one did")
  .option("--unmatched", "only those that matched no delivery")
  .option("--limit <n>", "how many", "50")
  .option("--addresses", "with --json: addresses too")
  .option(...json)
  .action(runs(async (options: Options) => (await import("./cli/bounces.ts")).list(io, options)));

const alerts = program.command("alerts").description("what people were called for");
const alertCommands = () => import("./cli/alerts.ts");
sub(alerts, "list", "the newest alerts: who was told by which road, and who has answered")
  .option("--limit <n>", "how many", "20")
  .option(...json)
  .action(runs(async (options: Options) => (await alertCommands()).list(io, options)));
sub(alerts, "ack", "answer for an alert, so that nobody else is called")
  .argument("[id|all]", "its number; all that are open when left out", "all")
  .option("--as <name>", "who answers (default: your login)")
  .option(...json)
  .action(runs(async (which: string, options: Options) => (await alertCommands()).ack(io, which, options)));
sub(alerts, "test", "tell every road a test, and say what each answers")
  .option(...json)
  .action(runs(async (options: Options) => (await alertCommands()).test(io, options)));

const client = program.command("client").description("what is kept of one client");
sub(client, "erase", "forget an address: names, words, rows")
  .argument("<address>")
  .option("--yes", "without asking")
  .option(...json)
  .action(
    runs(async (address: string, options: Options) =>
      (await import("./cli/client.ts")).erase(io, address, options),
    ),
  );

command("classify", "what an SMTP reply means")
  .argument("[text]", 'a reply, a file, or "-"')
  .option("--jsonl", "one JSON object a line, in and out")
  .action(
    runs(async (text: string | undefined, options: { jsonl?: boolean }) =>
      (await import("./cli/classify.ts")).classify(io, text, options),
    ),
  );

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  else exitCode = tellError(io, error, process.argv.includes("--json"));
}
process.exitCode = exitCode;
