// The other side of sink.ts: one simulated provider, alone in this process. It goes when whoever started it goes.

import { OTHER } from "../../src/provider/provider.ts";
import { startProvider } from "../../src/sandbox/provider-server.ts";
import type { SinkCounts, SinkOptions, SinkQuestion } from "./sink.ts";
import { scriptFromRules } from "./sink-rules.ts";

const { id = OTHER, rules = [], route, ...rest } = JSON.parse(process.argv[2] ?? "{}") as SinkOptions;
const domains = new Map(Object.entries(route ?? {}));
const provider = await startProvider({
  ...rest,
  id,
  ...(rules.length === 0 ? {} : { script: scriptFromRules(rules) }),
  ...(domains.size === 0 ? {} : { route: (domain) => domains.get(domain) ?? id }),
});
let diesOfDrop = false;
provider.onEntry(({ reply }) => {
  if (diesOfDrop && reply === "") process.kill(process.pid, "SIGKILL");
});
const cpuAtStart = process.cpuUsage();

process.on("message", (question: SinkQuestion & { number: number }) => {
  process.send?.({ number: question.number, value: answer(question) });
});
process.on("disconnect", () => process.exit(0));
process.on("SIGTERM", () => {
  provider.close().then(() => process.exit(0));
});
process.send?.({ number: 0, value: { port: provider.port } });

function answer(question: SinkQuestion): unknown {
  switch (question.ask) {
    case "counts": {
      const { user, system } = process.cpuUsage(cpuAtStart);
      const counts: SinkCounts = {
        ...provider.counts,
        connections: provider.connections,
        cpuMs: (user + system) / 1000,
      };
      return counts;
    }
    case "accepted":
      return provider.accepted();
    case "log":
      return provider.log.map(({ raw: _, ...entry }) => entry);
    case "rules":
      diesOfDrop = question.diesOfDrop === true;
      provider.setScript(scriptFromRules(question.rules));
      return null;
  }
}
