import { Journal1763700000001 } from './1763700000001-journal.js';
import { Accounts1763700000002 } from './1763700000002-accounts.js';
import { Append1763700000003 } from './1763700000003-append.js';
import { Access1763700000004 } from './1763700000004-access.js';
import { Projections1763700000005 } from './1763700000005-projections.js';
import { Stream1763700000006 } from './1763700000006-stream.js';
import { Dispatcher1763700000007 } from './1763700000007-dispatcher.js';
import { Publishing1763700000008 } from './1763700000008-publishing.js';
import { Keys1763700000009 } from './1763700000009-keys.js';
import { AppendByKey1763700000010 } from './1763700000010-append-by-key.js';
import { DeliveriesOfOwners1763700000011 } from './1763700000011-deliveries-of-owners.js';
import { Lifecycle1763700000012 } from './1763700000012-lifecycle.js';
import { LifecycleLists1763700000013 } from './1763700000013-lifecycle-lists.js';
import { FairExpiry1763700000014 } from './1763700000014-fair-expiry.js';
import { AppendCopied1763700000015 } from './1763700000015-append-copied.js';
import { ShortNameLists1763700000016 } from './1763700000016-short-name-lists.js';
import { AppendMoved1763700000017 } from './1763700000017-append-moved.js';

/** In the order in which they run; only ever added to. */
export const migrations = [
  Journal1763700000001,
  Accounts1763700000002,
  Append1763700000003,
  Access1763700000004,
  Projections1763700000005,
  Stream1763700000006,
  Dispatcher1763700000007,
  Publishing1763700000008,
  Keys1763700000009,
  AppendByKey1763700000010,
  DeliveriesOfOwners1763700000011,
  Lifecycle1763700000012,
  LifecycleLists1763700000013,
  FairExpiry1763700000014,
  AppendCopied1763700000015,
  ShortNameLists1763700000016,
  AppendMoved1763700000017,
];
