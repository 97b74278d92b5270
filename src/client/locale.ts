// Decides which language tags and time zones are taken, and in what spelling. What the runtime knows (ICU and its
// IANA data) is the measure; each spelling is asked once, since asking costs more than reading a row.

const KEPT = 2_000;
const LONGEST_KEPT = 100;
const locales = new Map<string, string | null>();
const zones = new Map<string, string | null>();

/** "fr_FR", "FR-fr" -> "fr-FR"; null when it is no BCP 47 tag that begins with a language code of 2 or 3 letters. */
export function normaliseLocale(text: string): string | null {
  return once(locales, text, () => {
    const tag = text.trim().replaceAll("_", "-");
    // The grammar would take "french" too, as a language code that does not exist.
    if (!/^[a-z]{2,3}(-|$)/i.test(tag)) return null;
    try {
      return new Intl.Locale(tag).toString();
    } catch {
      return null;
    }
  });
}

/** The zone as written, but in IANA's letter case where that is all that differs; null when the runtime has no such zone. */
export function normaliseTimeZone(text: string): string | null {
  return once(zones, text, () => {
    const zone = text.trim();
    try {
      const known = new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
      // An alias stays what the client list calls it: Node 20 would turn Asia/Kolkata into Asia/Calcutta.
      return known.toLowerCase() === zone.toLowerCase() ? known : zone;
    } catch {
      return null;
    }
  });
}

function once(cache: Map<string, string | null>, text: string, find: () => string | null): string | null {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const found = find();
  if (text.length > LONGEST_KEPT) return found;
  if (cache.size >= KEPT) cache.clear();
  // A key made anew: a slice would keep the CSV block that it was cut from in memory.
  cache.set(Buffer.from(text).toString(), found);
  return found;
}
