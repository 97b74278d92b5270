// The generic rules in the order in which they are tried: what is plain before what is ambiguous. A reply often names
// several things ("sender address rejected: user unknown"); the earlier group wins.
import type { Rule } from "../rule.ts";
import { genericMailbox } from "./generic-mailbox.ts";
import { genericContent, genericForm } from "./generic-message.ts";
import { genericPrograms } from "./generic-programs.ts";
import { genericRest } from "./generic-rest.ts";
import { genericSender } from "./generic-sender.ts";
import { genericSystem } from "./generic-system.ts";

export const generic: readonly Rule[] = [
  ...genericPrograms,
  ...genericForm,
  ...genericSender,
  ...genericContent,
  ...genericSystem,
  ...genericMailbox,
  ...genericRest,
];
