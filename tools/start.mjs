// `npm start`: builds what is not built yet, then starts everything in this same process.
import { buildIfNeeded, distUrl } from './start/build-if-needed.mjs';

await buildIfNeeded();
await import(distUrl('tools/start/main'));
