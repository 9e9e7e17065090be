import { plantedInAccess } from './planted-in-access.mjs';
import { plantedInDomain } from './planted-in-domain.mjs';
import { plantedInJournal } from './planted-in-journal.mjs';
import { plantedInLists } from './planted-in-lists.mjs';
import { plantedInPublishing } from './planted-in-publishing.mjs';
import { plantedInWebhooks } from './planted-in-webhooks.mjs';

/** The cheapest to find come first. */
export const plantedBugs = [
  ...plantedInDomain,
  ...plantedInWebhooks,
  ...plantedInJournal,
  ...plantedInLists,
  ...plantedInPublishing,
  ...plantedInAccess,
];
