import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  type ClientRow,
  hashFile,
  type RefusedRow,
  readClients,
  readColumns,
} from "../../../src/client/import.ts";
import fc from "../../world/property.ts";

const folder = mkdtempSync(path.join(tmpdir(), "bellwether-csv-"));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(content: string | Buffer): string {
  const file = path.join(folder, "clients.csv");
  writeFileSync(file, content);
  return file;
}

async function read(content: string | Buffer): Promise<{ rows: ClientRow[]; refused: RefusedRow[] }> {
  const rows: ClientRow[] = [];
  const refused: RefusedRow[] = [];
  for await (const chunk of readClients(fileOf(content))) {
    rows.push(...chunk.rows);
    refused.push(...chunk.refused);
  }
  return { rows, refused };
}

describe("a row", () => {
  it("becomes a client: known columns by meaning, all others as attributes under their exact names", async () => {
    const { rows } = await read(
      "\ufeffE-Mail , Name,LOCALE,Time Zone,account, Server Name,plan\nAnna@Example.com, Anna ,fr_FR,europe/paris,A7,s12,\n",
    );
    expect(rows).toEqual([
      {
        line: 2,
        address: "Anna@example.com",
        key: "anna@example.com",
        domain: "example.com",
        name: "Anna",
        locale: "fr-FR",
        timezone: "Europe/Paris",
        account: "A7",
        attributes: { "Server Name": "s12", plan: "" },
        hash: expect.stringMatching(/^[0-9a-f]{32}$/),
      },
    ]);
  });

  it.each(["email", "E-mail", "Email  Address", "email_address", "RECIPIENT"])(
    "is found by the header %j",
    async (name) => {
      expect((await read(`${name}\nanna@example.com\n`)).rows[0]?.key).toBe("anna@example.com");
    },
  );

  it.each([",", ";", "\t"])("is cut at %j", async (mark) => {
    const { rows } = await read(`note${mark}email\n"a${mark}b,c;d"${mark}anna@example.com\n`);
    expect(rows[0]).toMatchObject({ attributes: { note: `a${mark}b,c;d` }, key: "anna@example.com" });
  });

  it("is cut where the header names an email column, though another sign is more frequent there", async () => {
    const { rows } = await read("email;a,b,c,d\nanna@example.com;x\n");
    expect(rows[0]?.attributes).toEqual({ "a,b,c,d": "x" });
  });

  it("without an address is kept, since that client must be told in another way", async () => {
    const { rows, refused } = await read("email,name\n  ,Anna\n");
    expect(refused).toEqual([]);
    expect(rows[0]).toMatchObject({ address: null, key: null, domain: null, name: "Anna" });
  });

  it("that is a blank line is no row, and lines go on being counted", async () => {
    const { rows } = await read("\n \nemail,name\n\na@example.com,A\n , \n\nb@example.com,B");
    expect(rows.map(({ line }) => line)).toEqual([5, 8]);
  });

  it.each(["\n", "\r\n", "\r"])(
    "has its line in the file also after quoted line ends, with %j",
    async (end) => {
      const { rows } = await read(
        [
          "email,note",
          'a@example.com,"one',
          "two",
          'three"',
          "b@example.com,x",
          '"c@example.com","y',
          '"',
          "",
        ].join(end),
      );
      expect(rows.map(({ line, attributes }) => [line, attributes.note])).toEqual([
        [2, "one\ntwo\nthree"],
        [5, "x"],
        [6, "y"],
      ]);
    },
  );

  it.each([
    ["email,name", "annaexample.com,Anna", "email", "annaexample.com", "no @"],
    ["E-Mail,name", "anna@localhost,Anna", "E-Mail", "anna@localhost", "no dot"],
    ["email,locale", "anna@example.com,french", "locale", "french", "language tag"],
    ["email,locale", "anna@example.com,f", "locale", "f", "language tag"],
    ["email,timezone", "anna@example.com,Paris", "timezone", "Paris", "time zone"],
    ["email,name", "anna@example.com", "", "anna@example.com", "1 columns where the header has 2"],
    ["email,name", "anna@example.com,A,B", "", "anna@example.com | A | B", "3 columns"],
    ["email,name", 'anna@example.com,"A\nB"', "name", "A\nB", "line end"],
    ["email,plan", "anna@example.com,a\u0000b", "plan", "a\u0000b", "U+0000"],
    ["email,plan", "anna@example.com,a\u0085b", "plan", "a\u0085b", "U+0085"],
    ["email,plan", "anna@example.com,pr\ufffdnom", "plan", "pr\ufffdnom", "lost in an earlier conversion"],
    ["locale,email", "french,nobody", "locale", "french", "language tag"],
  ])(
    "%j / %j is refused whole, with column, value and reason",
    async (header, row, column, value, reason) => {
      const { rows, refused } = await read(`${header}\n${row}\n`);
      expect(rows).toEqual([]);
      expect(refused).toEqual([{ line: 2, column, value, reason: expect.stringContaining(reason) }]);
    },
  );

  it("has the hash of another exactly when both say the same", async () => {
    const { rows } = await read(
      "email,locale,a,b\n" +
        "anna@example.com,fr-FR,x,\n" +
        "Anna@EXAMPLE.com, fr_fr,x , \n" +
        "anna@example.com,fr-FR,,x\n" +
        "anna@example.com,fr,x,\n",
    );
    const [first, same, ...others] = rows.map(({ hash }) => hash);
    expect(same).toBe(first);
    expect(new Set([first, ...others]).size).toBe(3);
    const otherColumns = await read("email,locale,a,c\nanna@example.com,fr-FR,x,\n");
    expect(otherColumns.rows[0]?.hash).not.toBe(first);
  });

  it("may have any text in its attributes, quoted, over any number of lines and blocks", async () => {
    const cell = fc
      .string({
        unit: fc.constantFrom("a", "é", "😀", '"', ",", ";", "\t", "\n", "\r\n", " ", "'"),
        maxLength: 12,
      })
      .map((text) => `<${text}>`);
    // Long fillers make the blocks of the file end at every kind of place.
    const filler = fc.integer({ min: 0, max: 70_000 }).map((length) => "x".repeat(length));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell, filler), { minLength: 1, maxLength: 6 }),
        async (table) => {
          const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
          const { rows, refused } = await read(
            `email,one,two,three\n${table.map((cells) => `a@example.com,${cells.map(quote).join(",")}`).join("\n")}`,
          );
          expect(refused).toEqual([]);
          let line = 2;
          for (const [index, cells] of table.entries()) {
            const plain = cells.map((text) => text.replaceAll("\r\n", "\n"));
            expect(rows[index]?.line).toBe(line);
            expect(Object.values(rows[index]?.attributes ?? {})).toEqual(plain);
            line += 1 + plain.join("").split("\n").length - 1;
          }
          expect(rows).toHaveLength(table.length);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("a file", () => {
  it.each([
    ["csv-empty", "", "no rows and no header"],
    ["csv-empty", "\ufeff\n\n", "no rows and no header"],
    ["csv-empty", "email,name\n\n", "a header and no rows"],
    ["csv-header", "name,plan\nA,B\n", 'among "name", "plan"'],
    ["csv-header", "anna@example.com,Anna\n", "looks like a client"],
    ["csv-header", "email,plan,plan\na@example.com,1,2\n", '"plan" is there twice'],
    ["csv-header", "email,E-Mail\na@example.com,b\n", '"email" and "E-Mail" both mean email'],
    ["csv-header", "email,,plan\na@example.com,1,2\n", "column 2 has no name"],
    ["csv-header", "email,__proto__\na@example.com,1\n", "cannot be used"],
    [
      "csv-quote",
      'email,name\na@example.com,A\nb@example.com,"B\nc@example.com,C\n',
      'line 3: the quoted field that begins with "B"',
    ],
    ["csv-quote", 'email,name\n"a\n@example.com",A\nb@example.com,"B" x\n', "line 4"],
    [
      "csv-quote",
      'email,name\na@example.com,"A\nb@example.com,"B"\n',
      'line 2: the quoted field that begins with "A"',
    ],
  ])("is refused as a whole: %s for %j", async (code, content, message) => {
    await expect(read(content)).rejects.toMatchObject({
      code,
      exit: 2,
      message: expect.stringContaining(message),
    });
    await expect(read(content)).rejects.toMatchObject({ message: expect.stringContaining("clients.csv") });
  });

  it("whose quote is never closed is refused without being read to its end into memory", async () => {
    const content = `email,name\na@example.com,"A\n${"b@example.com,B\n".repeat(100_000)}`;
    await expect(read(content)).rejects.toMatchObject({
      code: "csv-quote",
      message: expect.stringContaining('line 2: the quoted field that begins with "A" is not closed'),
    });
    await expect(read(`email\n${"x".repeat(1_100_000)}`)).rejects.toMatchObject({
      code: "csv-quote",
      message: expect.stringContaining("line 2: the row that begins here is longer"),
    });
  });

  it("in Latin-1 is refused at the line and byte of its first accent", async () => {
    const bytes = Buffer.from("email,name\r\na@example.com,Ok \ufffd é\r\n", "utf8");
    const latin = Buffer.concat([
      bytes,
      Buffer.from("b@example.com,Ren\xe9\r\nc@example.com,x\r\n", "latin1"),
    ]);
    await expect(read(latin)).rejects.toMatchObject({
      code: "csv-encoding",
      message: expect.stringContaining(`line 3, byte ${latin.indexOf(0xe9) + 1} of the file: 0xE9`),
    });
  });

  it("that ends in the middle of a character is refused", async () => {
    const bytes = Buffer.from("email,name\na@example.com,é").subarray(0, -1);
    await expect(read(bytes)).rejects.toMatchObject({
      code: "csv-encoding",
      message: expect.stringContaining("line 2, byte 26 of the file: 0xC3"),
    });
  });

  it.each([
    ["UTF-16", Buffer.from("\ufeffemail\na@example.com\n", "utf16le")],
    ["UTF-16", Buffer.from("email\na@example.com\n", "utf16le")],
    ["workbook", Buffer.from("PK\u0003\u0004xyz")],
  ])("that is %s is told so", async (kind, bytes) => {
    await expect(read(bytes)).rejects.toMatchObject({
      code: "csv-encoding",
      message: expect.stringContaining(kind),
    });
  });

  it("with characters of several octets over the ends of blocks is read whole", async () => {
    const name = "é😀ü".repeat(30);
    const { rows } = await read(`email,name\n${`a@example.com,${name}\n`.repeat(2_000)}`);
    expect(rows).toHaveLength(2_000);
    expect(new Set(rows.map((row) => row.name))).toEqual(new Set([name]));
    expect(rows.at(-1)?.line).toBe(2_001);
  });

  it("is read the same wherever its blocks happen to end", async () => {
    const row = 'a@example.com,"B ""q"" é"  ,"x\r\ny" \r\n';
    const start = "email,one,two\r\na@example.com,,";
    for (let place = 0; place <= Buffer.byteLength(row); place++) {
      // A block of 64 KiB ends after `place` octets of the row.
      const content = `${start}${"x".repeat(65_536 - place - start.length - 2)}\r\n${row}b@example.com,1,2`;
      const { rows, refused } = await read(content);
      expect(refused).toEqual([]);
      expect(rows.slice(1)).toMatchObject([
        { line: 3, attributes: { one: 'B "q" é', two: "x\ny" } },
        { line: 5, attributes: { one: "1", two: "2" } },
      ]);
    }
  });

  it("comes in chunks of the size asked for, taken and refused rows together, in order", async () => {
    const file = fileOf(
      `email\n${Array.from({ length: 25 }, (_, i) => (i % 5 ? `c${i}@example.com` : "bad")).join("\n")}`,
    );
    const sizes: number[] = [];
    const lines: number[] = [];
    for await (const { rows, refused } of readClients(file, { chunkRows: 10 })) {
      sizes.push(rows.length + refused.length);
      lines.push(...rows.map(({ line }) => line));
    }
    expect(sizes).toEqual([10, 10, 5]);
    expect(lines).toHaveLength(20);
    expect(lines).toEqual([...lines].sort((a, b) => a - b));
  });

  it("that is not there, or is a folder, is unreadable", async () => {
    const drain = async (file: string) => {
      for await (const _ of readClients(file));
    };
    await expect(drain(path.join(folder, "none.csv"))).rejects.toMatchObject({
      code: "file-unreadable",
      message: expect.stringContaining("no such file"),
    });
    await expect(drain(folder)).rejects.toMatchObject({ code: "file-unreadable" });
    await expect(hashFile(path.join(folder, "none.csv"))).rejects.toMatchObject({ code: "file-unreadable" });
  });

  it("stops being read when its reader gives up", async () => {
    const file = fileOf(`email\n${"a@example.com\n".repeat(50_000)}`);
    const stop = new AbortController();
    const run = (async () => {
      for await (const _ of readClients(file, { signal: stop.signal })) stop.abort(new Error("enough"));
    })();
    await expect(run).rejects.toThrow("enough");
  });

  it("tells its columns and its hash", async () => {
    const content = "E-mail;Name;Server\na@example.com;A;s1\n";
    const file = fileOf(content);
    expect(await readColumns(file)).toEqual(["email", "name", "Server"]);
    expect(await hashFile(file)).toBe(createHash("sha256").update(content).digest("hex"));
  });
});
