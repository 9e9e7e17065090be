import type { RequestExamples } from '#openapi';
import { exampleIds } from '#contracts';

const { account, otherAccount } = exampleIds;

/** Bodies to begin with, by the name of their class. Each of them is sent to the API by a test. */
export const requestExamples: RequestExamples = {
  OpenAccountBody: {
    plain: { summary: 'An account without debts', value: { name: 'Alice', currency: 'EUR' } },
    withMoney: {
      summary: 'With money on it, and all that can be said of it',
      value: {
        name: 'Alice',
        currency: 'EUR',
        visibility: 'unlisted',
        externalId: 'user-17',
        ownerId: 'alice',
        openingBalance: '1000',
        minBalance: '-5000',
        maxBalance: '1000000',
        metadata: { tier: 'gold' },
      },
    },
    withoutLimits: {
      summary: 'One that may go below zero without an end',
      value: { name: 'Settlement', currency: 'EUR', minBalance: null },
    },
  },
  UpdateAccountBody: {
    rename: { summary: 'Change its name', value: { name: 'Alice B.' } },
    limits: { summary: 'Let it owe 50.00', value: { minBalance: '-5000', maxBalance: null } },
    clear: { summary: 'Take its externalId and metadata away', value: { externalId: null, metadata: null } },
    freeze: { summary: 'Freeze it', value: { status: 'frozen' } },
    unfreeze: { summary: 'Open it again', value: { status: 'open', visibility: 'public' } },
  },
  CreateTransactionBody: {
    transfer: {
      summary: 'From an account to another',
      value: {
        sender: account,
        recipient: otherAccount,
        amount: '250',
        reference: 'Lunch',
        externalId: 'order-8',
        metadata: { cashier: 4 },
      },
    },
    number: {
      summary: 'The amount as a JSON integer',
      value: { sender: account, recipient: otherAccount, amount: 250 },
    },
    mint: { summary: 'Out of ROOT', value: { sender: 'ROOT', recipient: account, amount: '1000' } },
  },
  MintBody: {
    mint: {
      summary: 'Money that came from outside',
      value: { recipient: account, amount: '1000', reference: 'Deposit 2026-01-31', externalId: 'deposit-3' },
    },
  },
  BurnBody: {
    burn: {
      summary: 'Money that went outside',
      value: { sender: account, amount: '100', reference: 'Payout 2026-01-31', externalId: 'payout-5' },
    },
  },
};
