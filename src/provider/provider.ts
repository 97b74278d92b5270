// A mailbox provider: who runs a mailbox, recognised by the MX of its domain. Ids are stable words used in
// lanes, routes, reports and logs.

export interface Provider {
  /** Stable id, lower case: "google", "outlook", "microsoft365", ... */
  id: string;
  /** Name for people. */
  title: string;
  /** Suffixes of MX host names, each with a leading dot: ".google.com". */
  mx: readonly string[];
  /** Mail domains whose MX need not be looked up (freemail and the provider's own). */
  domains: readonly string[];
  /** True when one mailbox domain means one organisation on hosted mailboxes or a gateway, not one person. */
  hosted: boolean;
  /** Where the provider documents its replies. */
  docs: readonly string[];
}

/** The long tail: whoever is not in the directory. */
export const OTHER = "other";
