import type pg from 'pg';
import type { Account, LedgerState } from '#domain';
import { readAccountRow } from './account-rows.js';
import { decideBatch, type DecidedBatch } from './decide-batch.js';
import { requestIdentity } from './earlier-requests.js';
import { EventCopy } from './event-copy.js';
import {
  lockHead,
  readNamed,
  splitByMemory,
  type GatheredRow,
  type Head,
  type LockedHead,
} from './gather-batch.js';
import { needsRules } from './gather-rules.js';
import type { KnownAccounts } from './known-accounts.js';
import { namesOf, type RowNames } from './name-rows.js';
import { lockTimeoutOf, type QueuedUnit } from './queued-unit.js';

/** What the batches of one ledger are written with. */
export interface LaneParts {
  readonly pool: pg.Pool;
  readonly memory: KnownAccounts;
  readonly ledgerId: string;
  /** Called when a COMMIT is on its way. */
  readonly onSent: () => void;
  /**
   * The batch that would be next if so many units of the queue were gone, where it is full, so that what comes later
   * changes nothing of it, and may be decided ahead. It goes on waiting.
   */
  readonly peekFull: (skipped: number) => readonly QueuedUnit[] | null;
}

/** A batch that is decided, and whose events are on their way, in a transaction that has the head's lock. */
export interface BegunBatch {
  readonly client: pg.PoolClient;
  readonly head: LockedHead;
  readonly copy: EventCopy;
  /** As the batch leaves it. */
  readonly state: LedgerState;
  readonly batch: DecidedBatch;
  /** Those of the accounts that came from the database, as they were before. */
  readonly accountsRead: readonly Account[];
  readonly readBehind: ReadBehind | null;
}

/** A batch that still waits, with the rows that its decisions need. */
export interface ReadBehind {
  readonly units: readonly QueuedUnit[];
  readonly names: RowNames;
  /** Accounts that were asked for, the others being known. */
  readonly asked: ReadonlySet<string>;
  readonly row: Promise<GatheredRow>;
  readonly sentAt: number;
  /** When the first of an unbroken run of batches was read ahead. */
  readonly runSince: number;
}

/**
 * A lock that is asked for right behind a COMMIT is there before a process that waits for it has woken up; between two
 * transactions that one is first. So after this time there is a gap.
 */
const runMsMax = 300;

/** What is decided ahead is recorded at the time that was read with its rows, and must not be in the past for long. */
const sentAheadMsMax = 1_000;

/**
 * Sends the reads of the batch behind another one, where it may be decided ahead: under the lock that this other one
 * has, before any of its events.
 * @param skipped how many units are in front of it in the queue
 * @param runSince of the batch in front, where that was read ahead itself
 */
export function readBehind(
  { ledgerId, memory, peekFull }: LaneParts,
  client: pg.ClientBase,
  skipped: number,
  runSince = performance.now(),
): ReadBehind | null {
  const sentAt = performance.now();
  const known = memory.of(ledgerId);
  if (known === null || sentAt - runSince > runMsMax) return null;
  const units = peekFull(skipped);
  if (units === null) return null;
  const names = namesOf(units);
  if (!isPlain(units, names)) return null;
  const { known: accountsKnown, unknown } = splitByMemory(names, known);
  const row = readNamed(client, ledgerId, names, accountsKnown, unknown);
  // Where it fails, so does the batch in front, whose transaction it is read in.
  row.catch(() => undefined);
  return { units, names, asked: new Set(unknown), row, sentAt, runSince };
}

/** Made of transactions alone, which need nothing but accounts, keys and external ids, and perhaps rules. */
function isPlain(units: readonly QueuedUnit[], names: RowNames): boolean {
  return names.drafts.length === units.reduce((sum, { commands }) => sum + commands, 0);
}

/**
 * Decides the batch behind one that was just sent with its COMMIT, on the state which that one leaves, and sends its
 * events behind that COMMIT: while Postgres writes the one, this process works on the other. Its units wait in the
 * queue all the same, and nothing of it can stay before `confirm` has found the head as the one in front has left it.
 * Null where it can't be decided ahead.
 */
export async function decideAhead(parts: LaneParts, front: BegunBatch): Promise<AheadBatch | null> {
  const { client, readBehind: read, state } = front;
  // An account that it opens may be of a currency whose system accounts were not asked for.
  if (!read || front.batch.settings.length > 0) return null;
  const { units } = read;
  const accountsRead = await gatherBehind(parts, front, read);
  if (accountsRead === null || !areSame(units, parts.peekFull(0))) return null;
  const { ledgerId } = parts;
  const locked = lockHead(client, ledgerId, lockTimeoutOf(units));
  locked.catch(() => undefined);
  const copy = new EventCopy(client, ledgerId);
  try {
    const next = readBehind(parts, client, units.length, read.runSince);
    const head = headAfter(front);
    const gathered = { state, earlierRequests: new Map(), undecidable: new Map() };
    const batch = decideBatch(ledgerId, head, gathered, units, (event) => copy.write(event));
    const begun = { client, copy, state, batch, accountsRead, readBehind: next };
    return new AheadBatch(parts, read, locked, head, begun);
  } catch {
    // A bug that fails the whole batch is found again when its turn comes, and dealt with there.
    copy.abandon();
    client.query('ROLLBACK').catch(() => undefined);
    return null;
  }
}

function areSame(units: readonly QueuedUnit[], others: readonly QueuedUnit[] | null): boolean {
  return units.length === others?.length && units.every((unit, index) => unit === others[index]);
}

/**
 * Goes on with the state that the batch in front leaves, and gives those of the accounts that were read. Null where
 * more would have to be read, or what was read is of no use: its turn will tell.
 */
async function gatherBehind(
  { memory, ledgerId }: LaneParts,
  { state, batch }: BegunBatch,
  { names, asked, row: answer }: ReadBehind,
): Promise<readonly Account[] | null> {
  try {
    const row = await answer;
    if (row.requests !== null || keysMeet(batch, names)) return null;
    const gathered = row.accounts?.map(readAccountRow) ?? [];
    const [named, missing] = [[...gathered], [...gathered]];
    // Looked up now and not when the rows were asked for: a batch further in front may have been on its way then.
    const known = memory.of(ledgerId);
    for (const id of names.accounts) {
      const left = state.account(id);
      const account = left ?? known?.get(id);
      if (!account && !asked.has(id)) return null;
      if (account) named.push(account);
      if (account && !left) missing.push(account);
    }
    if (needsRules(names, named)) return null;
    memory.noteGathered(named.length - gathered.length, gathered.length);
    const taken = row.transaction_external_ids ?? [];
    state.goOn({ now: BigInt(row.now), accounts: missing, transactionExternalIds: taken });
    return gathered.map(({ id }) => state.account(id)!);
  } catch {
    return null;
  }
}

function keysMeet({ requests }: DecidedBatch, { keys }: RowNames): boolean {
  const used = new Set(requests.map(({ owner, key }) => requestIdentity(owner, key)));
  return [...keys.values()].some(({ owner, key }) => used.has(requestIdentity(owner, key)));
}

type ExpectedHead = Head & Pick<LockedHead, 'writtenBy'>;

function headAfter({ head, batch }: BegunBatch): ExpectedHead {
  const { position, hash, recordedAt } = batch.events[batch.events.length - 1]!;
  return { epoch: head.epoch, position, hash, recordedAt, writtenBy: head.lockedBy };
}

/** A batch that was decided ahead, on the connection of the one in front of it. */
export class AheadBatch {
  constructor(
    private readonly parts: LaneParts,
    private readonly read: ReadBehind,
    private readonly locked: Promise<LockedHead>,
    private readonly expected: ExpectedHead,
    private readonly begun: Omit<BegunBatch, 'head'>,
  ) {}

  isOf(units: readonly QueuedUnit[]): boolean {
    return areSame(this.read.units, units);
  }

  /** Where the connection is about to be thrown away. */
  abandon(): void {
    this.begun.copy.abandon();
  }

  /** Leaves nothing of what was decided, and gives the connection back. */
  async giveUp(): Promise<void> {
    const { client, copy } = this.begun;
    copy.abandon();
    try {
      await client.query('ROLLBACK');
      client.release();
    } catch {
      client.release(true);
    }
  }

  /**
   * To be called once the batch in front is committed. Null where this one has to be begun anew, and nothing is left of
   * it.
   * @throws what the server said of the lock; the connection is given up then
   */
  async confirm(): Promise<BegunBatch | null> {
    const { parts, read, begun, expected } = this;
    let head: LockedHead;
    try {
      head = await this.locked;
    } catch (error) {
      this.abandon();
      begun.client.release(true);
      throw error;
    }
    parts.memory.recognise(parts.ledgerId, head);
    if (isExpected(head, expected) && performance.now() - read.sentAt < sentAheadMsMax)
      return { ...begun, head };
    await this.giveUp();
    return null;
  }
}

function isExpected(head: LockedHead, expected: ExpectedHead): boolean {
  return (
    head.writtenBy === expected.writtenBy &&
    head.epoch === expected.epoch &&
    head.position === expected.position &&
    head.hash.equals(expected.hash)
  );
}
