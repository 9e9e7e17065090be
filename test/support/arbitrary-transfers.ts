import fc from 'fast-check';

/** For properties of how a transfer is written: of any size that is stored, and any text, also what needs escapes. */
export const anyAmount = fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n });
export const anyText = fc.option(fc.string({ unit: 'binary' }), { nil: null });

/** Of a leg, but for where it stands, its account, its owner and its currency, on which more may depend. */
export const legFields = {
  system: fc.constantFrom(null, 'ROOT' as const),
  visibility: fc.constantFrom('private' as const, 'public' as const, 'unlisted' as const),
  direction: fc.constantFrom('debit' as const, 'credit' as const),
  amount: anyAmount,
  posted: anyAmount,
  pendingIn: anyAmount,
  pendingOut: anyAmount,
  available: anyAmount,
  version: fc.nat(),
  entryNumber: fc.nat(),
};

/** What every transaction has, but for its legs. */
export const transferFields = {
  transactionId: fc.uuid(),
  type: fc.constantFrom('transfer' as const, 'mint' as const, 'burn' as const),
  reference: anyText,
  externalId: anyText,
  metadata: fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()),
};
