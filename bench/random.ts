// Chance with a seed, so that a simulation says the same each time: xorshift128 (Marsaglia 2003), its four words filled
// from the seed by the finish of MurmurHash3.

/** Numbers in [0, 1), 32 bits each. */
export function createRandom(seed: number): () => number {
  const word = (i: number): number => {
    let h = Math.imul(seed ^ (i * 0x9e3779b9), 0x85ebca6b) + i + 1;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return (h ^ (h >>> 16)) | 1;
  };
  let [x, y, z, w] = [word(1), word(2), word(3), word(4)];
  const next = (): number => {
    const t = x ^ (x << 11);
    x = y;
    y = z;
    z = w;
    w = w ^ (w >>> 19) ^ t ^ (t >>> 8);
    return (w >>> 0) / 4_294_967_296;
  };
  for (let i = 0; i < 32; i++) next();
  return next;
}

/** How many outcomes pass before one of that share comes; a geometric number from 0 on. */
export function gapOf(random: () => number, share: number): number {
  return Math.floor(Math.log(1 - random()) / Math.log1p(-share));
}
