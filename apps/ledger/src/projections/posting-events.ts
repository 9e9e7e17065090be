import { effectOf, transactionEventTypes } from '#domain';

/** Events whose legs change settled balances: they alone have entries. */
export const postingEventTypes = transactionEventTypes.filter((type) =>
  ['post', 'capture'].includes(effectOf(type)),
);

/** For IN (…). Names of ours, so that they can be written out. */
export function textsSql(texts: readonly string[]): string {
  return texts.map((text) => `'${text}'`).join(', ');
}

export const postingEventTypesSql = textsSql(postingEventTypes);
