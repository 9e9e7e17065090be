import { integration, plant, testsOf, withError } from './plant.mjs';

/** From a command to a commit: what is answered is on disk, once, and the journal can prove it. */
const source = (name) => `libs/journal/src/${name}.ts`;
const suite = (name) => `libs/journal/src/${name}.spec.ts`;
const http = (name) => `apps/ledger/src/http/${name}`;

const recording = [
  withError(
    'are not those after position',
    plant(
      'the last event of a batch is not written',
      source('record-events'),
      `    this.events.push(recorded);
    this.onRecorded(recorded);`,
      `    if (this.events.length > 0) this.onRecorded(this.events.at(-1)!);
    this.events.push(recorded);`,
      testsOf(integration('journal-batches'), 'of a thousand items'),
    ),
  ),
  plant(
    'a position is skipped',
    'libs/domain/src/ledger-state.ts',
    `this.headPosition += 1n;`,
    `this.headPosition += 2n;`,
    'libs/domain/src/ledger-state.spec.ts',
  ),
  plant(
    'the database takes events with a position left out',
    'migrations/1763700000017-append-moved.ts',
    ` OR v_last IS DISTINCT FROM p_read_position + p_count THEN`,
    ` THEN`,
    testsOf(integration('journal-copied-events'), 'a position left out'),
  ),
  plant(
    'the database takes fewer events than the head moves by',
    'migrations/1763700000017-append-moved.ts',
    `v_written IS DISTINCT FROM p_count OR `,
    ``,
    testsOf(integration('journal-copied-events'), 'a position counted and not there'),
  ),
  plant(
    'the database takes a head that is not its last event',
    'migrations/1763700000017-append-moved.ts',
    ` AND hash = p_hash AND recorded_at = p_recorded_at;`,
    ` AND recorded_at = p_recorded_at;`,
    testsOf(integration('journal-copied-events'), 'another hash'),
  ),
  plant(
    'the database takes a batch that makes money of nothing',
    'migrations/1763700000017-append-moved.ts',
    `IF v_is_posted_uneven THEN`,
    `IF v_is_posted_uneven AND p_count > 1_000 THEN`,
    testsOf(integration('journal-lifecycle'), 'makes money of nothing'),
  ),
  plant(
    'the database takes a batch that holds more of one than for the other',
    'migrations/1763700000017-append-moved.ts',
    `IF v_is_pending_uneven THEN`,
    `IF v_is_pending_uneven AND p_count > 1_000 THEN`,
    testsOf(integration('journal-lifecycle'), 'held of one than for the other'),
  ),
  plant(
    'the database takes a balance that does not follow from what moved',
    'migrations/1763700000017-append-moved.ts',
    `AND a.posted_credits - a.posted_debits + t.moved = t.posted_credits - t.posted_debits`,
    ``,
    testsOf(integration('journal-lifecycle'), 'says nothing of it'),
  ),
  plant(
    'all accounts are read for each, by a plan of when there were three',
    'migrations/1763700000017-append-moved.ts',
    `, set_config('enable_material', 'off', true);`,
    `;`,
    testsOf(integration('journal-plans'), 'three accounts'),
  ),
  plant(
    'a command that never fits its accounts keeps others from being committed',
    source('settle-batch'),
    ` || (hasFailedBefore && isStateMismatch(attempt.error))) {`,
    `) {`,
    testsOf(integration('journal-copied-events'), 'never as they were decided on'),
  ),
  plant(
    'the database takes a change of what is held that does not follow from what moved',
    'migrations/1763700000017-append-moved.ts',
    `a.pending_debits - a.pending_credits + coalesce(t.pending_moved, 0)`,
    `a.pending_debits - a.pending_credits + coalesce(t.pending_moved, t.pending_debits - t.pending_credits - a.pending_debits + a.pending_credits, 0)`,
    testsOf(integration('journal-lifecycle'), 'says that nothing moved'),
  ),
  plant(
    'the database takes money of one currency for that of another',
    'migrations/1763700000017-append-moved.ts',
    `WHEN MATCHED AND a.currency = t.currency`,
    `WHEN MATCHED AND true`,
    testsOf(integration('journal-lifecycle'), 'that of another'),
  ),
  plant(
    'an event can be changed by its owner',
    'migrations/1763700000001-journal.ts',
    `CREATE TRIGGER refuse_update BEFORE UPDATE ON journal.events`,
    `CREATE TRIGGER refuse_update BEFORE UPDATE OF hash ON journal.events`,
    testsOf(integration('journal-immutability'), 'because of a trigger'),
  ),
  plant(
    'an effective time is not in the hash of its event',
    source('event-chain'),
    `  writer.bigint(event.effectiveAt);
`,
    ``,
    suite('event-chain'),
  ),
  plant(
    'who asked for an event is not in its hash',
    source('event-chain'),
    `  writer.text(event.actor);
`,
    ``,
    suite('event-chain'),
  ),
  plant(
    'the salt of an event is not in the hash of its data',
    source('event-chain'),
    `bytes.write(dataText, salt.copy(bytes));`,
    `bytes.write(dataText, salt.copy(bytes) * 0);`,
    suite('event-chain'),
  ),
  plant(
    'verify does not compare the data of an event with its hash',
    source('ledger-fold'),
    `return compare('data hash', expected.toString('hex'), kept.toString('hex'));`,
    `return compare('data hash', expected.length, kept.length);`,
    suite('ledger-fold'),
  ),
  plant(
    'verify does not look at the balances of legs',
    source('account-fold'),
    `[leg.posted, leg.pendingIn, leg.pendingOut, leg.available],`,
    `[leg.posted, after.pendingCredits, after.pendingDebits, availableBalance(after)],`,
    suite('ledger-fold'),
  ),
];

const floats = [
  plant(
    'the amount of a leg is read as a number',
    source('encoded-parts'),
    `amount: BigInt(leg.amount),`,
    `amount: BigInt(Number(leg.amount)),`,
    suite('event-codec'),
  ),
  withError(
    'does not sum to zero',
    plant(
      'a balance is read from the database as a number',
      source('account-rows'),
      `postedCredits: BigInt(row[9]),`,
      `postedCredits: BigInt(Number(row[9])),`,
      testsOf(integration('journal-model'), 'of 36 digits'),
    ),
  ),
  plant(
    'a balance is rendered as a number',
    'libs/contracts/src/account.ts',
    `posted: posted.toString(),`,
    `posted: BigInt(Number(posted)).toString(),`,
    http('present.spec.ts'),
  ),
  plant(
    'the amount of an entry is rendered as a number',
    http('present.ts'),
    `amount: entry.amount.toString(),`,
    `amount: BigInt(Number(entry.amount)).toString(),`,
    http('present.spec.ts'),
  ),
  plant(
    'the sums of the trial balance are numbers',
    'apps/ledger/src/journal/get-trial-balance.ts',
    `sum(posted_debits)::text AS debits`,
    `sum(posted_debits)::float8::numeric::text AS debits`,
    testsOf(integration('balance-at'), 'more digits than a number has'),
  ),
];

const committing = [
  plant(
    'a command is answered before its commit is acknowledged',
    source('commit-batch'),
    `      await committed;
`,
    ``,
    testsOf(integration('journal-lost-connection'), 'nobody is answered and nobody is told'),
  ),
  plant(
    'who listens is told before the commit, whatever becomes of it',
    source('settle-batch'),
    `const attempt = await this.attempt(ledgerId, open, hasFailed ? null : lane, ahead);`,
    `this.onCommitted(ledgerId);
      const attempt = await this.attempt(ledgerId, open, hasFailed ? null : lane, ahead);`,
    testsOf(integration('journal-queue'), 'tells those who listen'),
  ),
  plant(
    'a commit without an answer counts as rolled back',
    source('commit-batch'),
    `if (sent && !isReportedByServer(error)) return`,
    `if (sent && error.message === '') return`,
    testsOf(integration('journal-lost-connection'), 'the server commits'),
  ),
  plant(
    'a command is executed after its time',
    source('settle-batch'),
    `if (!unit.isExpired) return true;`,
    `if (!unit.isExpired || code === 'overloaded') return true;`,
    testsOf(integration('journal-queue'), 'a deadline'),
  ),
  plant(
    'a batch that is refused as a whole keeps what came before the refusal',
    source('decide-batch'),
    `if (!outcome.accepted && mode === 'atomic') return batchRefused(index, outcome.refusal);`,
    `if (!outcome.accepted && mode === 'atomic') {
        this.gathered.state.adopt(state);
        toRecord.forEach(record);
        return batchRefused(index, outcome.refusal);
      }`,
    suite('decide-batch'),
  ),
  plant(
    'a dry run is recorded',
    source('decide-batch'),
    `if (!request.isDryRun) {`,
    `if (!request.isDryRun || mode === 'atomic') {`,
    suite('decide-batch'),
  ),
  plant(
    'a dry run of a batch takes no notice of the keys of its items',
    source('decide-batch'),
    `const keyedItems = items.map((item) => keyOf(request.owner, item));`,
    `const keyedItems = items.map((item) => (request.isDryRun ? null : keyOf(request.owner, item)));`,
    suite('decide-batch'),
  ),
  plant(
    'a dry run of a batch does not see the keys that were used before',
    source('name-rows'),
    `for (const item of work.batch.items) add(keyOf(request.owner, item));`,
    `if (!request.isDryRun) for (const item of work.batch.items) add(keyOf(request.owner, item));`,
    testsOf(integration('journal-batches'), 'a dry run'),
  ),
  plant(
    'an earlier request that can not be read is noticed too late',
    source('decide-batch'),
    `const earlier = keyedItems.map((keyedItem) => keyedItem && seen.outcomeOf(keyedItem));`,
    `const earlier: Outcome[] = [];`,
    suite('decide-batch'),
  ),
  plant(
    'of a batch that runs into a bug, what came before it is kept',
    source('decide-batch'),
    `if (recorder.count > recordedBefore) throw new DoneInPart(error);`,
    ``,
    suite('decide-batch'),
  ),
];

const idempotency = [
  plant(
    'a key that was used makes another effect',
    source('decide-batch'),
    `if (replay) return replay;
    const { state, undecidable } = this.gathered;`,
    `if (replay && !replay.accepted) return replay;
    const { state, undecidable } = this.gathered;`,
    suite('decide-batch'),
  ),
  plant(
    'a key that was used in the same batch makes another effect',
    source('decide-batch'),
    `    this.recorder.keep(keyed, events, null);
    this.seen.addCommand(keyed, events);`,
    `    this.recorder.keep(keyed, events, null);`,
    suite('decide-batch'),
  ),
  plant(
    'a key is good for any request of its owner',
    source('seen-requests'),
    `if (earlier.kind !== 'command' || !earlier.requestHash.equals(request.requestHash)) {`,
    `if (earlier.kind !== 'command') {`,
    suite('decide-batch'),
  ),
  plant(
    'the key of another owner is taken for the own',
    source('earlier-requests'),
    'return `${key}\\n${owner}`;',
    'return owner && key;',
    testsOf(integration('journal-idempotency'), 'another owner: another key'),
  ),
  plant(
    'a request is the same whatever its body says',
    http('request-hash.ts'),
    'return sha256(`[${JSON.stringify(method)},${JSON.stringify(path)},${canonicalText(body)}]`);',
    'return sha256(`[${JSON.stringify(method)},${JSON.stringify(path)},${typeof body}]`);',
    http('request-hash.spec.ts'),
  ),
  plant(
    'a request is the same whatever its path is',
    http('request-hash.ts'),
    'return sha256(`[${JSON.stringify(method)},${JSON.stringify(path)},${canonicalText(body)}]`);',
    'return sha256(`[${JSON.stringify(method)},${path.length > 0},${canonicalText(body)}]`);',
    http('request-hash.spec.ts'),
  ),
  plant(
    'an amount as a number makes another request than its digits',
    http('request-hash.ts'),
    `if (amountFields.has(field) && Number.isSafeInteger(value))`,
    `if (amountFields.has(field) && value === null)`,
    http('request-hash.spec.ts'),
  ),
];

const remembering = [
  plant(
    'what a process knew of accounts counts although another has written since',
    source('known-accounts'),
    `known.left.writtenBy === writtenBy && known.left.hash.equals(hash)`,
    `known.left.hash.length === hash.length && writtenBy !== ''`,
    integration('journal-known-accounts'),
  ),
  plant(
    'a process goes on with what it knew of rows that were mended',
    source('replace-state'),
    `UPDATE journal.heads SET position = position WHERE ledger_id = $1`,
    `SELECT FROM journal.heads WHERE ledger_id = $1`,
    testsOf(integration('journal-known-accounts'), 'that are mended'),
  ),
  plant(
    'settings are changed by what was known of an account without them',
    source('gather-batch'),
    `names.hasSettings ? null : memory.of(ledgerId)`,
    `memory.of(ledgerId)`,
    testsOf(integration('journal-known-accounts'), 'settings are read'),
  ),
  plant(
    'a process goes on with what it knew after the database has refused it',
    source('commit-batch'),
    `    parts.memory.forget(parts.ledgerId);
`,
    ``,
    testsOf(integration('journal-known-accounts'), 'changed by hand'),
  ),
  plant(
    'there is no end to what is remembered of accounts',
    source('known-accounts'),
    `if (this.count <= this.accountsMax) return;`,
    `if (this.count <= this.accountsMax * 1_000) return;`,
    suite('known-accounts'),
  ),
];

const writing = [
  plant(
    'an external id is not in the event of a transfer',
    source('encoded-parts'),
    `externalId === null ? 'null' : JSON.stringify(externalId)`,
    `'null'`,
    suite('event-codec'),
  ),
];

const ahead = [
  plant(
    'an account is as it was read, and not as the batch in front has left it',
    'libs/domain/src/ledger-state.ts',
    `if (!this.accounts.has(account.id)) this.accounts.set(account.id, account);`,
    `this.accounts.set(account.id, account);`,
    'libs/domain/src/ledger-state.spec.ts',
    testsOf(integration('journal-ahead'), 'made and destroyed'),
  ),
  plant(
    'an account that was read ahead is remembered as it was before the batch in front',
    source('ahead-batch'),
    `return gathered.map(({ id }) => state.account(id)!);`,
    `return gathered;`,
    testsOf(integration('journal-ahead'), 'remembered as the last of them'),
  ),
  plant(
    'a batch that was decided ahead is written whatever the head is',
    source('ahead-batch'),
    `if (isExpected(head, expected) && `,
    `if (`,
    testsOf(integration('journal-ahead'), 'another process comes in between'),
  ),
  plant(
    'a batch is recorded at a time long past',
    source('ahead-batch'),
    ` && performance.now() - read.sentAt < sentAheadMsMax`,
    ``,
    testsOf(integration('journal-ahead'), 'decided long ago'),
  ),
  plant(
    'a key that the batch in front uses up is taken for a free one',
    source('ahead-batch'),
    `row.requests !== null || keysMeet(batch, names)`,
    `row.requests !== null`,
    testsOf(integration('journal-ahead'), 'a key is used up'),
  ),
  plant(
    'a key that was used up before is taken for a free one',
    source('ahead-batch'),
    `row.requests !== null || keysMeet(batch, names)`,
    `keysMeet(batch, names)`,
    testsOf(integration('journal-ahead'), 'used up long before'),
  ),
  plant(
    'money is made out of a ROOT that was not read',
    source('ahead-batch'),
    `if (!read || front.batch.settings.length > 0) return null;`,
    `if (!read) return null;`,
    testsOf(integration('journal-ahead'), 'of which nobody else has any'),
  ),
  plant(
    'what changes a currency is decided ahead without its rate',
    source('ahead-batch'),
    `if (needsRules(names, named)) return null;`,
    ``,
    testsOf(integration('journal-ahead'), 'rates, for which more has to be read'),
  ),
  withError(
    "reading 'map'",
    plant(
      'what has expired is executed, with the answers of others',
      source('settle-batch'),
      `if (ahead && !ahead.isOf(open)) {`,
      `if (ahead && open.length === 0) {`,
      testsOf(integration('journal-ahead'), 'what expires while'),
    ),
  ),
  plant(
    'a batch that more would still join is decided ahead',
    source('lane'),
    `if (!isFull || `,
    `if (count === 0 || `,
    suite('lane'),
    testsOf(integration('journal-ahead'), 'more would still join'),
  ),
  plant(
    'a process keeps a ledger for as long as it has full batches',
    source('ahead-batch'),
    `known === null || sentAt - runSince > runMsMax`,
    `known === null`,
    testsOf(integration('journal-ahead'), 'there is a gap for others'),
  ),
  plant(
    'a busy ledger keeps the connection that another one waits for',
    source('settle-batch'),
    `this.pool.waitingCount === 0 && this.isKeptUpWith(ledgerId)`,
    `this.isKeptUpWith(ledgerId)`,
    testsOf(integration('journal-ahead'), 'for whose connection'),
  ),
  plant(
    'lists fall behind a ledger whose batches are decided ahead',
    source('settle-batch'),
    `this.pool.waitingCount === 0 && this.isKeptUpWith(ledgerId)`,
    `this.pool.waitingCount === 0`,
    testsOf(integration('journal-ahead'), 'followed too slowly'),
  ),
  plant(
    'what is on disk is looked for behind the batch that keeps the head',
    source('commit-batch'),
    `let isThere = await isOnDisk(client, ledgerId, batch);`,
    `let isThere = false;`,
    testsOf(integration('journal-ahead'), 'on a connection that is silent'),
  ),
];

const binary = [
  plant(
    'an absent text of an array is stored as an empty one',
    'libs/platform/src/binary-arrays.ts',
    `fields.text(value)`,
    `fields.text(value ?? '')`,
    integration('binary-arrays'),
  ),
];

const copying = [
  plant(
    'a batch leaves the clock of its events behind',
    'libs/domain/src/ledger-state.ts',
    `this.headRecordedAt = overlay.headRecordedAt;`,
    ``,
    'libs/domain/src/ledger-state.spec.ts',
  ),
  plant(
    'an absent field of an event is stored as an empty one',
    'libs/platform/src/field-writer.ts',
    `const absent = -1;`,
    `const absent = 0;`,
    suite('event-row-writer'),
  ),
  plant(
    'an event before 2000 takes effect after it',
    'libs/platform/src/field-writer.ts',
    `null : micros - microsOf2000`,
    `null : micros < microsOf2000 ? microsOf2000 - micros : micros - microsOf2000`,
    suite('event-row-writer'),
  ),
  plant(
    'a process that is frozen in the middle of its events keeps the ledger',
    source('settle-batch'),
    `await this.endFrozenAfter(ledgerId, attempt.error);`,
    ``,
    testsOf(integration('journal-copied-events'), 'loses the ledger to the others'),
  ),
  plant(
    'a process whose connection has gone silent waits for its own session',
    source('settle-batch'),
    `await this.endFrozenAfter(ledgerId, error);`,
    ``,
    testsOf(integration('journal-copied-events'), 'ends its own old session'),
  ),
  plant(
    'rows that are given up are never ended, and keep the ledger',
    source('commit-batch'),
    `begun?.copy.abandon();`,
    ``,
    testsOf(integration('journal-copied-events'), 'leaves the ledger free at once'),
  ),
  plant(
    'what a batch was refused for is hidden by what COMMIT was answered',
    source('commit-batch'),
    `await written;`,
    `await committed;
        await written;`,
    testsOf(integration('journal-copied-events'), 'all that the server says is read at once'),
  ),
  plant(
    'an effect without its event is written',
    source('decide-batch'),
    `if (gathered.state.position !== head.position + BigInt(batch.events.length)) throw new StateAheadOfEvents();`,
    ``,
    testsOf(suite('decide-batch'), 'an effect without its event'),
  ),
  plant(
    'the answers of a long batch wait for the next one, however long that takes',
    source('settle-batch'),
    `const timer = setTimeout(tell, lateAnswerMsMax);`,
    `const timer = undefined;`,
    testsOf(integration('journal-copied-events'), 'do not wait for a next one'),
  ),
];

export const plantedInJournal = [
  ...recording,
  ...floats,
  ...committing,
  ...idempotency,
  ...remembering,
  ...ahead,
  ...writing,
  ...binary,
  ...copying,
];
