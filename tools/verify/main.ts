import { reportFailure } from '../start/cannot-start.js';
import { atOwnerDatabase } from '../start/owner-database.js';
import { readVerifySettings } from './config.js';
import { verifyDatabase } from './verify-database.js';

/** Recomputes every ledger from its journal; exits with 1 at the first difference. */
try {
  if (!(await atOwnerDatabase(readVerifySettings(), verifyDatabase))) process.exitCode = 1;
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
