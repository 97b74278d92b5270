// The error catalogue: every error that a person can meet has a stable code, a message that names the input at
// fault, and a hint that says what to do. docs/errors.md lists the same codes; a test compares the two.

/** Process exit codes (also in docs/errors.md). */
export const EXIT = { done: 0, internal: 1, usage: 2, refused: 3, held: 4, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** One line per code: what it means in general. The message of a thrown error tells the particular case. */
export const CATALOGUE = {
  usage: "The command was typed in a way that it does not understand.",
  "file-unreadable": "A file that was named cannot be read.",
  "config-syntax": "The configuration file is not valid TOML.",
  "config-unknown-key": "The configuration has a key that does not exist.",
  "config-value": "A configuration value is outside what its key takes.",
  "campaign-syntax": "The campaign file is not valid TOML.",
  "campaign-key": "The campaign file has an unknown key, lacks one, or has a bad value.",
  "csv-empty": "The CSV file holds no rows.",
  "csv-encoding": "The CSV file is not UTF-8.",
  "csv-quote": "A quoted CSV field is not closed, or has text after its closing quote.",
  "csv-header": "The CSV header lacks the email column or names a column twice.",
  "filter-unknown-column": "A filter names a column that the audience does not have.",
  "csv-no-client": "No row of the CSV file could be taken.",
  "csv-changed": "The CSV file is not the one with which this campaign was begun.",
  "template-missing": "There is no template of that name.",
  "template-syntax": "A template file cannot be read as what it should be.",
  "template-value": "A value that the template declares is missing or of the wrong kind.",
  "template-render": "A template cannot be rendered for a client.",
  "audience-missing": "There is no audience of that name.",
  "campaign-missing": "There is no such campaign.",
  "campaign-finished": "This very campaign was sent before.",
  "campaign-name-taken":
    "Another campaign of this name is unfinished, or told the same notice to another audience.",
  "campaign-state": "The campaign is in a state that does not allow this.",
  "not-confirmed": "Nobody confirmed the launch.",
  "address-invalid": "The text is not an email address.",
  "on-the-wire": "A mail is being sent at this moment, and what was asked would touch it.",
  "provider-unknown": "There is no mailbox provider of that id, or the campaign has no lane for it.",
  "organisation-unknown": "The campaign was refused by no organisation of that name.",
  "revision-differs": "The corrected campaign file is not for the same name, audience and filter.",
  "file-unwritable": "A file cannot be written, or would take the place of another.",
  "alert-missing": "There is no alert of that number.",
  "database-unusable": "The database cannot be opened, or its file is damaged.",
  "database-migration": "The database's migrations do not fit this program.",
  "database-full": "The disk that holds the database is full.",
  "listen-failed": "An address and port cannot be listened on.",
  "driver-elsewhere": "Another process drives this database.",
  "transition-illegal": "A state was asked to move where it cannot; this is a defect of the program.",
  internal: "The program met something that it does not know; this is a defect of the program.",
} as const;

export type ErrorCode = keyof typeof CATALOGUE;

/** An error to be shown to a person: `message` says what was wrong with which input, `hint` what to do. */
export class BellwetherError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly exit: ExitCode;

  constructor(
    code: ErrorCode,
    message: string,
    hint: string,
    options?: { exit?: ExitCode; cause?: unknown },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = "BellwetherError";
    this.code = code;
    this.hint = hint;
    this.exit = options?.exit ?? defaultExit(code);
  }
}

function defaultExit(code: ErrorCode): ExitCode {
  if (code === "internal" || code === "transition-illegal") return EXIT.internal;
  if (code === "database-unusable" || code === "database-migration" || code === "database-full")
    return EXIT.internal;
  return EXIT.usage;
}
