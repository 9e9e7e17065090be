import { setTimeout as sleep } from 'node:timers/promises';
import { Registry } from 'prom-client';
import type { LedgerCommand } from '#domain';
import { JournalUnavailable, type Outcome, type WriteRequest } from '#journal';
import { expiryMetrics } from './expiry-metrics.js';
import { ExpiryWorker, type ExpiryWorkerSettings } from './expiry-worker.js';
import { overdueMax } from './scan-due-holds.js';

const settings: ExpiryWorkerSettings = {
  scanEveryMs: 5,
  walkEveryMs: 60_000,
  holdsPerScanMax: 10,
  holdsUnderWayPerLedgerMax: 4,
  retryMs: 60,
  decideMs: 1_000,
};
const accepted: Outcome = { accepted: true, isReplay: false, isDryRun: false, events: [] };
const refused: Outcome = {
  accepted: false,
  refusal: { code: 'transaction_not_pending', message: 'the hold is voided', path: null },
};

/** What is due, as the table would have it, and a journal that does as it is told. */
class Ledgers {
  readonly due = new Map<string, string>();
  /** Due by the clocks of their ledgers alone, or out of a scan's sight. */
  readonly walked = new Map<string, string>();
  walks = 0;
  readonly submitted: { readonly request: WriteRequest; readonly transactionId: string }[] = [];
  readonly logged: object[] = [];
  readonly metrics = expiryMetrics(new Registry());
  decide: (transactionId: string) => Promise<Outcome> = (transactionId) => {
    this.due.delete(transactionId);
    return Promise.resolve(accepted);
  };
  scan: () => void = () => undefined;
  readonly worker: ExpiryWorker;

  constructor(changes: Partial<ExpiryWorkerSettings> = {}) {
    const tell = (fields: object) => void this.logged.push(fields);
    this.worker = new ExpiryWorker({
      pool: {
        query: (({ name, values }: { name: string; values: unknown[] }) =>
          name === 'walk-due-holds' ? this.walk(values) : this.query(values)) as never,
      },
      journal: { submit: (request, command) => this.submit(request, command) },
      metrics: this.metrics,
      logger: { debug: tell, info: tell, warn: tell, error: tell },
      settings: { ...settings, ...changes },
    });
  }

  add(ledgerId: string, ...transactionIds: string[]): void {
    for (const transactionId of transactionIds) this.due.set(transactionId, ledgerId);
  }

  timesSubmitted(transactionId: string): number {
    return this.submitted.filter((each) => each.transactionId === transactionId).length;
  }

  private async query([limit, transactionIds, ledgerIds]: unknown[]) {
    this.scan();
    const found = [...this.due].filter(
      ([transactionId, ledgerId]) =>
        !(transactionIds as string[]).includes(transactionId) && !(ledgerIds as string[]).includes(ledgerId),
    );
    const counted = { overdue: this.due.size, oldest: '1500000' };
    const rows = found.slice(0, limit as number).map(([transaction_id, ledger_id]) => {
      return { ...counted, transaction_id, ledger_id };
    });
    return { rows: rows.length > 0 ? rows : [{ ...counted, transaction_id: null, ledger_id: null }] };
  }

  private async walk([, transactionIds]: unknown[]) {
    this.walks++;
    const found = [...this.walked].filter(([id]) => !(transactionIds as string[]).includes(id));
    return {
      rows: found.map(([transaction_id, ledger_id]) => ({
        last: ledger_id,
        number: 1,
        transaction_id,
        ledger_id,
      })),
    };
  }

  private submit(request: WriteRequest, command: LedgerCommand): Promise<Outcome> {
    if (command.kind !== 'expire-hold') throw new Error(`it submits ${command.kind}`);
    this.submitted.push({ request, transactionId: command.transactionId });
    return this.decide(command.transactionId);
  }
}

let ledgers: Ledgers;
afterEach(() => ledgers.worker.stop());

async function until(holds: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 2_000; !holds(); await sleep(2)) {
    if (performance.now() > deadline) throw new Error('not within 2 s');
  }
}
const expired = async () => (await ledgers.metrics.expired.get()).values[0]!.value;

it('releases what is due, once each, in the name of the ledger', async () => {
  ledgers = new Ledgers();
  ledgers.add('a', 'a1', 'a2');
  ledgers.add('b', 'b1');
  ledgers.worker.start();
  await until(() => ledgers.due.size === 0);
  await sleep(30);
  expect(ledgers.submitted.map(({ request, transactionId }) => [request.ledgerId, transactionId])).toEqual([
    ['a', 'a1'],
    ['a', 'a2'],
    ['b', 'b1'],
  ]);
  const [{ request }] = ledgers.submitted as [(typeof ledgers.submitted)[number]];
  expect(request).toMatchObject({ actor: 'ledger', owner: '', idempotencyKey: null, isDryRun: false });
  expect(request.deadlineAt).toBeGreaterThan(performance.now());
  expect(await expired()).toBe(3);
});

it('submits nothing twice that is still to be decided', async () => {
  ledgers = new Ledgers();
  let settle: (outcome: Outcome) => void = () => undefined;
  ledgers.decide = () => new Promise((resolve) => (settle = resolve));
  ledgers.add('a', 'a1');
  ledgers.worker.start();
  await until(() => ledgers.submitted.length > 0);
  await sleep(60);
  expect(ledgers.timesSubmitted('a1')).toBe(1);
  ledgers.due.clear();
  settle(accepted);
});

it('leaves a ledger that stands still to itself, and goes on with the others', async () => {
  ledgers = new Ledgers();
  ledgers.add('stuck', ...Array.from({ length: 50 }, (_, n) => `s${n}`));
  ledgers.add('b', 'b1');
  const released = ledgers.decide;
  ledgers.decide = (id) => (id.startsWith('s') ? new Promise(() => undefined) : released(id));
  ledgers.worker.start();
  await until(() => !ledgers.due.has('b1'));
  await sleep(30);
  // One scan may find more than the ledger is to have under way.
  expect(ledgers.submitted.length).toBeLessThanOrEqual(11);
});

it('takes a refusal for an answer, and looks again a while later', async () => {
  ledgers = new Ledgers();
  ledgers.decide = () => Promise.resolve(refused);
  ledgers.add('a', 'a1');
  ledgers.worker.start();
  await sleep(40);
  expect(ledgers.timesSubmitted('a1')).toBe(1);
  await until(() => ledgers.timesSubmitted('a1') === 2);
  expect(await expired()).toBe(0);
  expect(ledgers.logged).toEqual([]);
});

it('tries again what failed, and tells of it in one line', async () => {
  ledgers = new Ledgers();
  const released = ledgers.decide;
  const failing = new Set(['a1', 'a2']);
  ledgers.decide = (id) => {
    if (!failing.delete(id)) return released(id);
    return Promise.reject(new JournalUnavailable('overloaded', 'too many requests are waiting'));
  };
  ledgers.add('a', 'a1', 'a2', 'a3');
  ledgers.worker.start();
  await until(() => ledgers.due.size === 0);
  expect(ledgers.logged).toEqual([expect.objectContaining({ failures: 2 })]);
  expect((await ledgers.metrics.failures.get()).values[0]!.value).toBe(2);
  expect(await expired()).toBe(3);
});

it('goes on after a scan that failed, at its own pace', async () => {
  ledgers = new Ledgers({ scanEveryMs: 20 });
  let scans = 0;
  ledgers.scan = () => {
    if (++scans < 4) throw new Error('the database is away');
  };
  ledgers.add('a', 'a1');
  ledgers.worker.start();
  await sleep(30);
  expect(scans).toBeLessThan(4);
  await until(() => ledgers.due.size === 0);
});

it('goes on at once while there is more than a scan finds', async () => {
  ledgers = new Ledgers({ scanEveryMs: 60_000, holdsUnderWayPerLedgerMax: 1_000 });
  ledgers.add('a', ...Array.from({ length: 95 }, (_, n) => `a${n}`));
  ledgers.worker.start();
  await until(() => ledgers.due.size === 0);
  expect(ledgers.submitted).toHaveLength(95);
});

it('looks at ledgers one by one now and then', async () => {
  ledgers = new Ledgers({ walkEveryMs: 20 });
  ledgers.walked.set('b1', 'b');
  ledgers.decide = (id) => {
    ledgers.walked.delete(id);
    return Promise.resolve(accepted);
  };
  ledgers.worker.start();
  await until(() => ledgers.submitted.length === 1);
  expect(ledgers.submitted[0]).toMatchObject({ request: { ledgerId: 'b' }, transactionId: 'b1' });
});

it('looks at ledgers one by one at once where more are due than it sees', async () => {
  ledgers = new Ledgers();
  ledgers.decide = () => new Promise(() => undefined);
  ledgers.add('a', 'a1');
  ledgers.worker.start();
  await until(() => ledgers.submitted.length === 1);
  expect(ledgers.walks).toBe(0);
  ledgers.add('a', ...Array.from({ length: overdueMax }, (_, n) => `more-${n}`));
  ledgers.walked.set('b1', 'b');
  await until(() => ledgers.timesSubmitted('b1') === 1);
});

it('submits nothing once it is stopped', async () => {
  ledgers = new Ledgers();
  ledgers.worker.start();
  await sleep(20);
  await ledgers.worker.stop();
  ledgers.add('a', 'a1');
  await sleep(30);
  expect(ledgers.submitted).toEqual([]);
});

it('tells how many are overdue, and since when', async () => {
  ledgers = new Ledgers();
  ledgers.decide = () => new Promise(() => undefined);
  ledgers.add('a', 'a1', 'a2');
  ledgers.worker.start();
  await until(() => ledgers.submitted.length === 2);
  expect((await ledgers.metrics.overdue.get()).values[0]!.value).toBe(2);
  expect((await ledgers.metrics.oldestSeconds.get()).values[0]!.value).toBe(1.5);
});
