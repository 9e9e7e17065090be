import { documentedWith } from '#openapi';
import { answers, schemas } from './answer-schemas.js';
import { documentedErrors, statusNames } from './documented-errors.js';
import { answerHeaders, pathIds, requestHeaders } from './documented-headers.js';

/** All that routes of the ledger are described with. */
export const vocabulary = {
  answers,
  schemas,
  errors: documentedErrors,
  statusNames,
  requestHeaders,
  answerHeaders,
  pathIds,
};

export const Documented = documentedWith(vocabulary);

/** Errors of every change of the ledger. */
export const writeErrors = ['overloaded', 'outcome_unknown'] as const;
