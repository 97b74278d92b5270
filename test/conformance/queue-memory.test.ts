import { createMemoryQueue } from "../../src/adapters/queue/memory.ts";
import { describeQueue } from "./queue.ts";

describeQueue("in the process's memory", async () => createMemoryQueue());
