// AUTH PLAIN (RFC 4616) and LOGIN from the server's side: gets user and password out of the dialogue. Whether they
// are right is the caller's to say.

export interface AuthDialogue {
  /** The whole AUTH command. */
  line: string;
  say(reply: string): void;
  /** Takes the client's next line. */
  expect(then: (line: string) => void): void;
  check(user: string, pass: string): void;
}

export function authenticate({ line, say, expect, check }: AuthDialogue): void {
  const [, mechanism = "", initial] = line.trim().split(/\s+/);
  const plain = (encoded: string) => {
    const [, user = "", pass = ""] = decode(encoded).split("\0");
    check(user, pass);
  };
  const password = (user: string) => ask("Password:", (pass) => check(decode(user), decode(pass)));

  switch (mechanism.toUpperCase()) {
    case "PLAIN":
      if (initial === undefined) ask("", plain);
      else plain(initial);
      break;
    case "LOGIN":
      if (initial === undefined) ask("Username:", password);
      else password(initial);
      break;
    default:
      say("504 5.5.4 Unknown mechanism");
  }

  function ask(prompt: string, then: (line: string) => void): void {
    say(`334 ${Buffer.from(prompt).toString("base64")}`);
    expect((answer) => {
      if (answer === "*") say("501 5.7.0 Authentication cancelled");
      else then(answer);
    });
  }
}

function decode(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8");
}
