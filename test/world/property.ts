// fast-check with a seed of its own: a tree's tests say the same thing each time. BELLWETHER_TEST_SEED takes another
// seed, "any" one that nobody has tried.
import fc from "fast-check";

const { BELLWETHER_TEST_SEED: seed = "20261122" } = process.env;

export const SEED = seed === "any" ? Date.now() % 2 ** 31 : Number(seed);

fc.configureGlobal({ seed: SEED });

export default fc;
