// node tools/run-built.mjs <module> [arguments]: builds what is not built yet, then runs dist/<module>.js.
import { buildIfNeeded, distUrl } from './start/build-if-needed.mjs';

const [module, ...rest] = process.argv.slice(2);
if (module === undefined) {
  console.error('Usage: node tools/run-built.mjs <module, such as tools/migrate/main> [arguments]');
  process.exit(2);
}
await buildIfNeeded();
process.argv = [process.argv[0], module, ...rest];
await import(distUrl(module));
