// Small templates in memory, and clients.
import type { Recipient } from "../../../src/template/renderer.ts";
import { createRenderer } from "../../../src/template/renderer.ts";
import { compileTemplate, type TemplateSource } from "../../../src/template/template.ts";
import { checkValues } from "../../../src/template/values.ts";

export const MANIFEST = `title = "Test"
class = "service"
default_locale = "en"
`;

export function source(files: Record<string, string>, values = ""): TemplateSource {
  return {
    name: "test",
    files: {
      "template.toml": `${MANIFEST}${values === "" ? "" : `[values]\n${values}\n`}`,
      "en.subject.hbs": "Subject",
      "en.html.hbs": "<p>Body</p>",
      "en.text.hbs": "Body",
      ...files,
    },
  };
}

export function client(part: Partial<Recipient> & { attributes?: Record<string, string> } = {}): Recipient {
  const { attributes = {}, ...rest } = part;
  return {
    address: "anna@example.org",
    name: "Anna",
    locale: "en",
    timezone: "Europe/Paris",
    accounts: [{ account: "K-1", name: "Anna", attributes }],
    ...rest,
  };
}

/** Renders `expression` as text for one client. */
export function show(
  expression: string,
  options: { client?: Recipient; declared?: string; values?: Record<string, unknown>; zone?: string } = {},
): string {
  const template = compileTemplate(source({ "en.text.hbs": expression }, options.declared ?? ""));
  const render = createRenderer({
    template,
    values: checkValues(template, options.values ?? {}),
    ...(options.zone === undefined ? {} : { defaultTimeZone: options.zone }),
  });
  return render(options.client ?? client()).text.trimEnd();
}
