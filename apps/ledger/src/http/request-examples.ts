import type { RequestExamples } from '#openapi';
import { exampleIds } from '#contracts';

const { account, otherAccount } = exampleIds;
/** In another currency than the others. */
export const dollarAccount = 'acc_01jd3v5c9kqs4t7xw2m8r0g6yf';

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
    postings: {
      summary: 'One payment split over several accounts, all of it or nothing',
      value: {
        postings: [
          { sender: account, recipient: otherAccount, amount: '95' },
          { sender: account, recipient: 'ROOT', amount: '5' },
        ],
        reference: 'Sale with fee',
      },
    },
    hold: {
      summary: 'Money that is held, to be captured later',
      value: {
        sender: account,
        recipient: otherAccount,
        amount: '100',
        pending: true,
        expiresAt: '2099-12-31T23:59:59Z',
      },
    },
    exchange: {
      summary: 'Into another currency, at a rate of its own',
      value: { sender: account, recipient: dollarAccount, amount: '100', exchangeRate: '1.0837' },
    },
    conditional: {
      summary: 'Only while there is enough',
      value: {
        sender: account,
        recipient: otherAccount,
        amount: '10',
        conditions: [{ accountId: account, minPosted: '100' }],
      },
    },
    backdated: {
      summary: 'What took effect earlier',
      value: { sender: account, recipient: otherAccount, amount: '10', effectiveAt: '2024-12-31T22:00:00Z' },
    },
    dryRun: {
      summary: 'What would happen',
      value: { sender: account, recipient: otherAccount, amount: '10', dryRun: true },
    },
  },
  CaptureHoldBody: {
    part: { summary: 'A part, and the rest stays held', value: { amount: '60' } },
    last: { summary: 'A part, and the rest is released', value: { amount: '60', final: true } },
    all: { summary: 'All that is left', value: {} },
  },
  VoidHoldBody: {
    release: { summary: 'Release all of it', value: {} },
    dryRun: { summary: 'What would happen', value: { dryRun: true } },
  },
  ExtendHoldBody: {
    longer: { summary: 'Until another time', value: { expiresAt: '2099-12-31T23:59:59Z' } },
  },
  ReverseTransactionBody: {
    refund: { summary: 'Give a part back', value: { amount: '25', reason: 'Breakfast was not served' } },
    all: { summary: 'All that is left', value: {} },
  },
  CreateBatchBody: {
    payroll: {
      summary: 'Each by itself, with keys of their own',
      value: {
        mode: 'independent',
        transactions: [
          { sender: account, recipient: otherAccount, amount: '100', idempotencyKey: 'salary-2026-01-17' },
          { sender: account, recipient: 'ROOT', amount: '20', reference: 'Tax' },
        ],
      },
    },
    transfer: {
      summary: 'All of them or none',
      value: {
        mode: 'atomic',
        transactions: [
          { sender: account, recipient: otherAccount, amount: '100' },
          { sender: otherAccount, recipient: account, amount: '100' },
        ],
      },
    },
  },
  SetExchangeRateBody: { rate: { summary: '1 EUR is 1.0837 USD', value: { rate: '1.0837' } } },
  AddCurrencyBody: {
    miles: { summary: 'Bonus miles', value: { code: 'MILES', exponent: 0, name: 'Bonus miles' } },
  },
  ClosePeriodBody: {
    day: { summary: 'All of 2020', value: { date: '2020-12-31' } },
    moment: { summary: 'All before a moment', value: { date: '2021-01-01T05:00:00+05:00' } },
  },
  CreateKeyBody: {
    service: {
      summary: 'For a service of yours',
      value: { name: 'Checkout service', scopes: ['accounts:read', 'transactions:write'] },
    },
    partner: {
      summary: 'For a partner, who signs, sees its own alone and may call ten times a second',
      value: {
        name: 'Merchant 17',
        scopes: ['accounts:read', 'transactions:read', 'transactions:write'],
        ownerId: 'merchant-17',
        rateLimitPerMinute: 600,
        signing: 'required',
        expiresAt: '2099-12-31T23:59:59Z',
      },
    },
  },
  UpdateKeyBody: {
    narrow: { summary: 'Let it do less', value: { scopes: ['accounts:read'] } },
    unlimit: {
      summary: 'Take limit and expiry away',
      value: { name: 'Settlement', rateLimitPerMinute: null, expiresAt: null },
    },
  },
  RotateKeyBody: {
    planned: { summary: 'The old secret works for a day more', value: { overlapSeconds: 86_400 } },
    leaked: { summary: 'The old secret ends at once', value: { overlapSeconds: 0 } },
  },
  CreateOrganizationBody: {
    plain: { summary: 'A company that you serve', value: { name: 'Acme Payments' } },
  },
  CreateLedgerBody: {
    test: { summary: 'To try things out', value: { name: 'Wallets (test)', mode: 'test' } },
    live: { summary: 'For real money', value: { name: 'Wallets', mode: 'live' } },
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
  IssueClientTokenBody: {
    app: {
      summary: "For a person's own app",
      value: { ownerId: 'alice', scopes: ['accounts:read', 'transactions:read'] },
    },
    brief: {
      summary: 'For a minute',
      value: { ownerId: 'alice', scopes: ['transactions:write'], ttlSeconds: 60 },
    },
  },
};
