// What a case of a family of mail programs is made of.
export const JANE = "jane@client.example";
export const OURS = [
  "Return-Path: <bounces@example.com>",
  "Message-ID: <a1@example.com>",
  "From: support@example.com",
  `To: ${JANE}`,
  "Subject: Maintenance",
  "",
  "Hello.",
];

export interface Family {
  family: string;
  from?: string;
  subject?: string;
  headers?: readonly string[];
  body: readonly string[];
  reason: string;
  kind?: string;
  recipients?: readonly string[];
}
