import { existsSync, readFileSync } from 'node:fs';

/** Prints the figures that tests have reported, one line of JSON each, as a table; gives them back. */
export function tellFigures(what, file) {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  const rows = lines.map((line) => JSON.parse(line));
  console.log(`\n| ${what} | figures |\n| --- | --- |`);
  for (const { test, figures } of rows) {
    const told = Object.entries(figures).map(([name, value]) => `${name}: ${value}`);
    console.log(`| ${test} | ${told.join(', ')} |`);
  }
  return rows;
}
