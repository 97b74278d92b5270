// The port through which a person holds a whole mailbox provider: nothing is sent there, by no campaign, neither one
// that runs nor one that is launched later, until a person lets it go on. Lanes keep their own states meanwhile.

export interface ProviderHold {
  /** Provider id. */
  provider: string;
  why: string;
  /** ISO 8601 UTC. */
  at: string;
}

export interface ProviderHolds {
  /** From its return on no claim and no intent for this provider passes. False: it was held already. */
  hold(provider: string, why: string): Promise<boolean>;
  /**
   * Lets it go on, and with it the campaigns that stood because none of their lanes could; null: it was not held.
   * `woken`: ids of those campaigns.
   */
  release(provider: string): Promise<{ woken: number[] } | null>;
  list(): Promise<ProviderHold[]>;
}
