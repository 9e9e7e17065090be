import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What lists are served from, made from the journal alone. The account of a system party is stored as one
 * fixed id per name, for all currencies, because that is how lists are asked for it.
 */
export class Projections1763700000005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA projections;

      CREATE TABLE projections.checkpoints (
        projection    text NOT NULL,
        ledger_id     uuid NOT NULL,
        position      bigint NOT NULL,
        parked_reason text,
        PRIMARY KEY (projection, ledger_id)
      ) WITH (fillfactor = 20);

      -- What lists filter by; what they show comes from the journal row at the same position. The reference is
      -- kept in lower case, so that a search need not fold it row by row.
      CREATE TABLE projections.transactions (
        ledger_id   uuid NOT NULL,
        position    bigint NOT NULL,
        id          uuid NOT NULL,
        type        text NOT NULL,
        status      text NOT NULL,
        amount      numeric,
        currency    text,
        amounts     numeric[],
        currencies  text[],
        reference   text,
        external_id text,
        PRIMARY KEY (ledger_id, position)
      );
      CREATE INDEX transactions_type ON projections.transactions (ledger_id, type, position);
      CREATE INDEX transactions_not_posted ON projections.transactions (ledger_id, status, position)
        WHERE status <> 'posted';
      CREATE INDEX transactions_external_id ON projections.transactions (ledger_id, external_id, position)
        WHERE external_id IS NOT NULL;
      -- Searched one block of 32,768 positions after the other, newest first, so that a search stops when its
      -- page is full and costs the same in a large ledger. Each of them also reads the pending list, which is
      -- therefore short; much shorter, and adding to the index would cost twice as much.
      CREATE INDEX transactions_reference ON projections.transactions
        USING gin (ledger_id, (position >> 15), reference gin_trgm_ops) WITH (gin_pending_list_limit = 1024)
        WHERE reference IS NOT NULL;

      CREATE TABLE projections.transaction_parties (
        ledger_id  uuid NOT NULL,
        account_id uuid NOT NULL,
        side       text NOT NULL,
        position   bigint NOT NULL,
        PRIMARY KEY (ledger_id, account_id, side, position)
      );

      CREATE TABLE projections.event_owners (
        ledger_id uuid NOT NULL,
        owner_id  text NOT NULL,
        position  bigint NOT NULL,
        PRIMARY KEY (ledger_id, owner_id, position)
      );

      CREATE TABLE projections.entries (
        ledger_id               uuid NOT NULL,
        account_id              uuid NOT NULL,
        position                bigint NOT NULL,
        leg                     integer NOT NULL,
        event_id                uuid NOT NULL,
        transaction_id          uuid NOT NULL,
        direction               text NOT NULL,
        amount                  numeric NOT NULL,
        balance_after           numeric NOT NULL,
        entry_number            bigint NOT NULL,
        counterparty_id         uuid NOT NULL,
        counterparty_system     text,
        counterparty_visibility text NOT NULL,
        counterparty_owner_id   text,
        reference               text,
        recorded_at             timestamptz NOT NULL,
        PRIMARY KEY (ledger_id, account_id, position, leg)
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP SCHEMA projections CASCADE');
  }
}
