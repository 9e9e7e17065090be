import { answerHeaders as anyAnswer, headerText, requestHeaders as anyRequest, text, typeId } from '#openapi';
import { accountIdPattern, accountReference } from '#contracts';
import { currencyCode } from './ids.js';
import { exampleIds } from './schema-parts.js';

const entityTag = '^"[0-9]+\\.[0-9]+"$';
const exampleDate = 'Sat, 31 Jan 2026 09:15:27 GMT';
const { 'X-Request-Id': requestId, ...ofErrors } = anyAnswer;
const visibleAscii = '^[\\x21-\\x7e]*$';

/** Headers that a request may have, by name. */
export const requestHeaders = {
  ...anyRequest,
  'Idempotency-Key': {
    description:
      'Makes the request safe to repeat: the same key with the same method, path and body gets the first ' +
      "answer again and changes nothing; with another body it is refused. A refused request doesn't use it up, and a " +
      'dry run has no use for it.',
    required: false,
    schema: headerText('order-8-payment', { minLength: 1, maxLength: 255, pattern: visibleAscii }),
  },
  'If-Match': {
    description: 'ETag of the account as it was read, several of them, or `*`; 412 when none is its ETag',
    required: false,
    schema: headerText('"1.3"'),
  },
  'If-Unmodified-Since': {
    description: 'Last-Modified of the account as it was read; ignored beside If-Match',
    required: false,
    schema: headerText(exampleDate),
  },
};

/** Headers that an answer may have, by name. */
export const answerHeaders = {
  'X-Request-Id': requestId,
  ETag: {
    description:
      '`"<settings version>.<version>"`, for If-Match: PATCH compares the first part, DELETE both; not there where data is null',
    schema: headerText('"1.3"', { pattern: entityTag }),
  },
  'Last-Modified': { description: 'For If-Unmodified-Since', schema: headerText(exampleDate) },
  'Idempotency-Replayed': {
    description: 'There, and true, where the answer is that of an earlier request with the same key',
    schema: headerText('true', { enum: ['true'] }),
  },
  ...ofErrors,
};

/** What `{id}` stands for. A malformed one is 404, as one of nothing. */
export const pathIds = {
  account: {
    description: 'The account. ROOT and EXCHANGE can be neither changed nor closed (403).',
    schema: text('An account id', exampleIds.account, { pattern: accountIdPattern }),
  },
  accountOrRoot: {
    description: 'The account; or ROOT or EXCHANGE, with `?currency=`',
    schema: accountReference('An account id, ROOT or EXCHANGE'),
  },
  apiKey: {
    description: 'The key. Another ledger’s is 404.',
    schema: typeId('key', 'A key id', exampleIds.key),
  },
  currency: {
    description: 'The code of a currency of the ledger',
    schema: text('A code of ISO 4217, or one of the ledger’s own', 'EUR', { pattern: currencyCode.source }),
  },
  organization: {
    description: 'The organization',
    schema: typeId('org', 'An organization id', exampleIds.organization),
  },
  transaction: {
    description: 'The transaction',
    schema: typeId('txn', 'A transaction id', exampleIds.transaction),
  },
};
