import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { describeApi } from '#openapi';
import { vocabulary } from './documented.js';
import { requestExamples } from './request-examples.js';

const conventions = `A double-entry ledger: accounts, and transactions that move money between them.

- **Amounts** are integers in the minor unit of their currency: digit strings in answers, digit strings or safe JSON integers in requests.
- **Times** are ISO 8601 in UTC with six decimals; in requests the fractions may be missing.
- **Ids** are TypeIDs: \`acc_…\`, \`txn_…\`. \`ROOT\` is the system account of the currency concerned, where money comes from and goes to; \`EXCHANGE\` is the one through which currencies are changed, and no body names it.
- **Errors** have one shape and a stable \`code\`; a request with two faults always gets the same one. A path that is no route is 404 \`not_found\`; a method that a path lacks is 405 \`method_not_allowed\` with \`Allow\`. Each GET answers HEAD as well.
- **What is no request** is told so on its connection, which ends with that: 400 where it is not HTTP, 408 where it doesn't come in time, 431 where its URL and headers are more than 16 KiB, all of them \`validation_error\`. Whoever ends their side of a connection has left, and gets no answer.
- **Unknown** body fields and query parameters are refused, so that a misspelt filter can't return everything.
- **Lists** show every write that was answered before they were asked for, unless asked with \`consistency=eventual\`.`;

/** The ledger's contract at /openapi.json, and a page to read it at /docs. */
export function describeLedger(app: NestFastifyApplication): void {
  describeApi(app, {
    title: 'Ledger',
    pageTitle: 'Ledger API',
    description: conventions,
    tags: {
      Accounts: 'Who holds money',
      Statements: 'What happened on an account',
      Transactions: 'Money that moves',
      Holds: 'Money that is held: captured, released, extended',
      Reversals: 'Money that is given back',
      Batches: 'Many transactions at once',
      ExchangeRates: 'At which currencies are changed into each other',
      Currencies: 'Assets of the ledger’s own',
      Periods: 'Up to when the books are closed',
      Journal: 'What happened, in order, and what it adds up to',
      ApiKeys: 'Who may call, and what for',
      ClientTokens: 'What apps of one owner call with',
      AuditLog: 'Who changed keys, endpoints and settings',
      Organizations: 'Ledgers, and whose they are; for the operator, who calls with OPERATOR_API_KEY',
      Operations: 'For whoever runs the service',
    },
    requestExamples,
    vocabulary,
  });
}
