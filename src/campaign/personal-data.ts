// What is kept of people, and for how long: the port behind which a client is forgotten on demand, and everybody in time.
export interface Erased {
  clients: number;
  deliveries: number;
  reports: number;
  /** Rows of imports that were refused and quote the address. */
  refused: number;
  /** Waiting mails that were cancelled by it. */
  cancelled: number;
  /** The address stays on the list of those who are not written to, with nothing else. */
  suppressed: boolean;
}

export interface Retention {
  /** Verbatim replies of campaigns that ended, ms. */
  repliesMs: number;
  /** Addresses of campaigns that ended, and clients that no audience names any more, ms. */
  recipientsMs: number;
  /** What reports said, ms; that they came, and what of it, stays. */
  reportsMs: number;
}

export interface PersonalData {
  /**
   * Forgets an address: its client rows go, its deliveries stay as numbers without a name.
   * @throws BellwetherError("on-the-wire") when a mail to it is being sent at this moment
   */
  erase(key: string): Promise<Erased>;
  /** Takes away what is older than that, some thousand rows at most; false when nothing is left to do. */
  retain(retention: Retention): Promise<boolean>;
}

/** Stands where an address was. */
export const ERASED = "[erased]";
