// Which of a template's languages a client gets (fr-CA, then fr, then the default), and in which regional form
// its dates are written. Decides nothing about time zones.

export interface Language {
  /** One of the template's locales. */
  locale: string;
  /** The tag for Intl: the client's own region when it is the same language. */
  formatLocale: string;
}

export function createLanguageChooser(options: {
  locales: readonly string[];
  defaultLocale: string;
}): (wanted: string | null) => Language {
  const byTag = new Map(options.locales.map((locale) => [locale.toLowerCase(), locale]));
  const chosen = new Map<string, Language>();
  const fallback = { locale: options.defaultLocale, formatLocale: regional(options.defaultLocale) };

  function choose(wanted: string): Language {
    const tag = canonical(wanted);
    if (tag === null) return fallback;
    for (
      let rest = tag.toLowerCase();
      rest !== "";
      rest = rest.slice(0, Math.max(0, rest.lastIndexOf("-")))
    ) {
      const locale = byTag.get(rest);
      if (locale !== undefined) return { locale, formatLocale: regional(tag.includes("-") ? tag : locale) };
    }
    return fallback;
  }

  return (wanted) => {
    if (wanted === null || wanted === "") return fallback;
    let language = chosen.get(wanted);
    if (language === undefined) {
      language = choose(wanted);
      if (chosen.size >= 1000) chosen.clear();
      chosen.set(wanted, language);
    }
    return language;
  };
}

/** "fr_FR.UTF-8" and "fr_fr" mean fr-FR; null when it is no language tag at all. */
function canonical(text: string): string | null {
  try {
    return Intl.getCanonicalLocales(text.trim().split(".")[0]?.replaceAll("_", "-"))[0] ?? null;
  } catch {
    return null;
  }
}

/** Plain "en" would be written the American way; day before month and 24 hours is what nobody misreads. */
function regional(tag: string): string {
  if (tag === "en") return "en-GB";
  return Intl.DateTimeFormat.supportedLocalesOf(tag).length > 0 ? tag : "en-GB";
}
