/**
 * A planted bug: in `file` of the product, `bug` stands where `text` stood, which it does once. What goes wrong by it
 * is found by the suites, the cheapest that are meant for the rule.
 */
export const plant = (what, file, text, bug, ...suites) => ({ what, file, text, bug, suites });

/** An integration suite by the beginning of its name. */
export const integration = (name) => `test/integration/${name}.int.spec.ts`;

/** As above, of a suite that runs the built product. */
export const endToEnd = (name) => `test/e2e/${name}.e2e.spec.ts`;
