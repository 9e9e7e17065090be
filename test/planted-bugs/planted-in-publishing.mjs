import { integration, plant } from './plant.mjs';

/** From the journal to the topics, and holds that end by themselves. */
const source = (name) => `apps/ledger/src/${name}.ts`;
const publisher = source('publishing/journal-publisher');
const scans = source('publishing/scan-ledgers');

const publishing = [
  plant(
    'a checkpoint of publishing is saved before the broker has acknowledged',
    publisher,
    `      for (const messages of batch.sends) await this.send(messages);
      if (batch.moves.length > 0) await this.save(term, batch);`,
    `      if (batch.moves.length > 0) await this.save(term, batch);
      for (const messages of batch.sends) await this.send(messages);`,
    integration('journal-publisher'),
  ),
  plant(
    'checkpoints of publishing are saved under a term that has ended',
    scans,
    `WHERE l.term = $1 FOR SHARE`,
    `WHERE l.term >= $1 FOR SHARE`,
    integration('journal-publisher'),
  ),
  plant(
    'a checkpoint of publishing is saved wherever it is by now',
    scans,
    `WHERE c.ledger_id = m.ledger_id AND c.position = m.old_position`,
    `WHERE c.ledger_id = m.ledger_id AND m.old_position >= 0`,
    integration('journal-publisher'),
  ),
  plant(
    'who no longer leads goes on to publish',
    publisher,
    `if (leadership.term !== term) return false;`,
    ``,
    integration('journal-publisher'),
  ),
  plant(
    'the events in front of one that can not be rendered are not published',
    source('publishing/render-batch'),
    `        parkedReason = rendered;
        break;`,
    `        parkedReason = rendered;
        reached = null;
        break;`,
    source('publishing/render-batch.spec'),
  ),
  plant(
    'an event that finds no room in a send is passed over',
    source('publishing/render-batch'),
    `        unfinished.push(ledgerId);
        break;`,
    `        unfinished.push(ledgerId);
        continue;`,
    source('publishing/render-batch.spec'),
  ),
];

const expiring = [
  plant(
    'a hold that was captured in part does not expire',
    source('expiry/scan-due-holds'),
    `WHERE p.status IN ('pending', 'partially_captured') AND p.expires_at <= statement_timestamp()`,
    `WHERE p.status IN ('pending') AND p.expires_at <= statement_timestamp()`,
    integration('due-holds'),
  ),
  plant(
    'a hold that could not be released is left to itself',
    source('expiry/expiry-worker'),
    `      this.retries.delete(retry);
      this.leftOut.delete(transactionId);`,
    `      this.retries.delete(retry);`,
    source('expiry/expiry-worker.spec'),
  ),
];

export const plantedInPublishing = [...publishing, ...expiring];
