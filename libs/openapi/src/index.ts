export { exampleOf, errorSchema, many, newestFirst, one, page, pageMeta } from './answer-schemas.js';
export * from './describe-api.js';
export { documentedWith, pageErrors, type RouteDescription, type Vocabulary } from './documented.js';
export { conventionErrors, errorExample, requestErrors, unavailable } from './documented-errors.js';
export { answerHeaders, headerText, requestHeaders } from './documented-headers.js';
export * from './fields.js';
export * from './list-query.js';
export * from './operations-controller.js';
export * from './schema-parts.js';
