// Remembers which mail a queue id stands for. A content filter takes a mail out of the queue and gives it back under
// another id; both logs tell the same Message-ID, and by it the new id is known to belong to the old one.
import type { PostfixLine } from "./postfix-line.ts";

interface Known {
  messageId: string;
  /** The id under which the same mail lay in the queue when this one was made; null: none did. */
  from: string | null;
}

export interface QueueIds {
  /** Learns from a line, whether or not it was told of before. */
  learn(line: PostfixLine): void;
  /** Ids of the same mail, its own first, and its Message-ID. */
  marksOf(queueId: string): { relayIds: readonly string[]; messageIds: readonly string[] };
  /** True when this reply to `queueId` ("250 ... queued as X") only moved the mail to another id of this very log. */
  isHandedOn(queueId: string, reply: string): boolean;
}

/** Mails whose ids are remembered: some 15 MB, and more than lie in a queue on a bad day. */
const REMEMBERED = 50_000;
/** A filter in front of a filter in front of a filter. */
const CHAIN = 4;

export function createQueueIds(limit = REMEMBERED): QueueIds {
  /** Oldest first. */
  const known = new Map<string, Known>();
  /** Message-ID to the id under which it lies in the queue now. */
  const queued = new Map<string, string>();

  function forgetOldest(): void {
    const oldest = known.keys().next().value;
    if (oldest === undefined) return;
    const messageId = known.get(oldest)?.messageId ?? "";
    if (queued.get(messageId) === oldest) queued.delete(messageId);
    known.delete(oldest);
  }

  return {
    learn(line) {
      if (line.is === "message") {
        const { queueId, messageId } = line;
        // The same line again (a restart reads a little twice) must not make an id its own ancestor.
        if (known.get(queueId)?.messageId === messageId) return;
        const from = messageId === "" ? undefined : queued.get(messageId);
        known.set(queueId, { messageId, from: from ?? null });
        // The first one stays: the filter's copies come and go while it waits.
        if (messageId !== "" && from === undefined) queued.set(messageId, queueId);
        if (known.size > limit) forgetOldest();
      } else if (line.is === "removed") {
        const messageId = known.get(line.queueId)?.messageId ?? "";
        // Known for a while yet: the line of a filter that was slow to answer comes after the copy's own lines.
        if (queued.get(messageId) === line.queueId) queued.delete(messageId);
      }
    },
    marksOf(queueId) {
      const relayIds = [queueId];
      for (let at = known.get(queueId)?.from; at && relayIds.length < CHAIN; at = known.get(at)?.from) {
        relayIds.push(at);
      }
      const messageId = known.get(queueId)?.messageId ?? "";
      return { relayIds, messageIds: messageId === "" ? [] : [messageId] };
    },
    isHandedOn(queueId, reply) {
      // The last one: a filter quotes the reply of the server behind it.
      const next = /^.*\bqueued as:? <?([0-9A-Za-z]{5,24})\b/is.exec(reply)?.[1];
      const taken = next === undefined || next === queueId ? undefined : known.get(next);
      if (taken === undefined) return false;
      const own = known.get(queueId);
      // An id of another host may look like one of ours; the Message-ID tells.
      return own === undefined || own.messageId === taken.messageId;
    },
  };
}
