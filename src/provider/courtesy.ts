// How a provider wants to be written to by a server that delivers directly: connections at once, and mails a
// connection. Data with its source; it begins a lane, and what the provider answers moves it from there (breaker/).

export interface Courtesy {
  /** Connections at once from one address to begin with. */
  connections: number;
  /** Mails over one connection. */
  mails: number;
  /** The provider itself names the connections as its limit: more are refused whoever sends them. */
  strict: boolean;
  source: string;
}

/** The community's rules that KumoMTA ships (MIT/Apache-2.0; the numbers alone are taken). */
const KUMO = "https://github.com/KumoCorp/kumomta/blob/main/assets/policy-extras/shaping.toml";

/** For whoever has no entry. */
const USUAL: Courtesy = { connections: 10, mails: 100, strict: false, source: KUMO };

const COURTESIES: Readonly<Record<string, Courtesy>> = {
  google: { connections: 5, mails: 50, strict: false, source: KUMO },
  outlook: { connections: 5, mails: 50, strict: false, source: KUMO },
  microsoft365: { connections: 5, mails: 50, strict: false, source: KUMO },
  // "20 messages per connection" is Yahoo's own word, passed on there.
  yahoo: { connections: 10, mails: 20, strict: false, source: KUMO },
  apple: { connections: 10, mails: 5, strict: false, source: KUMO },
  mimecast: { connections: 10, mails: 100, strict: false, source: KUMO },
  // Comcast's own word, passed on there; RL000001 and its like say so too.
  comcast: { connections: 25, mails: 1_000, strict: true, source: KUMO },
  orange: { connections: 2, mails: 100, strict: true, source: "https://postmaster.orange.fr" },
};

/** Of a provider's id; the long tail is many providers, each of which gets the usual. */
export function courtesyOf(provider: string): Courtesy {
  return COURTESIES[provider] ?? USUAL;
}

export const COURTEOUS: readonly string[] = Object.keys(COURTESIES);
