/**
 * A planted bug: in `file` of the product, `bug` stands where `text` stood, which it does once. What goes wrong by it
 * is found by the suites, the cheapest that are meant for the rule; of a slow one, by some of its tests.
 */
export const plant = (what, file, text, bug, ...suites) => ({ what, file, text, bug, suites });

/** One by which the test does not come to its assertion: what it runs ends with an error that has this text. */
export const withError = (error, planted) => ({ ...planted, error });

/** The tests of a suite whose names have this text in them. */
export const testsOf = (suite, name) => `${suite} › ${name}`;

/** The suite's file, and the text that is in the names of its tests; empty where all of them are meant. */
export function partsOf(suite) {
  const [path, name = ''] = suite.split(' › ');
  return { path, name };
}

/** An integration suite by the beginning of its name. */
export const integration = (name) => `test/integration/${name}.int.spec.ts`;

/** As above, of a suite that runs the built product. */
export const endToEnd = (name) => `test/e2e/${name}.e2e.spec.ts`;
