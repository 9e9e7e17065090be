// `npm run build`: always asks the compiler, and leaves the note by which `npm start` knows that it may skip that.
import { build } from './build-if-needed.mjs';

await build();
