/** `npm run access-matrix`: prints docs/ACCESS-MATRIX.md, for `> docs/ACCESS-MATRIX.md` where routes have changed. */
import { accessMatrix } from './markdown.js';

process.stdout.write(accessMatrix());
