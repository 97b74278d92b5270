// How many mails a second the sink takes, and what CPU a mail costs it: the other benchmarks share their machine with
// it. Usage: tsx bench/sink.ts [seconds] [connections]. Prints one line of JSON per case.
import { connect } from "node:net";
import { startSinkProcess } from "../test/world/sink.ts";

const seconds = Number(process.argv[2] ?? 4);
const connections = Number(process.argv[3] ?? 20);

const MESSAGE = [
  "From: support@hoster.example",
  "To: client@gmail.com",
  "Subject: Maintenance",
  "Message-ID: <1@hoster.example>",
  "X-Bellwether-Delivery: 1.1",
  "",
  ...Array.from(
    { length: 40 },
    () => "Seventy characters of text, as a line of a mail has them in the middle.",
  ),
  ".",
  "",
].join("\r\n");

/** Sends until `stopped()`; resolves when its last mail is answered. */
function client(port: number, pipelining: boolean, stopped: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    let unread = "";
    let step = -1;
    let mails = 0;
    const envelope = () => [
      "MAIL FROM:<b@hoster.example>\r\n",
      `RCPT TO:<u${mails++ % 1000}@gmail.com>\r\n`,
      "DATA\r\n",
    ];
    let commands = envelope();
    const next = (): void => {
      step++;
      if (step === 0) socket.write("EHLO bench\r\n");
      else if (step === 1) {
        if (stopped()) {
          socket.end("QUIT\r\n");
          resolve();
          return;
        }
        commands = envelope();
        socket.write((pipelining ? commands : commands.slice(0, 1)).join(""));
      } else if (step < 4) {
        if (!pipelining) socket.write(commands[step - 1] ?? "");
      } else if (step === 4) socket.write(MESSAGE);
      else {
        step = 0;
        next();
      }
    };
    socket.setEncoding("latin1").on("error", reject);
    socket.on("data", (text: string) => {
      unread += text;
      for (let end = unread.indexOf("\n"); end !== -1; end = unread.indexOf("\n")) {
        const line = unread.slice(0, end);
        unread = unread.slice(end + 1);
        if (line[0] !== "2" && line[0] !== "3") reject(new Error(line));
        if (line[3] !== "-") next();
      }
    });
  });
}

for (const keepLog of [false, true])
  for (const pipelining of [true, false]) {
    const sink = await startSinkProcess({ keepLog });
    const begun = performance.now();
    const stopped = () => performance.now() - begun > seconds * 1000;
    await Promise.all(Array.from({ length: connections }, () => client(sink.port, pipelining, stopped)));
    const tookMs = performance.now() - begun;
    const { accepted, cpuMs } = await sink.counts();
    await sink.stop();
    const mailsPerSecond = Math.round((accepted / tookMs) * 1000);
    const cpuMicrosecondsPerMail = Math.round((cpuMs / accepted) * 1000);
    console.log(JSON.stringify({ keepLog, pipelining, connections, mailsPerSecond, cpuMicrosecondsPerMail }));
  }
