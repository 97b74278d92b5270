// What a replay remembers of each mail, in a few bytes each: two whole numbers for an id, in open addressing over plain
// arrays, so that a log of any length costs 27 to 54 bytes a mail and not a JavaScript object.
import type { Id } from "./event.ts";

/** Rows that fit before the arrays are doubled. */
const FULLNESS = 0.6;
const EMPTY = -1;
const TWO_52 = 2 ** 52;

export class KeyTable {
  #keys: Float64Array;
  /** Two for each key. */
  #values: Int32Array;
  #size = 0;

  constructor(capacity = 64) {
    this.#keys = new Float64Array(capacity).fill(EMPTY);
    this.#values = new Int32Array(capacity * 2);
  }

  get size(): number {
    return this.#size;
  }

  /** The place of a key, made with zeros when it is new. It holds until the next `place`. */
  place(key: number): number {
    if (this.#size >= this.#keys.length * FULLNESS) this.#grow();
    const at = this.#find(key);
    if (this.#keys[at] === EMPTY) {
      this.#keys[at] = key;
      this.#size += 1;
    }
    return at;
  }

  /** -1: the key is not there. */
  find(key: number): number {
    const at = this.#find(key);
    return this.#keys[at] === EMPTY ? -1 : at;
  }

  first(at: number): number {
    return this.#values[at * 2] ?? 0;
  }

  second(at: number): number {
    return this.#values[at * 2 + 1] ?? 0;
  }

  set(at: number, first: number, second: number): void {
    this.#values[at * 2] = first;
    this.#values[at * 2 + 1] = second;
  }

  #find(key: number): number {
    const keys = this.#keys;
    const mask = keys.length - 1;
    let at = mixed(key) & mask;
    while (keys[at] !== EMPTY && keys[at] !== key) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Float64Array(keys.length * 2).fill(EMPTY);
    this.#values = new Int32Array(keys.length * 4);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (key === undefined || key === EMPTY) continue;
      const at = this.#find(key);
      this.#keys[at] = key;
      this.set(at, values[i * 2] ?? 0, values[i * 2 + 1] ?? 0);
    }
  }
}

/**
 * A number below 2^52 for an id. A whole number below 2^51 is itself; texts (and greater numbers) are hashed into the
 * upper half: among a million of them two are taken for one in 1 of 4,500 logs.
 */
export function keyOf(id: Id): number {
  if (typeof id === "number" && id < TWO_52 / 2) return id;
  return TWO_52 / 2 + (hash52(String(id)) % (TWO_52 / 2));
}

/** 52 bits of a text: two 32-bit products over its characters (FNV-1a's way, with two primes), then mixed. */
export function hash52(text: string): number {
  let a = 0x811c9dc5;
  let b = 0x2545f491;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x5bd1e995);
    b ^= b >>> 15;
  }
  a = scrambled(a ^ (b >>> 7));
  b = scrambled(b ^ (a >>> 11));
  return (a >>> 0) * 2 ** 20 + ((b >>> 0) & 0xfffff);
}

function mixed(key: number): number {
  return scrambled(((key % 4_294_967_296) | 0) ^ Math.imul((key / 4_294_967_296) | 0, 0x9e3779b1));
}

/** Spreads a word's bits over all of it (the finish of MurmurHash3, which is in the public domain). */
function scrambled(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
