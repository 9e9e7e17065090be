import { answerHeaders, documentedWith, requestHeaders } from '#openapi';
import { answers, schemas } from './answer-schemas.js';
import { documentedErrors, statusNames } from './documented-errors.js';
import { pathIds } from './path-ids.js';

/** All that routes of the dispatcher are described with. */
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
